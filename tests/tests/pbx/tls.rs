//! SIP over TLS with encrypted audio, and the certificate that it shows.

use std::sync::Arc;

use anyhow::{Result, ensure};
use ecqx_tests::pbx::{ADDRESS, Attempt, Authority, FQDN, Files, Pbx, Phone, Ringing, Softphone, heard, sound};
use pbx_contract::{MediaEncryption, SIPS_PORT};
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::events::raised;

/// Samples that are enough to tell tones apart: half a second.
const ENOUGH: usize = 4000;

fn files(certificate: (String, String)) -> Files {
    Files { certificate: Some(certificate), ..Files::of(3) }
}

/// Whether the last half second that it heard was this tone, and nothing else to speak of.
fn hears(phone: &Ringing, tone: sound::Hertz) -> Result<bool> {
    let samples = phone.heard()?;
    Ok(samples.len() > 2 * ENOUGH && sound::share(&samples[samples.len() - ENOUGH..], tone) > 0.9)
}

/// What a phone that trusts this authority is shown, or why it goes away.
async fn shown(pbx: &Pbx, authority: &Authority) -> Result<CertificateDer<'static>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.certificate().as_bytes())?)?;
    pbx.inside(move || async move {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions()?.with_root_certificates(roots).with_no_client_auth();
        let stream = TcpStream::connect((ADDRESS, SIPS_PORT)).await?;
        let stream = TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(FQDN)?, stream).await?;
        let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
        Ok(chain[0].clone().into_owned())
    })
    .await
}

fn leaf((chain, _): &(String, String)) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(chain.as_bytes()).unwrap()
}

#[tokio::test]
async fn phones_talk_over_tls_with_encrypted_audio_and_with_one_that_cannot() {
    let authority = Authority::new("ours").unwrap();
    let pbx = Pbx::start(files(authority.issue(90).unwrap())).await.unwrap();
    let mut first = pbx.softphone(&Softphone::new(Phone::of("101"), 440).strict()).await.unwrap();
    let second = pbx.softphone(&Softphone::new(Phone::of("102"), 1000).secure()).await.unwrap();
    let plain = pbx.softphone(&Softphone::new(Phone::of("103"), 1500)).await.unwrap();
    for (number, other, tone) in [("102", &second, 1000), ("103", &plain, 1500)] {
        first.dial(number).await.unwrap();
        let both = async || {
            let heard = (hears(&first, tone)?, hears(other, 440)?);
            ensure!(heard == (true, true), "{heard:?}: {}\n{}", first.said()?, other.said()?);
            Ok(true)
        };
        pbx.eventually(&format!("101 and {number} hear each other"), both).await.unwrap();
        let stats = pbx.asterisk("pjsip show channelstats").await.unwrap();
        let legs = heard(&stats);
        assert!(legs.len() == 2 && legs.iter().all(|(received, sent)| *received >= 50 && *sent >= 50), "{stats}");
        first.hang_up().await.unwrap();
        let over = async || Ok(pbx.status().await?.usage.active_calls == 0);
        pbx.eventually("the call is over", over).await.unwrap();
    }
    for (phone, calls) in [(&first, 2), (&second, 1), (&plain, 0)] {
        let said = phone.said().unwrap();
        assert_eq!(said.matches("SRTP is Enabled").count(), calls, "{said}");
        assert_eq!(said.contains("/TLS/v4} 200 OK"), calls > 0, "{said}");
        assert!(!said.contains("failed to decrypt"), "{said}");
    }
}

