//! By which digest a phone authenticates (RFC 8760): phones that know SHA-256, and those that know only MD5.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result};
use ecqx_tests::pbx::{ADDRESS, Attempt, FQDN, Files, Pbx, Phone};
use pbx_contract::{Digests, SIP_PORT};
use sha2::{Digest as _, Sha256};
use tokio::net::UdpSocket;
use tokio::time::timeout;

fn files(digests: Digests) -> Files {
    let mut files = Files::of(1);
    files.limits.policy.digests = digests;
    files
}

fn sha256(text: &str) -> String {
    let digits = |hex: String, octet: &u8| hex + &format!("{octet:02x}");
    Sha256::digest(text).iter().fold(String::new(), digits)
}

/// A phone that knows SHA-256 and nothing else: the status that it gets in the end, and the algorithms that it was offered, in order.
async fn registers(pbx: &Pbx, number: &'static str, password: String) -> Result<(u16, Vec<String>)> {
    pbx.inside(move || async move {
        let socket = UdpSocket::bind((ADDRESS, 0)).await?;
        socket.connect((ADDRESS, SIP_PORT)).await?;
        let first = ask(&socket, number, 1, "").await?;
        let challenges: Vec<BTreeMap<String, String>> =
            first.lines().filter_map(|line| line.strip_prefix("WWW-Authenticate: Digest ")).map(parameters).collect();
        let offered = challenges.iter().filter_map(|challenge| challenge.get("algorithm").cloned()).collect();
        let Some(challenge) = challenges.iter().find(|challenge| challenge["algorithm"] == "SHA-256") else {
            return Ok((status(&first)?, offered));
        };
        let answered = ask(&socket, number, 2, &authorization(number, &password, challenge)).await?;
        Ok((status(&answered)?, offered))
    })
    .await
}

/// One REGISTER and its final answer.
async fn ask(socket: &UdpSocket, number: &str, sequence: u32, more: &str) -> Result<String> {
    let own = socket.local_addr()?;
    // What has the same branch is taken for a retransmission.
    let port = own.port();
    let request = format!(
        "REGISTER sip:{FQDN} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK{port}-{sequence};rport\r\nMax-Forwards: 70\r\n\
         From: <sip:{number}@{FQDN}>;tag=own\r\nTo: <sip:{number}@{FQDN}>\r\nCall-ID: {own}\r\nCSeq: {sequence} REGISTER\r\n\
         Contact: <sip:{number}@{own}>\r\nExpires: 300\r\n{more}Content-Length: 0\r\n\r\n"
    );
    socket.send(request.as_bytes()).await?;
    let mut answer = [0; 4096];
    loop {
        let length = timeout(Duration::from_secs(10), socket.recv(&mut answer))
            .await
            .with_context(|| format!("no answer to {request}"))??;
        let text = String::from_utf8_lossy(&answer[..length]).into_owned();
        if text.contains(&format!("CSeq: {sequence} REGISTER")) && status(&text)? >= 200 {
            return Ok(text);
        }
    }
}

/// The answer to a challenge with `qop=auth` (RFC 7616, section 3.4).
fn authorization(number: &str, password: &str, challenge: &BTreeMap<String, String>) -> String {
    let (realm, nonce, uri) = (&challenge["realm"], &challenge["nonce"], format!("sip:{FQDN}"));
    let (own, call) = (sha256(&format!("{number}:{realm}:{password}")), sha256(&format!("REGISTER:{uri}")));
    let response = sha256(&format!("{own}:{nonce}:00000001:cnonce:auth:{call}"));
    format!(
        "Authorization: Digest username=\"{number}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", response=\"{response}\", \
         algorithm=SHA-256, cnonce=\"cnonce\", opaque=\"{}\", qop=auth, nc=00000001\r\n",
        challenge["opaque"]
    )
}

fn parameters(line: &str) -> BTreeMap<String, String> {
    let pairs = line.split(',').filter_map(|pair| pair.trim().split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned())).collect()
}

fn status(answer: &str) -> Result<u16> {
    Ok(answer.split_whitespace().nth(1).context("no status")?.parse()?)
}

#[tokio::test]
async fn a_phone_that_knows_sha_256_uses_it_and_one_that_knows_md5_alone_registers_too() {
    let pbx = Pbx::start(files(Digests::Md5First)).await.unwrap();
    let (answer, offered) = registers(&pbx, "101", Files::password("101")).await.unwrap();
    assert_eq!((answer, offered), (200, vec!["MD5".to_owned(), "SHA-256".to_owned()]));
    assert_eq!(registers(&pbx, "101", "guessed".into()).await.unwrap().0, 401);
    // SIPp 3.6.1 knows MD5.
    pbx.register(&[Phone::of("101")]).await.unwrap();
    let call = pbx.attempt(&super::extensions::talk(&Phone::of("101"), "*43", 1)).await.unwrap();
    assert_eq!(call.answers, [200], "{call:?}");
}

#[tokio::test]
async fn the_order_is_the_providers_and_without_md5_a_phone_that_knows_no_other_stays_out() {
    let mut pbx = Pbx::start(files(Digests::Sha256First)).await.unwrap();
    let (answer, offered) = registers(&pbx, "101", Files::password("101")).await.unwrap();
    assert_eq!((answer, offered), (200, vec!["SHA-256".to_owned(), "MD5".to_owned()]));
    pbx.apply(files(Digests::Sha256Only)).await.unwrap();
    let (answer, offered) = registers(&pbx, "101", Files::password("101")).await.unwrap();
    assert_eq!((answer, offered), (200, vec!["SHA-256".to_owned()]));
    let refused = pbx.attempt(&Attempt::new("register", &[Phone::of("101")])).await.unwrap();
    assert!(!refused.success, "{refused:?}");
}
