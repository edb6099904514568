//! Asks a server over UDP, and keeps of the answer what has to be the same everywhere. Sockets.

use std::{
    net::{SocketAddr, UdpSocket},
    time::Duration,
};

use hickory_proto::{op::Message, rr::Record};

use crate::queries::Query;

/// What of an answer has to be the same: all but the order within a section, and additional records, which a server may choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The response code, with its upper part.
    pub code: u16,
    /// The flags AA and TC.
    pub flags: (bool, bool),
    /// The operation.
    pub operation: u8,
    /// The question, to the letter.
    pub question: Vec<u8>,
    /// The answers, sorted.
    pub answers: Vec<String>,
    /// The authority section, sorted.
    pub authority: Vec<String>,
    /// EDNS: version and DO bit.
    pub edns: Option<(u8, bool)>,
}

/// A socket to one server.
pub struct Asker {
    socket: UdpSocket,
}

impl Asker {
    /// A socket to this server.
    pub fn new(server: SocketAddr) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(server).unwrap();
        Self { socket }
    }

    /// The answer of a server that may be silent to what is malformed, and is not waited for long then.
    pub fn ask(&self, query: &Query) -> Option<Seen> {
        if query.variant.is_malformed() { self.try_once(query, Duration::from_millis(30)) } else { self.insist(query) }
    }

    /// The answer of a server that is never silent.
    pub fn insist(&self, query: &Query) -> Option<Seen> {
        (0..3).find_map(|_| self.try_once(query, Duration::from_secs(2)))
    }

    fn try_once(&self, query: &Query, patience: Duration) -> Option<Seen> {
        let mut answer = vec![0; 65_535];
        self.socket.set_read_timeout(Some(patience)).unwrap();
        self.socket.send(&query.octets).unwrap();
        while let Ok(length) = self.socket.recv(&mut answer) {
            // A late answer to an earlier query has another number.
            if answer[..2] == query.octets[..2] {
                return Some(seen(&answer[..length]));
            }
        }
        None
    }
}

fn seen(octets: &[u8]) -> Seen {
    let message = Message::from_vec(octets).unwrap_or_else(|error| panic!("{error}: {}", octets.escape_ascii()));
    let code = u16::from(message.metadata.response_code);
    let question = message.queries.iter().flat_map(|query| {
        let kind = u16::from(query.query_type).to_be_bytes();
        let class = u16::from(query.query_class).to_be_bytes();
        query.name.to_string().into_bytes().into_iter().chain(kind).chain(class)
    });
    Seen {
        code,
        flags: (message.metadata.authoritative, message.metadata.truncation),
        operation: message.metadata.op_code.into(),
        question: question.collect(),
        answers: texts(&message.answers),
        authority: texts(&message.authorities),
        edns: message.edns.as_ref().map(|edns| (edns.version(), edns.flags().dnssec_ok)),
    }
}

fn texts(records: &[Record]) -> Vec<String> {
    let mut texts: Vec<_> = records.iter().map(|record| record.to_string().to_ascii_lowercase()).collect();
    texts.sort();
    texts
}
