//! A console on a port of the loopback, and clients for it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use pbx_contract::{
    CONSOLE_PATH, ConsoleMessage, ConsoleRefusal, ConsoleState, Extension, ExtensionsFile, Limits, Queue,
};
use pbx_contract::{Policy, QueueStrategy};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::switchboard::Switchboard;
use crate::console::{Console, Door, Floor, Patience, Ports, listen};
use crate::status::{Applied, Shared, Status};
use crate::wanted::{Wanted, fixtures};

/// Whatever is waited for is there long before this.
const DEADLINE: Duration = Duration::from_secs(20);

pub(super) struct Pbx {
    pub(super) address: SocketAddr,
    pub(super) status: Shared,
    pub(super) ports: Ports,
    pub(super) board: Switchboard,
    pub(super) dir: tempfile::TempDir,
}

pub(super) struct Client(pub(super) WebSocketStream<MaybeTlsStream<TcpStream>>);

fn queue(number: &str, agents: &[&str], supervisors: &[&str]) -> Queue {
    let list = |numbers: &[&str]| numbers.iter().map(|number| (*number).to_owned()).collect();
    Queue {
        number: number.into(),
        name: Some(format!("Queue {number}")),
        strategy: QueueStrategy::RingAll,
        agents: list(agents),
        supervisors: list(supervisors),
        ring_seconds: 20,
        wrap_up_seconds: 0,
        max_wait_seconds: 0,
    }
}

/// 101 and 102 are agents of 700, 102 of 701 too; 103 supervises 700, 104 supervises 701; 105 is neither; 106 is disabled.
pub(super) fn wanted(ports: u32) -> Wanted {
    let numbers = ["101", "102", "103", "104", "105", "106"];
    let extensions = ExtensionsFile {
        extensions: numbers.iter().map(|number| Extension::of(*number)).collect(),
        queues: vec![queue("700", &["101", "102", "106"], &["103"]), queue("701", &["102"], &["104"])],
        ..ExtensionsFile::default()
    };
    let limits = Limits { ip_phone_extension: 5, call_center: ports, ..Limits::default() };
    let wanted = fixtures::wanted(&fixtures::sealed(limits, extensions), &fixtures::passwords(&numbers)).unwrap();
    Wanted { policy: Policy { failures_before_block: 3, block_seconds: 60, ..Policy::default() }, ..wanted }
}

pub(super) fn patience() -> Patience {
    Patience { head: DEADLINE, login: DEADLINE, ..Patience::default() }
}

impl Pbx {
    pub(super) async fn start(ports: u32) -> Self {
        Self::with(ports, patience(), true).await
    }

    pub(super) async fn with(ports: u32, patience: Patience, answers: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for number in ["101", "102", "103", "104", "105", "106"] {
            std::fs::write(dir.path().join(format!("{number}.console")), format!("pw-{number}\n")).unwrap();
        }
        let (board, ami) = Switchboard::start(answers).await;
        let status = Shared::new(Status::starting());
        apply(&status, wanted(ports));
        let ports = Ports::default();
        let console = Console {
            door: Door::new(dir.path(), ports.clone()),
            floor: Floor::start(ami.clone(), &status),
            ami,
            status: status.clone(),
            patience,
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(listen::serve(listener, console));
        Self { address, status, ports, board, dir }
    }

    pub(super) fn passwords(&self) -> &Path {
        self.dir.path()
    }

    pub(super) fn apply(&self, wanted: Wanted) {
        apply(&self.status, wanted);
    }

    pub(super) async fn connect(&self) -> Client {
        let url = format!("ws://{}{CONSOLE_PATH}", self.address);
        Client(timeout(DEADLINE, tokio_tungstenite::connect_async(url)).await.unwrap().unwrap().0)
    }

    /// Connected, and what the login was answered with.
    pub(super) async fn try_login(&self, extension: &str, password: &str) -> (Client, ConsoleMessage) {
        let mut client = self.connect().await;
        client.login(extension, password).await;
        let answer = client.hear().await;
        (client, answer)
    }

    pub(super) async fn login(&self, extension: &str) -> Client {
        let (client, answer) = self.try_login(extension, &format!("pw-{extension}")).await;
        assert!(matches!(answer, ConsoleMessage::Welcome { .. }), "{answer:?}");
        client
    }

    pub(super) async fn refusal(&self, extension: &str, password: &str) -> ConsoleRefusal {
        match self.try_login(extension, password).await.1 {
            ConsoleMessage::Refused { code, .. } => code,
            other => panic!("{extension} was let in: {other:?}"),
        }
    }
}

fn apply(status: &Shared, wanted: Wanted) {
    let applied = Applied { wanted: Arc::new(wanted), ..Applied::nothing() };
    status.send_modify(|status| (status.booted, status.applied) = (true, Some(applied)));
}

impl Client {
    pub(super) async fn send(&mut self, message: Message) {
        // The other side may have closed it.
        let _ = timeout(DEADLINE, self.0.send(message)).await.expect("a message is taken in time");
    }

    pub(super) async fn say(&mut self, request: serde_json::Value) {
        self.send(Message::text(request.to_string())).await;
    }

    pub(super) async fn login(&mut self, extension: &str, password: &str) {
        self.say(serde_json::json!({ "id": 1, "do": { "login": { "extension": extension, "password": password } } }))
            .await;
    }

    /// The next message; `None` once it is closed.
    pub(super) async fn next(&mut self) -> Option<ConsoleMessage> {
        loop {
            match timeout(DEADLINE, self.0.next()).await.expect("a message comes in time") {
                Some(Ok(Message::Text(text))) => return Some(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(_) | Err(_)) | None => return None,
            }
        }
    }

    pub(super) async fn hear(&mut self) -> ConsoleMessage {
        self.next().await.expect("it is not closed")
    }

    pub(super) async fn hear_until<T>(&mut self, mut wanted: impl FnMut(ConsoleMessage) -> Option<T>) -> T {
        loop {
            if let Some(found) = wanted(self.hear().await) {
                return found;
            }
        }
    }

    /// The first state of which this is true.
    pub(super) async fn sees(&mut self, mut wanted: impl FnMut(&ConsoleState) -> bool) -> ConsoleState {
        self.hear_until(|message| match message {
            ConsoleMessage::State(state) if wanted(&state) => Some(state),
            _ => None,
        })
        .await
    }

    /// What a request is answered with: done, or why not.
    pub(super) async fn outcome(&mut self, request: serde_json::Value) -> Result<(), ConsoleRefusal> {
        let wanted = request["id"].as_u64();
        self.say(request).await;
        self.hear_until(|message| match message {
            ConsoleMessage::Done { id } if Some(u64::from(id)) == wanted => Some(Ok(())),
            ConsoleMessage::Refused { id, code, .. } if id.map(u64::from) == wanted => Some(Err(code)),
            _ => None,
        })
        .await
    }

    /// Why it was refused, with the connection closed after it.
    pub(super) async fn farewell(&mut self) -> ConsoleRefusal {
        let code = self
            .hear_until(|message| match message {
                ConsoleMessage::Refused { code, .. } => Some(code),
                _ => None,
            })
            .await;
        assert_eq!(self.next().await, None, "it is closed");
        code
    }
}

pub(super) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let wait = async {
        while !is_so() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(DEADLINE, wait).await.unwrap_or_else(|_| panic!("not in time: {what}"));
}
