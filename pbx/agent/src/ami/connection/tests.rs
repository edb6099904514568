//! The client against a socket that speaks as Asterisk does.

use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpSocket};

use super::*;
use crate::ami::{Ami, AmiError, BACKLOG};

/// The other end of one connection, after the login.
struct Peer {
    lines: Lines<BufReader<OwnedReadHalf>>,
    out: OwnedWriteHalf,
}

impl Peer {
    async fn accept(listener: &TcpListener, secret: &Secret) -> Self {
        let (stream, _) = listener.accept().await.unwrap();
        let (read, mut out) = stream.into_split();
        out.write_all(b"Asterisk Call Manager/11.0.0\r\n").await.unwrap();
        let mut peer = Self { lines: BufReader::new(read).lines(), out };
        let login = peer.action().await;
        assert!(login.contains(&format!("Secret: {}", secret.reveal())), "{login:?}");
        peer.say("Response: Success\r\nActionID: login\r\nMessage: Authentication accepted\r\n\r\n").await;
        peer
    }

    async fn action(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            match self.lines.next_line().await.unwrap() {
                Some(line) if !line.is_empty() => lines.push(line),
                _ => return lines,
            }
        }
    }

    async fn say(&mut self, text: &str) {
        self.out.write_all(text.as_bytes()).await.unwrap();
    }
}

async fn up(ami: &Ami, logins: u64) {
    let mut link = ami.link();
    let connected = link.wait_for(|link| *link == Link::Up(logins));
    timeout(Duration::from_secs(10), connected).await.unwrap().unwrap();
}

async fn start() -> (Ami, Peer, TcpListener, Secret) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let secret = Secret::new(&mut rand::rng());
    let ami = Ami::start(listener.local_addr().unwrap(), secret.clone(), BACKLOG);
    let peer = Peer::accept(&listener, &secret).await;
    up(&ami, 1).await;
    (ami, peer, listener, secret)
}

#[tokio::test]
async fn what_happens_is_told_and_a_list_comes_with_its_answer() {
    let (ami, mut peer, _listener, _) = start().await;
    let mut events = ami.events();
    let asking = tokio::spawn({
        let ami = ami.clone();
        async move { ami.request(Action::new("QueueStatus").with("Queue", "700")).await }
    });
    let asked = peer.action().await;
    assert_eq!(asked, ["Action: QueueStatus", "ActionID: 1", "Queue: 700"]);
    peer.say("Response: Success\r\nActionID: 1\r\nEventList: start\r\n\r\n").await;
    peer.say("Event: PeerStatus\r\nPeer: PJSIP/101\r\nPeerStatus: Registered\r\n\r\n").await;
    peer.say("Event: QueueParams\r\nActionID: 1\r\nQueue: 700\r\n\r\n").await;
    peer.say("Event: QueueStatusComplete\r\nActionID: 1\r\nEventList: Complete\r\n\r\n").await;
    let answer = asking.await.unwrap().unwrap();
    assert_eq!(answer.rows.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), ["QueueParams"]);
    assert_eq!(events.recv().await.unwrap().get("Peer"), Some("PJSIP/101"));
    assert!(events.try_recv().is_err(), "a row is no news");
}

#[tokio::test]
async fn a_refusal_is_said_in_asterisks_words() {
    let (ami, mut peer, _listener, _) = start().await;
    let asking = tokio::spawn(async move { ami.request(Action::new("Hangup").with("Channel", "PJSIP/1")).await });
    peer.action().await;
    peer.say("Response: Error\r\nActionID: 1\r\nMessage: No such channel\r\n\r\n").await;
    let error = asking.await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "Hangup: Asterisk says: No such channel");
}

#[tokio::test]
async fn a_lost_connection_ends_the_wait_and_is_made_anew() {
    let (ami, mut peer, listener, secret) = start().await;
    let mut events = ami.events();
    let asking = tokio::spawn({
        let ami = ami.clone();
        async move { ami.request(Action::new("Ping")).await }
    });
    peer.action().await;
    drop(peer);
    assert!(matches!(asking.await.unwrap(), Err(AmiError::Down("Ping"))));
    let mut peer = Peer::accept(&listener, &secret).await;
    up(&ami, 2).await;
    peer.say("Event: FullyBooted\r\nStatus: Fully Booted\r\n\r\n").await;
    assert_eq!(events.recv().await.unwrap().name, "FullyBooted");
}

#[tokio::test]
async fn without_a_connection_a_question_fails_at_once() {
    // A port that is held, so that no other test is given it, and where nobody listens.
    let held = TcpSocket::new_v4().unwrap();
    held.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let ami = Ami::start(held.local_addr().unwrap(), Secret::new(&mut rand::rng()), BACKLOG);
    assert!(matches!(ami.request(Action::new("Ping")).await, Err(AmiError::Down("Ping"))));
}
