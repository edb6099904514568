//! What goes over a manager connection: read as a stream, and written. Pure.
//!
//! A message is lines of `Name: value`, ended by an empty one. What a telephone said of itself stands in values, and is data: what a
//! message is follows from its first line alone, and of two lines of one name the first counts, for Asterisk writes its own first.

use std::collections::VecDeque;
use std::fmt::Write as _;

/// A message with more octets than this is dropped as a whole.
const MESSAGE_MAX: usize = 256 << 10;

/// One message of Asterisk's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Something happened.
    Event(Event),
    /// An answer.
    Response(Response),
}

/// Something that happened in Asterisk, or one row of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Such as `ContactStatus`.
    pub name: String,
    /// The rest.
    pub fields: Fields,
}

/// Asterisk's answer to an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// Whether it did what was asked.
    pub success: bool,
    /// The rest.
    pub fields: Fields,
}

/// The lines of a message after the first, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// The first value of this name, however it is spelt; none where it is missing or empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str());
        value.filter(|value| !value.is_empty())
    }

    /// [`Fields::get`] as a number.
    pub fn number(&self, name: &str) -> Option<u32> {
        self.get(name)?.parse().ok()
    }

    /// All, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Fields {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl Event {
    /// See [`Fields::get`].
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.get(name)
    }

    /// See [`Fields::number`].
    pub fn number(&self, name: &str) -> Option<u32> {
        self.fields.number(name)
    }
}

impl Message {
    fn new(mut lines: Vec<(String, String)>) -> Option<Self> {
        if lines.is_empty() {
            return None;
        }
        let (name, value) = lines.remove(0);
        let fields = Fields(lines);
        match name.as_str() {
            "Event" => Some(Self::Event(Event { name: value, fields })),
            "Response" => Some(Self::Response(Response { success: value != "Error", fields })),
            _ => None,
        }
    }
}

/// Makes messages of what arrives, in whatever pieces.
#[derive(Debug, Default)]
pub struct Parser {
    line: Vec<u8>,
    lines: Vec<(String, String)>,
    size: usize,
    ready: VecDeque<Message>,
}

impl Parser {
    /// Takes what has arrived.
    pub fn push(&mut self, octets: &[u8]) {
        let mut rest = octets;
        while let Some(end) = rest.iter().position(|octet| *octet == b'\n') {
            self.extend(&rest[..end]);
            self.end_line();
            rest = &rest[end + 1..];
        }
        self.extend(rest);
    }

    /// The next message that is whole.
    pub fn take(&mut self) -> Option<Message> {
        self.ready.pop_front()
    }

    /// Beyond the bound only so much is kept that an empty line is told from another.
    fn extend(&mut self, octets: &[u8]) {
        self.size = self.size.saturating_add(octets.len());
        let most = if self.is_too_long() { 2_usize.saturating_sub(self.line.len()) } else { octets.len() };
        self.line.extend(octets.iter().take(most));
    }

    const fn is_too_long(&self) -> bool {
        self.size > MESSAGE_MAX
    }

    fn end_line(&mut self) {
        let mut line = std::mem::take(&mut self.line);
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        match (line.is_empty(), self.is_too_long()) {
            (false, true) => self.lines.clear(),
            (false, false) => self.lines.extend(pair(&String::from_utf8_lossy(&line))),
            (true, too_long) => {
                self.size = 0;
                let lines = std::mem::take(&mut self.lines);
                self.ready.extend(Message::new(lines).filter(|_| !too_long));
            }
        }
    }
}

/// The greeting is a line without a colon, and no part of the message that follows it.
fn pair(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once(':')?;
    Some((name.to_owned(), value.strip_prefix(' ').unwrap_or(value).to_owned()))
}

/// Something to ask of Asterisk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    name: &'static str,
    fields: Vec<(&'static str, String)>,
}

/// A value that would be read as more than one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{action}: the value of {field} has a line end in it")]
pub struct Torn {
    action: &'static str,
    field: &'static str,
}

impl Action {
    /// Such as `QueuePause`.
    pub const fn new(name: &'static str) -> Self {
        Self { name, fields: Vec::new() }
    }

    /// With one line more. The value may be whatever somebody typed.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.fields.push((name, value.into()));
        self
    }

    /// What is asked.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// As it goes over the connection.
    ///
    /// # Errors
    /// When a value would break out of its line.
    pub fn encode(&self, id: &str) -> Result<String, Torn> {
        let mut out = format!("Action: {}\r\nActionID: {id}\r\n", self.name);
        for (field, value) in &self.fields {
            if value.contains(['\r', '\n', '\0']) {
                return Err(Torn { action: self.name, field });
            }
            // Writing to a String cannot fail.
            let _ = write!(out, "{field}: {value}\r\n");
        }
        Ok(out + "\r\n")
    }
}

#[cfg(test)]
mod tests;
