//! Text that means something to one of the parsers that it passes on its way, mixed with anything. Reproducible: a seed gives a text.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// What means something: to the configuration's parser, the dialplan, a caller ID, a mailbox's line, a mail, a shell, a terminal.
const PIECES: [&str; 72] = [
    "\n",
    "\r\n",
    "\r",
    "\0",
    "\t",
    "\x0b",
    "\x1b[2J",
    "\x7f",
    ";",
    "\\;",
    ";--",
    "--;",
    ";---",
    "\\",
    "\\\\",
    "\"",
    "\\\"",
    "'",
    "`",
    "[",
    "]",
    "[evil]",
    "\n[evil]\n",
    "](!)",
    "(+)",
    "(101)",
    "=",
    "=>",
    "+=",
    "\ntype = endpoint\n",
    "\nmax_contacts=99\n",
    "\r\nexten => 9,1,System(id)",
    "#include",
    "\n#include /etc/passwd\n",
    "\n#exec /bin/sh\n",
    "#tryinclude x",
    "${",
    "}",
    "$[",
    "${SHELL(id)}",
    "${ENV(PATH)}",
    "^{",
    "<",
    ">",
    "<9999>",
    "\" <9999>",
    "<sip:a@b>",
    ",",
    "|",
    "&",
    ",)",
    "(",
    ")",
    "attach=yes",
    "|delete=yes",
    ",evil@x.example",
    "@",
    ".",
    "a@b.example",
    "%",
    "%s%n",
    "%00",
    "../",
    "/etc/passwd",
    "\u{202e}",
    "\u{2028}",
    "\u{85}",
    "\u{a0}",
    "\u{feff}",
    "ü",
    "株式会社",
    "😀",
];
/// What an address may hold, and a little more.
const MAIL: &str = "abz019.!#%&'*+/?^_~-@@..,;|\"<>() ";

/// An endless row of hostile texts.
pub struct Hostile(StdRng);

impl Hostile {
    pub fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// A name.
    pub fn name(&mut self) -> String {
        let mut text = String::new();
        for _ in 0..self.0.random_range(1..8_u32) {
            self.piece(&mut text);
        }
        // Seldom one that is longer than Asterisk's buffer for a line.
        if self.0.random_ratio(1, 500) { text.repeat(2000) } else { text }
    }

    /// An address: one that is none, or nearly one.
    pub fn email(&mut self) -> String {
        if self.0.random_ratio(1, 3) {
            return self.name();
        }
        let characters: Vec<char> = MAIL.chars().collect();
        let mut part = |most| -> String {
            let length = self.0.random_range(1..most);
            (0..length).map(|_| characters[self.0.random_range(0..characters.len())]).collect()
        };
        let (local, domain) = (part(8_usize), part(12));
        let mut address = format!("{local}@{domain}");
        if self.0.random_ratio(1, 2) {
            address.retain(|c| c.is_ascii_alphanumeric() || "@.-_+".contains(c));
        }
        if self.0.random_ratio(1, 4) {
            self.piece(&mut address);
        }
        address
    }

    fn piece(&mut self, text: &mut String) {
        match self.0.random_range(0..10_u8) {
            0..6 => text.push_str(PIECES[self.0.random_range(0..PIECES.len())]),
            6 => text.push(char::from(self.0.random_range(0..128_u8))),
            7 => text.extend(char::from_u32(self.0.random_range(0..0x11_0000))),
            _ => text.push_str(&"Anna Alt"[..self.0.random_range(1..=8)]),
        }
    }
}
