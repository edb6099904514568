//! `extensions.conf`: who may call whom, and what a call that cannot be is answered with. Pure.
//!
//! A new dialled feature is a line in [`FEATURES`]; what it needs beyond a line gets a context of its own.

use std::{fmt::Write as _, path::Path};

use pbx_contract::{RingGroup, RingStrategy};

use super::{call_centre, conference, pool, recording, seats, signals, voicemail};
use crate::wanted::{Phone, Wanted};

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
const FEATURES: &str = "\n[features]\n; Echo test; not for a room, which was transferred to it and would never hang up.\n\
                        exten => *43,1,GotoIf($[\"${CHANNEL(channeltype)}\" = \"Local\"]?out)\n same => n,Answer()\n \
                        same => n,Echo()\n same => n(out),Hangup()\n\
                        ; One's own mailbox.\nexten => *97,1,Answer()\n same => n,VoiceMailMain(${ECQX_EXTENSION}@ecqx)\n\
                        same => n,Hangup()\n";

/// Rings an extension: `Gosub(ring,s,1(NUMBER))`, or `Gosub(ring-all,s,1(NUMBER,MOST))` for one that may have several contacts. They
/// are all rung, as long as they are what they seem: a contact is what a phone said of itself, and a comma or a foreign channel in it
/// must not become part of the dial command. `i`: a phone that answers with a redirection (302) names a channel of its own choice, which
/// may be anything that Asterisk can dial; it is busy instead.
fn ring() -> String {
    let (note, answered) = (recording::note("${ARG1}"), recording::ANSWERED);
    format!(
        "\n[ring]\nexten => s,1,{note}\n\
         same => n,Dial(PJSIP/${{ARG1}},{RING_SECONDS},iU({answered}))\n same => n,Return()\n\
         \n[ring-all]\nexten => s,1,{note}\n\
         same => n,Set(LOCAL(all)=${{PJSIP_DIAL_CONTACTS(${{ARG1}})}})\n\
         same => n,Set(LOCAL(start)=PJSIP/${{ARG1}}/sip)\n\
         same => n,Set(LOCAL(length)=${{LEN(${{start}})}})\n\
         same => n,GotoIf($[${{FIELDQTY(all,\\,)}} > 1]?one)\n\
         same => n,Set(LOCAL(left)=${{FIELDQTY(all,&)}})\n\
         same => n,GotoIf($[${{left}} < 2 | ${{left}} > ${{ARG2}}]?one)\n\
         same => n(next),Set(LOCAL(contact)=${{CUT(all,&,${{left}})}})\n\
         same => n,GotoIf($[\"${{contact:0:${{length}}}}\" != \"${{start}}\"]?one)\n\
         same => n,Set(LOCAL(left)=$[${{left}} - 1])\n\
         same => n,GotoIf($[${{left}} > 0]?next)\n\
         same => n,Dial(${{all}},{RING_SECONDS},iU({answered}))\n same => n,Return()\n\
         same => n(one),Dial(PJSIP/${{ARG1}},{RING_SECONDS},iU({answered}))\n same => n,Return()\n"
    )
}

/// What a call that was not taken is answered with: 486 when busy, 480 otherwise. Never 503, which other systems take
/// as the whole server being down.
const UNANSWERED: &str = "\n[unanswered]\nexten => s-,1,Hangup(20)\nexten => s-BUSY,1,Hangup(17)\nexten => s-NOANSWER,1,Hangup(19)\n\
                          exten => _s-.,1,Hangup(20)\n";

/// Renders the file. A number in no context is answered with 404 by Asterisk itself.
pub fn render(wanted: &Wanted, recordings: &Path, mark: &str) -> String {
    let mut out = format!(
        "[general]\nstatic = yes\nwriteprotect = yes\nautofallthrough = yes\nclearglobalvars = yes\n\
         \n[globals]\n{MARK_VARIABLE} = {mark}\n\
         \n[{PHONES}]\ninclude => features\ninclude => {}\ninclude => {}\ninclude => groups\ninclude => extensions\n\
         \n[{REFUSED}]\nexten => h,1,NoOp()\nexten => _[!-~]!,1,UserEvent({},Extension: ${{{}}},Source: ${{CHANNEL(pjsip,remote_addr)}})\n \
         same => n,Hangup(21)\n",
        conference::CONTEXT,
        call_centre::CONTEXT,
        signals::CALL_REFUSED_EVENT,
        signals::EXTENSION_VARIABLE
    );
    out += FEATURES;
    out += UNANSWERED;
    out += &pool::render();
    out += &recording::render(wanted, recordings);
    out += &conference::render(wanted);
    out += &call_centre::render(wanted);
    out += &voicemail::render();
    out += &ring();
    out += &groups(&wanted.groups);
    out += &extensions(&wanted.phones);
    out + &seats::render(&wanted.phones)
}

fn extensions(phones: &[Phone]) -> String {
    let mut out = "\n[extensions]\n".to_owned();
    for phone in phones {
        let number = &phone.number;
        let not_taken = match &phone.mailbox {
            Some(_) => format!("Goto({},{number},1)", voicemail::CONTEXT),
            None => "Goto(unanswered,s-${DIALSTATUS},1)".to_owned(),
        };
        let ring = match phone.contacts {
            0 | 1 => format!("Gosub(ring,s,1({number}))"),
            most => format!("Gosub(ring-all,s,1({number},{most}))"),
        };
        // Writing to a String cannot fail.
        let _ = match (phone.enabled, &phone.mailbox) {
            (true, _) => writeln!(out, "exten => {number},1,{ring}\n same => n,{not_taken}"),
            (false, Some(_)) => writeln!(out, "exten => {number},1,{not_taken}"),
            (false, None) => writeln!(out, "exten => {number},1,Hangup({ABSENT})"),
        };
    }
    out
}

fn groups(groups: &[RingGroup]) -> String {
    let mut out = "\n[groups]\n".to_owned();
    for group in groups {
        let (number, seconds, answered) = (&group.number, group.ring_seconds, recording::ANSWERED);
        let members: Vec<String> = group.members.iter().map(|member| format!("PJSIP/{member}")).collect();
        let rounds = match group.strategy {
            RingStrategy::All => vec![members.join("&")],
            RingStrategy::InOrder => members,
        };
        // Writing to a String cannot fail.
        let _ = writeln!(out, "exten => {number},1,{}", recording::note(number));
        for round in rounds.iter().filter(|round| !round.is_empty()) {
            let _ = writeln!(out, " same => n,Dial({round},{seconds},iU({answered}))");
        }
        let _ = writeln!(out, " same => n,Goto(unanswered,s-${{DIALSTATUS}},1)");
    }
    out
}
