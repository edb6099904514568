//! The numbers of the extensions of an instance whose spec lists none. Pure.

use std::collections::BTreeSet;

use crate::PbxSpec;

/// The number of the first extension.
pub const FIRST_EXTENSION: u32 = 101;
/// The number of the one room that there is where ports are licensed and no room is listed.
pub const DEFAULT_ROOM: &str = "800";
/// The most extensions that an instance can have (§2 of the guide).
const MOST: usize = 3000;
/// The highest number that is looked at: beside the most extensions there can be so many other numbers.
const LAST_EXTENSION: u32 = FIRST_EXTENSION + 3250;

/// The numbers of the spec that stand for something else than an extension: the list, what one of it is, and its number.
pub fn others(spec: &PbxSpec) -> impl Iterator<Item = (&'static str, &'static str, &str)> {
    let groups = spec.ring_groups.iter().map(|group| ("ringGroups", "a ring group's", group.number.as_str()));
    let rooms =
        spec.conference_rooms.iter().map(|room| ("conferenceRooms", "a conference room's", room.number.as_str()));
    let queues = spec.queues.iter().map(|queue| ("queues", "a queue's", queue.number.as_str()));
    groups.chain(rooms).chain(queues)
}

/// Whether there is the default room, with so many ports.
pub fn has_default_room(spec: &PbxSpec, ports: u32) -> bool {
    spec.conference_rooms.is_empty() && ports > 0 && others(spec).all(|(_, _, number)| number != DEFAULT_ROOM)
}

/// All numbers that stand for something else than an extension, with so many conference ports.
pub fn taken(spec: &PbxSpec, ports: u32) -> BTreeSet<&str> {
    let room = has_default_room(spec, ports).then_some(DEFAULT_ROOM);
    others(spec).map(|(_, _, number)| number).chain(room).collect()
}

/// The extensions' numbers: from 101 up without what is taken, as many as are licensed, and never fewer than there were: an extension beyond
/// a lowered limit is disabled, not deleted (§5 of the product rules).
pub fn unlisted(taken: &BTreeSet<&str>, licensed: u32, was_used: impl Fn(&str) -> bool) -> Vec<String> {
    (FIRST_EXTENSION..=LAST_EXTENSION)
        .map(|number| number.to_string())
        .filter(|number| was_used(number) || !taken.contains(number.as_str()))
        .take(MOST)
        .enumerate()
        .take_while(|(index, number)| *index < licensed as usize || was_used(number))
        .map(|(_, number)| number)
        .collect()
}
