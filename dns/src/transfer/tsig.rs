//! Signatures over messages with a shared secret (TSIG, RFC 8945). Pure.

mod key;

use crate::{
    respond::frame,
    wire::{HEADER, edns, kind, name, record},
};

pub use key::{Key, Keys, KeysError};

/// How far the clocks may be apart, in seconds (RFC 8945, section 10).
const FUDGE: u16 = 300;
const CLASS_ANY: u16 = 255;
/// The code in the header of an answer to a request whose signature cannot be one.
const FORM_ERR: u8 = 1;
/// The code in the header of an answer to a request whose signature is not good.
const NOT_AUTH: u8 = 9;
const BAD_SIG: u16 = 16;
const BAD_KEY: u16 = 17;
const BAD_TIME: u16 = 18;
const BAD_TRUNC: u16 = 22;
/// The fewest octets that a signature may be cut to (RFC 8945, section 5.2.2.1), and half of it.
const LEAST_MAC: usize = 10;
/// The count of a message's questions, where there is one.
const ONE_QUESTION: [u8; 2] = [0, 1];

/// What the signature of a message says.
#[derive(Debug)]
pub enum Checked {
    /// There is none.
    Unsigned,
    /// It is good: the message without it, and what is needed to sign the answer.
    Good {
        /// To sign with.
        session: Session,
        /// The message without the signature.
        message: Vec<u8>,
    },
    /// It is not: what to answer.
    Bad(Vec<u8>),
}

/// An exchange of signed messages.
#[derive(Clone, Debug)]
pub struct Session {
    key: Key,
    /// The last signature, which the next one covers.
    last: Vec<u8>,
    /// Whether a message has been signed: later ones of a stream leave the key out of the digest (RFC 8945, section 5.3.1).
    begun: bool,
}

/// The fields of a TSIG record.
struct Fields<'m> {
    algorithm: &'m [u8],
    time: [u8; 6],
    fudge: u16,
    mac: &'m [u8],
    id: [u8; 2],
}

impl Keys {
    /// Checks the signature of a request at a time, in Unix seconds: key, signature, time, length (RFC 8945, section 5.2). One that
    /// cannot be read is none: then the message is read as a whole, and is found to be malformed.
    pub fn check(&self, message: &[u8], now: u64) -> Checked {
        let Some(Signature { start, name, fields }) = signature(message) else { return Checked::Unsigned };
        let inner = stripped(message, start);
        let found = self.find(&name.to_ascii_lowercase(), &fields.algorithm.to_ascii_lowercase());
        let Some(key) = found else {
            return Checked::Bad(refusal(&inner, &name, &fields, BAD_KEY));
        };
        let whole = key.octets();
        if !(LEAST_MAC.max(whole / 2)..=whole).contains(&fields.mac.len()) {
            return Checked::Bad(answer(&inner, FORM_ERR));
        }
        // It was signed under its first number, which a forwarder may have changed; the answer goes back under the number that came.
        let signed = [&fields.id, &inner[2..], &variables(key, fields.time, fields.fudge, 0, &[])].concat();
        if !key.verify(&signed, fields.mac) {
            return Checked::Bad(refusal(&inner, &name, &fields, BAD_SIG));
        }
        let session = Session { key: key.clone(), last: fields.mac.to_vec(), begun: false };
        if now.abs_diff(seconds(fields.time)) > u64::from(fields.fudge.min(FUDGE)) {
            let [_, _, ours @ ..] = now.to_be_bytes();
            return Checked::Bad(session.refusal(&inner, fields.time, BAD_TIME, &ours));
        }
        if fields.mac.len() < whole {
            return Checked::Bad(session.refusal(&inner, fields.time, BAD_TRUNC, &[]));
        }
        Checked::Good { session, message: inner }
    }
}

impl Session {
    /// To sign a request of our own.
    pub fn new(key: Key) -> Self {
        Self { key, last: Vec::new(), begun: false }
    }

    /// How many octets a signature takes.
    pub fn octets(&self) -> usize {
        self.key.name().len() + self.key.algorithm().len() + 26 + 64
    }

    /// Signs a message, and goes on from there.
    pub fn sign(&mut self, message: &mut Vec<u8>, now: u64) {
        let [_, _, time @ ..] = now.to_be_bytes();
        self.append(message, time, 0, &[]);
    }

    /// An answer to a request that the right key has signed, and that is refused all the same. The client's time is signed, so that it knows
    /// the answer; ours may go along (RFC 8945, section 5.2.3).
    fn refusal(mut self, inner: &[u8], time: [u8; 6], error: u16, other: &[u8]) -> Vec<u8> {
        let mut answer = answer(inner, NOT_AUTH);
        self.append(&mut answer, time, error, other);
        answer
    }

