//! What can be a number, and what a name. Pure.

use std::collections::BTreeSet;

use pbx_contract::ExtensionsFile;

use super::Unfit;

/// The longest number that is taken.
pub(super) const NUMBER_MAX: usize = 32;

/// Whatever can be dialled: each number once, members and agents too are numbers.
pub(super) fn check_numbers(file: &ExtensionsFile) -> Result<(), Unfit> {
    let groups = file.ring_groups.iter().map(|group| &group.number);
    let rooms = file.conference_rooms.iter().map(|room| &room.number);
    let queues = file.queues.iter().map(|queue| &queue.number);
    let mut seen = BTreeSet::new();
    for number in file.extensions.iter().map(|extension| &extension.number).chain(groups).chain(rooms).chain(queues) {
        if !is_number(number) {
            return Err(Unfit::Number(number.clone()));
        }
        if !seen.insert(number) {
            return Err(Unfit::Twice(number.clone()));
        }
    }
    let members = file.ring_groups.iter().flat_map(|group| &group.members);
    let at_queues = file.queues.iter().flat_map(|queue| queue.agents.iter().chain(&queue.supervisors));
    match members.chain(at_queues).find(|number| !is_number(number)) {
        Some(number) => Err(Unfit::Number(number.clone())),
        None => Ok(()),
    }
}

/// Whether it can be dialled, and is safe as part of a file's name.
pub fn is_number(number: &str) -> bool {
    (1..=NUMBER_MAX).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
}

pub(super) fn is_dns_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(allowed);
    name.len() <= 253 && name.split('.').all(label)
}