#[tokio::test]
async fn a_phone_that_takes_encrypted_audio_only_is_called_and_never_in_the_clear() {
    let authority = Authority::new("ours").unwrap();
    let required =
        files(authority.issue(90).unwrap()).with("101", |it| it.media_encryption = MediaEncryption::Required);
    let pbx = Pbx::start(required).await.unwrap();
    let strict = pbx.softphone(&Softphone::new(Phone::of("101"), 440).strict()).await.unwrap();
    let mut plain = pbx.softphone(&Softphone::new(Phone::of("103"), 1500)).await.unwrap();
    plain.dial("101").await.unwrap();
    let both = async || {
        let heard = (hears(&strict, 1500)?, hears(&plain, 440)?);
        ensure!(heard == (true, true), "{heard:?}: {}\n{}", strict.said()?, plain.said()?);
        Ok(true)
    };
    pbx.eventually("101 and 103 hear each other", both).await.unwrap();
    assert_eq!(strict.said().unwrap().matches("SRTP is Enabled").count(), 1);
    plain.hang_up().await.unwrap();
    pbx.eventually("the call is over", async || Ok(pbx.status().await?.usage.active_calls == 0)).await.unwrap();

    // Over TLS, and by its own account, yet with audio in the clear: there is no such call.
    drop(strict);
    let clear = Attempt::new("race", &Phone::first(1)).calling("*43");
    let outcome = pbx.attempt(&clear).await.unwrap();
    assert_eq!(outcome.count(488), 1, "{outcome:?}");
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_at_once_and_a_call_goes_on() {
    let authority = Authority::new("ours").unwrap();
    let (old, new) = (authority.issue(5).unwrap(), authority.issue(90).unwrap());
    let mut pbx = Pbx::start(files(old.clone())).await.unwrap();
    let mut phone = pbx.softphone(&Softphone::new(Phone::of("101"), 440).secure()).await.unwrap();
    phone.dial("*43").await.unwrap();
    pbx.eventually("it hears itself", async || hears(&phone, 440)).await.unwrap();
    assert_eq!(shown(&pbx, &authority).await.unwrap(), leaf(&old));
    let asterisk = pbx.process("asterisk").unwrap();

    pbx.apply(files(new.clone())).await.unwrap();
    let renewed = async || Ok(shown(&pbx, &authority).await? == leaf(&new));
    pbx.eventually("the new certificate is shown", renewed).await.unwrap();
    raised(&pbx, ["CertificateExpiring", "CertificateRenewed"]).await;
    let before = phone.heard().unwrap().len();
    pbx.eventually("a second more is heard", async || Ok(phone.heard()?.len() > before + 8000)).await.unwrap();
    assert!(hears(&phone, 440).unwrap());
    assert_eq!(pbx.status().await.unwrap().usage.active_calls, 1);
    phone.hang_up().await.unwrap();
    // Over the connection that was made with the old certificate.
    pbx.eventually("it is over", async || Ok(pbx.status().await?.usage.active_calls == 0)).await.unwrap();
    pbx.softphone(&Softphone::new(Phone::of("102"), 1000).secure()).await.unwrap();
    assert_eq!(pbx.process("asterisk").unwrap(), asterisk, "it is the same Asterisk");
}

#[tokio::test]
async fn a_phone_that_looks_refuses_a_stranger_and_what_has_expired() {
    let (authority, other) = (Authority::new("ours").unwrap(), Authority::new("theirs").unwrap());
    let good = authority.issue(90).unwrap();
    let mut pbx = Pbx::start(files(good.clone())).await.unwrap();
    assert_eq!(shown(&pbx, &authority).await.unwrap(), leaf(&good));
    let refused = shown(&pbx, &other).await.unwrap_err().to_string();
    assert!(refused.contains("UnknownIssuer"), "{refused}");

    // A chain with the key of another one is not taken: what was there is still shown.
    pbx.mount(files((authority.issue(90).unwrap().0, authority.issue(90).unwrap().1))).unwrap();
    raised(&pbx, ["CertificateRefused"]).await;
    assert_eq!(shown(&pbx, &authority).await.unwrap(), leaf(&good));

    pbx.apply(files(authority.issue(-1).unwrap())).await.unwrap();
    raised(&pbx, ["CertificateExpired"]).await;
    let expired = async || Ok(shown(&pbx, &authority).await.is_err_and(|error| error.to_string().contains("xpired")));
    pbx.eventually("what has expired is refused", expired).await.unwrap();
    pbx.apply(files(good.clone())).await.unwrap();
    let again = async || Ok(shown(&pbx, &authority).await? == leaf(&good));
    pbx.eventually("a good one is shown again", again).await.unwrap();
}
