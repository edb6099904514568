//! What stands for Asterisk here: a manager interface with queues that remember their members. The real one is in the end-to-end
//! tests.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;

use crate::ami::{Ami, BACKLOG, Secret};

/// By queue and interface.
type Members = BTreeMap<(String, String), Member>;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) paused: bool,
    pub(super) reason: String,
    pub(super) in_call: bool,
}

#[derive(Clone)]
pub(super) struct Switchboard {
    pub(super) members: Arc<Mutex<Members>>,
    /// Callers in queue 700.
    pub(super) callers: Arc<Mutex<Vec<String>>>,
    /// Whether a telephone that is rung answers.
    pub(super) answers: bool,
    events: broadcast::Sender<String>,
}

impl Switchboard {
    pub(super) async fn start(answers: bool) -> (Self, Ami) {
        let board =
            Self { members: Arc::default(), callers: Arc::default(), answers, events: broadcast::channel(64).0 };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let ami = Ami::start(listener.local_addr().unwrap(), Secret::new(&mut rand::rng()), BACKLOG);
        let serving = board.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serving.clone().serve(stream));
            }
        });
        (board, ami)
    }

    /// The extensions in a queue.
    pub(super) fn in_queue(&self, queue: &str) -> Vec<String> {
        let members = self.members.lock().unwrap();
        let own = members.keys().filter(|(of, _)| of == queue);
        own.map(|(_, interface)| interface.trim_start_matches("PJSIP/").to_owned()).collect()
    }

    pub(super) fn change(&self, queue: &str, extension: &str, change: impl FnOnce(&mut Member)) {
        let mut members = self.members.lock().unwrap();
        change(members.get_mut(&(queue.to_owned(), format!("PJSIP/{extension}"))).unwrap());
        drop(members);
        self.happens("Event: QueueMemberStatus\r\n\r\n");
    }

    pub(super) fn happens(&self, event: &str) {
        let _ = self.events.send(event.to_owned());
    }

    async fn serve(self, stream: TcpStream) {
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read).lines();
        let mut events = self.events.subscribe();
        write.write_all(b"Asterisk Call Manager/11.0.0\r\n").await.unwrap();
        let mut action = BTreeMap::new();
        loop {
            tokio::select! {
                line = lines.next_line() => match line.unwrap_or_default() {
                    Some(line) if line.is_empty() => {
                        let answer = self.answer(&std::mem::take(&mut action));
                        write.write_all(answer.as_bytes()).await.unwrap();
                    }
                    Some(line) => {
                        let (name, value) = line.split_once(": ").unwrap_or((line.trim_end_matches(':'), ""));
                        action.insert(name.to_owned(), value.to_owned());
                    }
                    None => return,
                },
                Ok(event) = events.recv() => write.write_all(event.as_bytes()).await.unwrap(),
            }
        }
    }

    fn answer(&self, action: &BTreeMap<String, String>) -> String {
        let field = |name: &str| action.get(name).cloned().unwrap_or_default();
        let (id, member) = (field("ActionID"), (field("Queue"), field("Interface")));
        let mut members = self.members.lock().unwrap();
        let paused = field("Paused") == "true";
        let done = match field("Action").as_str() {
            "Login" => true,
            "QueueStatus" => return self.status(&id, &members),
            "QueueAdd" if members.contains_key(&member) => false,
            "QueueAdd" => members.insert(member, Member { paused, ..Member::default() }).is_none(),
            "QueueRemove" => members.remove(&member).is_some(),
            "QueuePause" => {
                members.get_mut(&member).map(|there| (there.paused, there.reason) = (paused, field("Reason"))).is_some()
            }
            "Originate" => {
                let outcome = if self.answers { "Success" } else { "Failure" };
                let channel = if self.answers { field("Channel") + "-00000001" } else { field("Channel") };
                let (context, exten) = (field("Context"), field("Exten"));
                return format!(
                    "Response: Success\r\nActionID: {id}\r\n\r\nEvent: OriginateResponse\r\nActionID: {id}\r\n\
                     Response: {outcome}\r\nChannel: {channel}\r\nContext: {context}\r\nExten: {exten}\r\n\r\n"
                );
            }
            _ => false,
        };
        format!("Response: {}\r\nActionID: {id}\r\n\r\n", if done { "Success" } else { "Error" })
    }

    fn status(&self, id: &str, members: &Members) -> String {
        let mut out = format!("Response: Success\r\nActionID: {id}\r\nEventList: start\r\n\r\n");
        let row = |name: &str| format!("Event: {name}\r\nActionID: {id}\r\n");
        for queue in ["700", "701"] {
            let _ = write!(out, "{}Queue: {queue}\r\nCompleted: 3\r\nAbandoned: 1\r\n\r\n", row("QueueParams"));
        }
        for ((queue, interface), member) in members {
            let Member { paused, reason, in_call } = member;
            let (paused, in_call) = (u8::from(*paused), u8::from(*in_call));
            let _ = write!(
                out,
                "{}Queue: {queue}\r\nLocation: {interface}\r\nStatus: 1\r\nPaused: {paused}\r\nPausedReason: {reason}\r\n\
                 InCall: {in_call}\r\n\r\n",
                row("QueueMember")
            );
        }
        for (index, caller) in self.callers.lock().unwrap().iter().enumerate() {
            let _ = write!(
                out,
                "{}Queue: 700\r\nUniqueid: {index}\r\nCallerIDNum: 9{index}\r\nCallerIDName: {caller}\r\nWait: 5\r\n\r\n",
                row("QueueEntry")
            );
        }
        out + &row("QueueStatusComplete") + "EventList: Complete\r\n\r\n"
    }
}
