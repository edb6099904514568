//! What the mounted Secret holds, and which of it is needed. Pure.

use std::collections::BTreeMap;

use pbx_contract::{ExtensionsFile, secret};

use super::{Room, Unfit, numbers::is_number};

/// The longest PIN that is taken.
pub(super) const PIN_MAX: usize = 16;

/// What the mounted Secret holds, by key (see [`pbx_contract::secret`]).
#[derive(Default)]
pub struct Passwords(pub BTreeMap<String, Vec<u8>>);

impl Passwords {
    /// One made with an editor or `echo` ends in a line end that is not part of it.
    pub(super) fn line(&self, key: &str) -> Option<&[u8]> {
        let bytes = self.0.get(key)?;
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        Some(bytes.strip_suffix(b"\r").unwrap_or(bytes))
    }

    pub(super) fn pin(&self, key: &str) -> Result<Option<String>, Unfit> {
        let Some(pin) = self.line(key) else { return Ok(None) };
        let is_pin = (1..=PIN_MAX).contains(&pin.len()) && pin.iter().all(u8::is_ascii_digit);
        if !is_pin {
            return Err(Unfit::Pin(key.to_owned()));
        }
        Ok(Some(String::from_utf8_lossy(pin).into_owned()))
    }

    pub(super) fn room(&self, number: &str) -> Result<Room, Unfit> {
        let pin = |key: String| self.pin(&key)?.ok_or(Unfit::NoPin(key));
        let (pin, admin_pin) = (pin(secret::room_pin(number))?, pin(secret::room_admin_pin(number))?);
        Ok(Room { number: number.to_owned(), pin, admin_pin })
    }
}

/// The keys that a PBX with these extensions needs, of numbers only: none leads out of the directory.
pub fn keys(file: &ExtensionsFile) -> Vec<String> {
    let numbers = |number: &&String| is_number(number);
    let extensions = file.extensions.iter().map(|extension| &extension.number).filter(numbers);
    let rooms = file.conference_rooms.iter().map(|room| &room.number).filter(numbers);
    let of_extension = |number: &String| [number.clone(), secret::mailbox_pin(number)];
    let of_room = |number: &String| [secret::room_pin(number), secret::room_admin_pin(number)];
    extensions.flat_map(of_extension).chain(rooms.flat_map(of_room)).collect()
}
