//! Conference rooms: one pool of ports over all of them, a PIN for participants and one for administrators. Pure.

use std::fmt::Write as _;

use super::{pool, recording, signals};
use crate::wanted::Wanted;

/// The context of the rooms' numbers.
pub const CONTEXT: &str = "conference";
/// The context of the rooms themselves.
const ROOMS: &str = "rooms";

/// Where the other end of a call to a room may be transferred: to telephones. Elsewhere, the room would be joined to something that never
/// hangs up, and the port taken for ever.
const TRANSFERS: &str = "extensions";

/// How often a PIN may be tried.
const TRIES: u8 = 3;

/// `confbridge.conf`: what all rooms have in common.
pub const PROFILES: &str = "[general]\n\n[default_bridge]\ntype = bridge\ninternal_sample_rate = 16000\n\n\
                            [default_user]\ntype = user\nquiet = yes\ndsp_drop_silence = yes\n\n\
                            [administrator]\ntype = user\nadmin = yes\nquiet = yes\ndsp_drop_silence = yes\n\n\
                            [default_menu]\ntype = menu\n";

/// Renders the contexts. A port is taken before the call is answered, so that one more gets 486; administrators take one too.
///
/// The place is that of a local channel behind the telephone's: who is put through to a room by an attended transfer takes the place of
/// another's channel, and Asterisk would forget the group of that (`ast_app_group_update`).
pub fn render(wanted: &Wanted) -> String {
    let mut out = format!("\n[{CONTEXT}]\n");
    let (extension, runs, moved) = (signals::EXTENSION_VARIABLE, recording::RUNS, recording::moved("${UNIQUEID}"));
    for room in &wanted.rooms {
        let number = &room.number;
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "exten => {number},1,Set(__{extension}=${{{extension}}})\n same => n,Set(TRANSFER_CONTEXT={TRANSFERS})\n \
             same => n,GotoIf($[\"${{{runs}}}\" = \"\"]?in)\n same => n,{moved}\n \
             same => n(in),Dial(Local/{number}@{ROOMS}/n,,i)\n\
             same => n,Goto(unanswered,s-${{DIALSTATUS}},1)"
        );
    }
    out + &rooms(wanted)
}

fn rooms(wanted: &Wanted) -> String {
    let mut out = format!("\n[{ROOMS}]\n");
    let (take, refused) =
        (pool::take(signals::CONFERENCE_POOL, wanted.limits.audio_conference), signals::refused("AudioConference"));
    let wrong = signals::at_number(signals::PIN_EVENT);
    for room in &wanted.rooms {
        let (number, pin, admin) = (&room.number, &room.pin, &room.admin_pin);
        // Writing to a String cannot fail.
        let _ = write!(
            out,
            "exten => {number},1,{take}\n same => n,GotoIf(${{GOSUB_RETVAL}}?in)\n same => n,{refused}\n\
             same => n,Hangup(17)\n same => n(in),Answer()\n same => n,Set(tries=0)\n\
             same => n(ask),Read(pin,conf-getpin,16,,1,10)\n\
             same => n,GotoIf($[\"${{pin}}\" = \"{admin}\"]?lead)\n\
             same => n,GotoIf($[\"${{pin}}\" = \"{pin}\"]?join)\n\
             same => n,Playback(conf-invalidpin)\n same => n,Set(tries=$[${{tries}} + 1])\n\
             same => n,GotoIf($[${{tries}} < {TRIES}]?ask)\n same => n,{wrong}\n same => n,Hangup()\n\
             same => n(join),ConfBridge({number},default_bridge,default_user,default_menu)\n same => n,Hangup()\n\
             same => n(lead),ConfBridge({number},default_bridge,administrator,default_menu)\n same => n,Hangup()\n"
        );
    }
    out
}