    fn append(&mut self, message: &mut Vec<u8>, time: [u8; 6], error: u16, other: &[u8]) {
        let mut signed = Vec::with_capacity(message.len() + 128);
        if !self.last.is_empty() {
            signed.extend(u16::try_from(self.last.len()).unwrap_or_default().to_be_bytes());
            signed.extend(&self.last);
        }
        signed.extend(&*message);
        if self.begun {
            signed.extend(time);
            signed.extend(FUDGE.to_be_bytes());
        } else {
            signed.extend(variables(&self.key, time, FUDGE, error, other));
        }
        self.last = self.key.sign(&signed);
        self.begun = true;
        let id = [message[0], message[1]];
        let fields = Fields { algorithm: self.key.algorithm(), time, fudge: FUDGE, mac: &self.last, id };
        append(message, self.key.name(), &fields, error, other);
    }
}

/// What is signed besides the message (RFC 8945, section 4.3.3).
fn variables(key: &Key, time: [u8; 6], fudge: u16, error: u16, other: &[u8]) -> Vec<u8> {
    let mut octets = key.name().to_vec();
    octets.extend(CLASS_ANY.to_be_bytes());
    octets.extend([0; 4]);
    octets.extend(key.algorithm());
    octets.extend(time);
    octets.extend(fudge.to_be_bytes());
    octets.extend(error.to_be_bytes());
    octets.extend(u16::try_from(other.len()).unwrap_or_default().to_be_bytes());
    octets.extend(other);
    octets
}

/// Writes the record at the end of a message.
fn append(message: &mut Vec<u8>, key: &[u8], fields: &Fields<'_>, error: u16, other: &[u8]) {
    let length = |octets: &[u8]| u16::try_from(octets.len()).unwrap_or_default().to_be_bytes();
    let mut data = fields.algorithm.to_vec();
    data.extend(fields.time);
    data.extend(fields.fudge.to_be_bytes());
    data.extend(length(fields.mac));
    data.extend(fields.mac);
    data.extend(fields.id);
    data.extend(error.to_be_bytes());
    data.extend(length(other));
    data.extend(other);
    message.extend(key);
    message.extend(kind::TSIG.to_be_bytes());
    message.extend(CLASS_ANY.to_be_bytes());
    message.extend([0; 4]);
    message.extend(length(&data));
    message.extend(data);
    let count = u16::from_be_bytes([message[10], message[11]]).wrapping_add(1);
    message[10..HEADER].copy_from_slice(&count.to_be_bytes());
}

/// The signature of a message.
struct Signature<'m> {
    /// Where its record begins.
    start: usize,
    /// The key's name in full. It may be compressed, and points to something else in an answer.
    name: Vec<u8>,
    fields: Fields<'m>,
}

/// The signature at the end of a message. The question is read here too, since an answer to a bad one repeats it.
fn signature(message: &[u8]) -> Option<Signature<'_>> {
    let tsig = record::last(message).filter(|record| record.kind == kind::TSIG && record.class == CLASS_ANY)?;
    if message[4..6] == ONE_QUESTION {
        question(message)?;
    }
    Some(Signature { start: tsig.start, name: name::expanded(message, tsig.start)?, fields: fields(tsig.data)? })
}

/// The question of a message that has one: name, type and class.
fn question(message: &[u8]) -> Option<&[u8]> {
    let name = name::uncompressed(message.get(HEADER..)?)?;
    message.get(HEADER..HEADER + name.len() + 4)
}

/// The message without the record at its end.
fn stripped(message: &[u8], end: usize) -> Vec<u8> {
    let mut inner = message[..end].to_vec();
    let count = u16::from_be_bytes([inner[10], inner[11]]).wrapping_sub(1);
    inner[10..HEADER].copy_from_slice(&count.to_be_bytes());
    inner
}

/// An answer to a signature that cannot be checked, itself without one (RFC 8945, section 5.3.2).
fn refusal(inner: &[u8], key: &[u8], fields: &Fields<'_>, error: u16) -> Vec<u8> {
    let mut answer = answer(inner, NOT_AUTH);
    append(&mut answer, key, &Fields { mac: &[], ..*fields }, error, &[]);
    answer
}

/// An answer with this code and no content.
fn answer(inner: &[u8], code: u8) -> Vec<u8> {
    let mut answer = inner[..2].to_vec();
    answer.extend([frame::RESPONSE | inner[2] & 0x79, code, 0, 0, 0, 0, 0, 0, 0, 0]);
    if let Some(question) = question(inner).filter(|_| inner[4..6] == ONE_QUESTION) {
        answer[5] = 1;
        answer.extend(question);
    }
    if let Some(dnssec_ok) = edns::dnssec_ok(inner) {
        frame::opt(&mut answer, code.into(), dnssec_ok, &[]);
    }
    answer
}

fn fields(data: &[u8]) -> Option<Fields<'_>> {
    let (algorithm, rest) = data.split_at_checked(name::uncompressed(data)?.len())?;
    let (time, rest) = rest.split_first_chunk::<6>()?;
    let (fudge, rest) = rest.split_first_chunk::<2>()?;
    let (size, rest) = rest.split_first_chunk::<2>()?;
    let (mac, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*size)))?;
    let (id, _) = rest.split_first_chunk::<2>()?;
    Some(Fields { algorithm, time: *time, fudge: u16::from_be_bytes(*fudge), mac, id: *id })
}

fn seconds(time: [u8; 6]) -> u64 {
    time.iter().fold(0, |seconds, octet| seconds << 8 | u64::from(*octet))
}

#[cfg(test)]
mod tests;
