//! Calls that a transfer has made of others: which of them are still to be recorded, and which from now on. Pure.
//!
//! Asterisk records a channel, and our licence counts calls: the dialplan judges a call when it is answered, and this judges those that
//! come about without an answer. Nothing is said of them but that a transfer was made, so what stands is read and put right
//! ([`super::recorder`] does that).

use std::collections::BTreeMap;

use crate::ami::Event;

/// Asterisk tells of a transfer before all who are left out of it have gone: so many looks, 250 ms each, it gets for that.
const LOOKS: u8 = 40;
/// How a room's channel begins, behind which is a conference.
const ROOM: &str = "Local/";

/// Channels of whose calls something has changed, by unique id.
#[derive(Clone, Debug, Default)]
pub struct Moved(BTreeMap<String, Sought>);

/// What is known of one of them.
#[derive(Clone, Debug, Default)]
struct Sought {
    /// How often it was looked for.
    looks: u8,
    /// With whom it was in a call at the last look.
    with: Option<String>,
}

/// A channel that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// The unique id. With the name, it goes along when the party is put through into another's channel; variables do not.
    pub id: String,
    /// The name.
    pub name: String,
}

/// What stands of a channel that was named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// In a call of two.
    Call([Channel; 2]),
    /// With nobody: it waits, rings, or hears an announcement.
    Alone(Channel),
}

/// One of the two parties of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Party {
    /// Of its calls, whoever it speaks with.
    pub wish: Wish,
    /// Whether it has asked for the recording that runs, by the code.
    pub asked: bool,
    /// How many recordings of it run; two where one who is recorded was put through into the channel of another.
    pub recordings: usize,
    /// Whether it has a place among the recording ports.
    pub placed: bool,
}

/// What is to become of a party's calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wish {
    /// It leaves that to the other.
    #[default]
    None,
    /// They are recorded.
    Always,
    /// They are not, for it is a conference room.
    Never,
}

/// Something to be done, to the first or the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It is to be recorded, if there is a place.
    Start(usize),
    /// It is recorded no more, and its place is free.
    Stop(usize),
}

impl Moved {
    /// Remembers a channel.
    pub fn note(&mut self, id: String) {
        self.0.insert(id, Sought::default());
    }

    /// True when there is nothing to be looked for.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Finds them among all channels (the rows of `CoreShowChannels`). A call is found once, at the second look at it: who has left it may
    /// still hold a place at the first.
    pub fn find(&mut self, rows: &[Event]) -> Vec<Found> {
        let all: Vec<(Channel, &str)> = rows.iter().filter_map(channel).collect();
        let mut found = Vec::new();
        for (id, mut sought) in std::mem::take(&mut self.0) {
            let Some((own, bridge)) = all.iter().find(|(channel, _)| channel.id == id) else { continue };
            let mut others = all.iter().filter(|(channel, other)| *other == *bridge && channel.id != id);
            let before = sought.with.take();
            match (bridge.is_empty(), others.next(), others.next()) {
                (true, ..) => found.push(Found::Alone(own.clone())),
                (false, Some((other, _)), None) if before.as_ref() == Some(&other.id) => {
                    let call = Found::Call([own.clone(), other.clone()]);
                    let is_known = |known: &Found| matches!(known, Found::Call([_, second]) if second.id == id);
                    found.extend((!found.iter().any(is_known)).then_some(call));
                    continue;
                }
                (false, Some((other, _)), None) => sought.with = Some(other.id.clone()),
                _ => {}
            }
            sought.looks += 1;
            if sought.looks < LOOKS {
                self.0.insert(id, sought);
            }
        }
        found
    }
}

fn channel(row: &Event) -> Option<(Channel, &str)> {
    let channel = Channel { id: row.get("Uniqueid")?.into(), name: row.get("Channel")?.into() };
    (row.name == "CoreShowChannel").then(|| (channel, row.get("BridgeId").unwrap_or_default()))
}

impl Channel {
    /// True for the channel behind which is a conference room.
    pub fn is_room(&self) -> bool {
        self.name.starts_with(ROOM)
    }

    /// The extension whose telephone it is; none for a room.
    pub fn extension(&self) -> Option<&str> {
        self.name.strip_prefix("PJSIP/")?.rsplit_once('-').map(|(extension, _)| extension)
    }
}

/// What is to be done about a call of these two: it is recorded once if one of them wants that, and has a place; else it is not. A place
/// without a recording has one in a moment.
pub fn judge(parties: &[Party; 2]) -> Vec<Step> {
    let wants = |party: &Party| party.wish == Wish::Always || party.recordings > 0 && party.asked;
    let wanted = parties.iter().any(wants) && parties.iter().all(|party| party.wish != Wish::Never);
    let mut order = [0, 1];
    // What somebody has asked for by the code goes on before what runs by itself.
    order.sort_by_key(|at| !parties[*at].asked);
    let is_sound = |party: &Party| party.placed && party.recordings < 2;
    let kept = order.into_iter().find(|at| wanted && is_sound(&parties[*at]));
    let runs = order.into_iter().filter(|at| parties[*at].recordings > 0 && Some(*at) != kept);
    let mut steps: Vec<Step> = runs.map(Step::Stop).collect();
    if wanted && kept.is_none() {
        steps.push(Step::Start(usize::from(parties[0].wish != Wish::Always)));
    }
    steps
}

/// Whether one who is with nobody is to be recorded no more: it has lost its place, or is recorded twice with one.
pub fn has_lost(party: Party) -> bool {
    party.recordings > usize::from(party.placed)
}

#[cfg(test)]
mod tests;
