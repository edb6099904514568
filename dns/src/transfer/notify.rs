//! Tells secondaries that the zone has changed (NOTIFY, RFC 1996). I/O: sockets.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
    sync::Arc,
    time::Duration,
};

use tokio::{net::UdpSocket, sync::watch, time::timeout};

use super::tsig::{Key, Session};
use crate::{
    metrics::unix_now,
    store::Kept,
    wire::{CLASS_IN, HEADER, Section, WireName, Writer, kind},
    zone::{RrSet, ZoneSettings},
};

/// How long the first try waits for an answer; each later one twice as long.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often it is tried; after that the secondary looks by itself, as the SOA tells it to.
const TRIES: u32 = 6;
/// How soon one secondary is told again: it asks for all that has changed until then.
const PAUSE: Duration = Duration::from_millis(200);
/// The most octets before the signature, so that it always fits into a datagram.
const LONGEST: usize = 900;
/// The opcode of NOTIFY, where it stands in the header.
const NOTIFY: u8 = 4 << 3;

/// `ADDRESS:PORT=KEY`, `ADDRESS=KEY`, or without a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secondary {
    /// Where it takes messages.
    pub address: SocketAddr,
    /// The name of the key by which it knows us.
    pub key: Option<String>,
}

/// Why a secondary is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no address; write ADDRESS=KEY or ADDRESS:PORT=KEY, such as 198.51.100.53=secondary1")]
pub struct SecondaryError(String);

impl FromStr for Secondary {
    type Err = SecondaryError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (address, key) =
            text.split_once('=').map_or((text, None), |(address, key)| (address, Some(key.to_owned())));
        let with_port = address.parse::<SocketAddr>().ok();
        let address = with_port.or_else(|| Some(SocketAddr::new(address.parse::<IpAddr>().ok()?, 53)));
        Ok(Self { address: address.ok_or_else(|| SecondaryError(text.to_owned()))?, key })
    }
}

/// Tells one secondary of each new serial, until there can be no more.
///
/// The SOA goes along (RFC 1996, section 3.7), so that a secondary that is still transferring an older state knows that it has to come
/// again: NSD forgets a notification without it then.
pub async fn tell(
    address: SocketAddr,
    key: Option<Key>,
    settings: Arc<ZoneSettings>,
    mut newest: watch::Receiver<Option<Kept>>,
) {
    while newest.changed().await.is_ok() {
        let serial = newest.borrow_and_update().as_ref().map(|kept| kept.serial);
        for attempt in 0..TRIES {
            let soa = serial.and_then(|serial| settings.soa_set(serial).ok());
            let message = message(rand::random(), key.clone(), settings.wire_origin(), soa.as_ref());
            let tried = attempt_once(address, serial, &message, PATIENCE * 2_u32.pow(attempt));
            // A newer serial begins anew: it is told of at once, and with all tries.
            tokio::select! {
                told = tried => if told { break },
                () = changed(newest.clone()) => break,
            }
            if newest.has_changed().is_err() {
                return;
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Whether it is told. Takes the whole of its patience where it is not.
async fn attempt_once(address: SocketAddr, serial: Option<u32>, message: &[u8], patience: Duration) -> bool {
    match once(address, message, patience).await {
        Ok(true) => return true,
        Ok(false) => tracing::debug!(%address, serial, "a secondary does not answer"),
        Err(error) => {
            tracing::warn!(%address, serial, %error, "a secondary cannot be told of a new serial");
            tokio::time::sleep(patience).await;
        }
    }
    false
}

/// Waits for something newer than was last looked at; for ever where nothing more can come.
async fn changed(mut newest: watch::Receiver<Option<Kept>>) {
    if newest.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Whether it answered in time.
async fn once(address: SocketAddr, message: &[u8], patience: Duration) -> io::Result<bool> {
    let from: IpAddr = if address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((from, 0)).await?;
    socket.connect(address).await?;
    socket.send(message).await?;
    let mut answer = [0; 512];
    let answered = async {
        loop {
            let length = socket.recv(&mut answer).await?;
            // Whatever it says, it was told: a refusal would not become another by being asked again.
            if length >= HEADER && answer[..2] == message[..2] && answer[2] & 0xf8 == 0x80 | NOTIFY {
                return io::Result::Ok(());
            }
        }
    };
    match timeout(patience, answered).await {
        Ok(answered) => answered.map(|()| true),
        Err(_) => Ok(false),
    }
}

fn message(id: u16, key: Option<Key>, origin: &WireName, soa: Option<&RrSet>) -> Vec<u8> {
    let mut message = id.to_be_bytes().to_vec();
    // AA is set in a notification (RFC 1996, section 4.5); the question is for the SOA.
    message.extend([NOTIFY | 0x04, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    message.extend(origin.as_bytes());
    message.extend(kind::SOA.to_be_bytes());
    message.extend(CLASS_IN.to_be_bytes());
    if let Some(soa) = soa {
        // What does not fit is left out: it is a hint.
        Writer::after_question(&mut message, LONGEST).set(Section::Answer, origin.as_bytes(), soa);
    }
    if let Some(key) = key {
        Session::new(key).sign(&mut message, unix_now());
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zone::tests::settings;

    fn kept(serial: u32) -> Kept {
        Kept {
            zone: "epygicloud.com".to_owned(),
            serial,
            revision: 1,
            settings: String::new(),
            held: crate::store::Held::new_sync(),
        }
    }

    #[tokio::test]
    async fn a_secondary_that_does_not_answer_is_told_again_until_it_does_and_then_of_the_next_serial() {
        let secondary = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let (sender, newest) = watch::channel(None);
        let telling = tokio::spawn(tell(secondary.local_addr().unwrap(), None, settings(), newest));
        sender.send_replace(Some(kept(7)));
        let mut message = [0; 512];
        let mut told = async |expected: u32| {
            let (length, from) =
                timeout(Duration::from_secs(20), secondary.recv_from(&mut message)).await.unwrap().unwrap();
            assert!(message[..length].windows(4).any(|octets| octets == expected.to_be_bytes()), "with the serial");
            (message[..HEADER].to_vec(), from)
        };
        // The first two are lost.
        told(7).await;
        told(7).await;
        let (mut answer, from) = told(7).await;
        answer[2] |= 0x80;
        secondary.send_to(&answer, from).await.unwrap();
        sender.send_replace(Some(kept(8)));
        told(8).await;
        drop(sender);
        timeout(Duration::from_secs(20), telling).await.unwrap().unwrap();
    }
}
