//! The catalogue as a page. Pure.

use std::fmt::Write as _;

use super::{KINDS, Raiser};

/// The parts of the page.
const PARTS: [(Raiser, &str); 4] = [
    (Raiser::Pbx, "The PBX, at `GET /v1/events` of its agent"),
    (Raiser::Operator, "The operator, in the status of `EcqxInstance` and `LicenseSet`"),
    (Raiser::Dns, "The name server, in its metrics"),
    (Raiser::Bridge, "The bridge to the shop, in the status of `PortalOrder`"),
];

/// `docs/events.md`.
pub fn catalogue() -> String {
    let mut out = format!(
        "# System events\n\nAll {} kinds of what can be told of an ecQX. This page is written from `pbx/contract/src/event/catalogue.rs`\n\
         (`ECQX_GENERATE=1 cargo test -p pbx-contract`); a test compares it. Words in braces are the fields of the event's `data`.\n\
         [pbx-contract.md](pbx-contract.md#events) says how the events of a PBX are asked for.\n",
        KINDS.len()
    );
    for (raiser, title) in PARTS {
        // Writing to a String cannot fail.
        let _ = write!(out, "\n## {title}\n\n| kind | severity | text | what to do |");
        let shown = raiser != Raiser::Pbx;
        out += if shown {
            " where it is shown |\n| --- | --- | --- | --- | --- |\n"
        } else {
            "\n| --- | --- | --- | --- |\n"
        };
        for kind in KINDS.iter().filter(|kind| kind.raiser == raiser) {
            let _ = write!(out, "| `{}` | {} | {} | {} |", kind.name, kind.severity.name(), kind.text, kind.remedy);
            let _ = if shown { writeln!(out, " {} |", kind.shown) } else { writeln!(out) };
        }
    }
    out
}
