//! `extensions.conf`: who may call whom, and what a call that cannot be is answered with. Pure.
//!
//! A new dialled feature is a line in [`FEATURES`]; what it needs beyond a line gets a context of its own.

use std::fmt::Write as _;

use crate::wanted::Wanted;

/// The context of a phone that may call.
pub const PHONES: &str = "phones";
/// The context of whoever may not: each number is answered with 403 (hangup cause 21, call rejected).
pub const REFUSED: &str = "refused";
/// The global variable that holds the mark of the rendering.
pub const MARK_VARIABLE: &str = "ECQX_RENDERED";

/// How long a phone rings.
const RING_SECONDS: u32 = 60;
/// Cause 20, subscriber absent: 480.
const ABSENT: u8 = 20;

/// Dialled codes that are the same in each PBX.
const FEATURES: &str = "\n[features]\n; Echo test.\nexten => *43,1,Answer()\n same => n,Echo()\n same => n,Hangup()\n";

/// What a call that was not taken is answered with: 486 when busy, 480 otherwise. Never 503, which other systems take
/// as the whole server being down.
const UNANSWERED: &str = "\n[unanswered]\nexten => s-BUSY,1,Hangup(17)\nexten => s-NOANSWER,1,Hangup(19)\n\
                          exten => _s-.,1,Hangup(20)\n";

/// Renders the file. A number in no context is answered with 404 by Asterisk itself.
pub fn render(wanted: &Wanted, mark: &str) -> String {
    let mut out = format!(
        "[general]\nstatic = yes\nwriteprotect = yes\nautofallthrough = yes\nclearglobalvars = yes\n\
         \n[globals]\n{MARK_VARIABLE} = {mark}\n\
         \n[{PHONES}]\ninclude => features\ninclude => extensions\n\
         \n[{REFUSED}]\nexten => _[!-~]!,1,Hangup(21)\n"
    );
    out += FEATURES;
    out += UNANSWERED;
    out += "\n[extensions]\n";
    for phone in &wanted.phones {
        let number = &phone.number;
        // Writing to a String cannot fail.
        let _ = if phone.enabled {
            writeln!(
                out,
                "exten => {number},1,Dial(PJSIP/{number},{RING_SECONDS})\n same => n,Goto(unanswered,s-${{DIALSTATUS}},1)"
            )
        } else {
            writeln!(out, "exten => {number},1,Hangup({ABSENT})")
        };
    }
    out
}
