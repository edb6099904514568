//! Where the records of a message stand: for what is taken off its end. Pure.

use super::{HEADER, read_u16};

/// A record as it stands in a message.
#[derive(Clone, Copy, Debug)]
pub struct Record<'m> {
    /// Where it begins.
    pub start: usize,
    /// Its name, as it stands, maybe compressed.
    pub name: &'m [u8],
    /// Its type.
    pub kind: u16,
    /// Its class.
    pub class: u16,
    /// Its TTL; in OPT it holds flags.
    pub ttl: u32,
    /// Its data.
    pub data: &'m [u8],
}

/// The last record of a message, if all before can be read and nothing follows.
pub fn last(message: &[u8]) -> Option<Record<'_>> {
    let mut found = None;
    walk(message, |record| found = Some(record))?;
    found
}

/// Shows all records of a message in turn. Nothing when one cannot be read, or something follows.
pub fn walk<'m>(message: &'m [u8], mut show: impl FnMut(Record<'m>)) -> Option<()> {
    let counts = [4, 6, 8, 10].map(|at| read_u16(message, at));
    let [questions, records @ ..] = counts;
    let mut at = HEADER;
    for _ in 0..questions? {
        at = name_end(message, at)? + 4;
    }
    for _ in 0..records.into_iter().try_fold(0_u32, |sum, count| Some(sum + u32::from(count?)))? {
        let (record, end) = one(message, at)?;
        show(record);
        at = end;
    }
    (at == message.len()).then_some(())
}

/// The record that begins here.
pub fn at(message: &[u8], start: usize) -> Option<Record<'_>> {
    one(message, start).map(|(record, _)| record)
}

fn one(message: &[u8], start: usize) -> Option<(Record<'_>, usize)> {
    let end = name_end(message, start)?;
    let data = end + 10;
    let length = usize::from(read_u16(message, end + 8)?);
    let record = Record {
        start,
        name: message.get(start..end)?,
        kind: read_u16(message, end)?,
        class: read_u16(message, end + 2)?,
        ttl: u32::from(read_u16(message, end + 4)?) << 16 | u32::from(read_u16(message, end + 6)?),
        data: message.get(data..data + length)?,
    };
    Some((record, data + length))
}

fn name_end(message: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *message.get(at)? {
            0 => return Some(at + 1),
            length @ 1..=63 => at += usize::from(length) + 1,
            0xc0.. => return Some(at + 2),
            _ => return None,
        }
    }
}
