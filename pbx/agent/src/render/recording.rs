//! Recording: so many calls at one time; one more goes through unrecorded, and an event says so. Pure.

use std::path::Path;

use super::{pool, signals};
use crate::wanted::Wanted;

/// Called on the called party's channel once it has answered: records the call if one of both wants all calls recorded.
pub const ANSWERED: &str = "answered";
/// The channel variable of an endpoint that says which of its calls are recorded: `Always`, or none.
pub const MODE: &str = "ECQX_RECORDING";
/// The channel variable of one that is being recorded: `always`, since one of both wants all calls recorded, or [`ON_DEMAND`].
pub const RUNS: &str = "ECQX_RECORDED";
/// Recorded because one of both wants all calls recorded.
const ALWAYS: &str = "always";
/// Recorded because somebody dialled the code.
pub const ON_DEMAND: &str = "demand";
/// Called on a channel of the agent's own, to take a place for another channel.
pub const FOR_ANOTHER: &str = "record-for";
/// The variable there with the unique id of the other.
pub const OTHER: &str = "ECQX_FOR";

/// The time in the name of a recording, UTC, as `strftime` writes it.
pub const TIME: &str = "%Y%m%dT%H%M%SZ";

/// Called when a channel that has been recorded ends.
const ENDED: &str = "recorded";

/// The extension that calls, as both channels know it.
const CALLER: &str = "ECQX_CALLER";
/// The unique id of its channel, which has gone once somebody else has been put through into it.
const CALLER_CHANNEL: &str = "ECQX_CALLER_CHANNEL";
/// The number that it dialled.
pub(super) const CALLEE: &str = "ECQX_CALLEE";

/// The steps that tell both channels of a call what a recording is named after, and the called one who calls.
pub fn note(callee: &str) -> String {
    let extension = signals::EXTENSION_VARIABLE;
    format!(
        "Set(__{CALLER}=${{{extension}}})\n same => n,Set(__{CALLER_CHANNEL}=${{UNIQUEID}})\n \
         same => n,Set(__{CALLEE}={callee})"
    )
}

/// The step that has the agent judge the call of a channel that has come to somebody else.
pub fn moved(id: &str) -> String {
    format!("UserEvent({},{}: {id})", signals::MOVED_EVENT, signals::CHANNEL)
}

/// `features.conf`: `*1` during a call records it from then on, and ends that when it is dialled again. Who may, has the feature
/// in `DYNAMIC_FEATURES`.
pub const FEATURES: &str =
    "[general]\n\n[featuremap]\n\n[applicationmap]\nrecord => *1,self,Gosub(record-on-demand,s,1)\n";

/// Renders the contexts. A call has one place, whichever of its two channels is recorded. A conference, behind its local channel, is no
/// call of two, and is not recorded. The name of a file is `TIME-CALLER-CALLEE-EXTENSION-CHANNEL.wav`, of digits, letters, hyphens and
/// points alone; [`crate::recordings`] reads it back.
///
/// Which calls are recorded is judged when they are answered; after a transfer, by the agent (`observe::moved`).
pub fn render(wanted: &Wanted, directory: &Path) -> String {
    [answered(), record(wanted, directory), record_for(wanted), on_demand()].concat()
}

/// A caller who is recorded already came here by a transfer: what was recorded was another call. So did one whose channel is not the one that
/// has called: what its variables say is then for the agent to find out.
fn answered() -> String {
    let (pool, caller) = (signals::RECORDING_POOL, format!("${{{CALLER_CHANNEL}}}"));
    let moved = moved("${UNIQUEID}");
    format!(
        "\n[{ANSWERED}]\nexten => s,1,GotoIf($[\"${{IMPORT({caller},UNIQUEID)}}\" = \"{caller}\" & \"${{IMPORT({caller},{RUNS})}}\" = \"\"]?judge)\n\
         same => n,{moved}\n\
         same => n(judge),GotoIf($[\"${{{MODE}}}\" = \"Always\" | \"${{IMPORT({caller},{MODE})}}\" = \"Always\"]?:done)\n\
         same => n,GotoIf($[\"${{IMPORT({caller},GROUP({pool}))}}\" != \"\"]?done)\n\
         same => n,Gosub(record,s,1({ALWAYS}))\n same => n(done),Return()\n"
    )
}

fn record(wanted: &Wanted, directory: &Path) -> String {
    let (refused, pool, event) = (signals::refused("CallRecording"), signals::RECORDING_POOL, signals::RECORDING_EVENT);
    let (take, ended) = (pool::take(pool, wanted.limits.call_recording), signals::RECORDED_EVENT);
    let (directory, extension) = (directory.display(), signals::EXTENSION_VARIABLE);
    format!(
        "\n[record]\nexten => s,1,GotoIf($[\"${{GROUP({pool})}}\" != \"\"]?done)\n same => n,{take}\n\
         same => n,GotoIf(${{GOSUB_RETVAL}}?begin)\n same => n,{refused}\n same => n(done),Return(0)\n\
         same => n(begin),Set(LOCAL(file)=${{STRFTIME(${{EPOCH}},UTC,{TIME})}}-${{{CALLER}}}-${{{CALLEE}}}-${{{extension}}}-${{UNIQUEID}}.wav)\n\
         same => n,MixMonitor({directory}/${{file}})\n same => n,UserEvent({event},File: ${{file}})\n\
         same => n,Set({RUNS}=${{ARG1}})\n same => n,Set(CHANNEL(hangup_handler_wipe)={ENDED},s,1)\n same => n,Return(1)\n\
         \n[{ENDED}]\nexten => s,1,GotoIf($[\"${{{RUNS}}}\" = \"\"]?done)\n\
         same => n,UserEvent({ended},Extension: ${{{extension}}})\n same => n(done),Return()\n"
    )
}

/// Answered when the other channel has got a place; the agent then records it. One that has a place already is not answered: it has a
/// recording too, or is about to.
fn record_for(wanted: &Wanted) -> String {
    let (refused, pool, other) = (signals::refused("CallRecording"), signals::RECORDING_POOL, format!("${{{OTHER}}}"));
    let take = pool::take_for(&other, pool, wanted.limits.call_recording);
    format!(
        "\n[{FOR_ANOTHER}]\nexten => s,1,GotoIf($[\"${{IMPORT({other},GROUP({pool}))}}\" != \"\"]?none)\n same => n,{take}\n\
         same => n,GotoIf(${{GOSUB_RETVAL}}?begin)\n same => n,{refused}\n same => n(none),Hangup(17)\n\
         same => n(begin),GotoIf($[\"${{IMPORT({other},GROUP({pool}))}}\" = \"\"]?none)\n\
         same => n,Set(EXPORT({other},{RUNS})={ALWAYS})\n\
         same => n,Set(EXPORT({other},CHANNEL(hangup_handler_wipe))={ENDED},s,1)\n\
         same => n,Answer()\n same => n,Hangup()\n"
    )
}

fn on_demand() -> String {
    let pool = signals::RECORDING_POOL;
    format!(
        "\n[record-on-demand]\nexten => s,1,GotoIf($[\"${{GROUP({pool})}}\" != \"\"]?stop)\n\
         same => n,GotoIf($[\"${{BRIDGEPEER:0:6}}\" = \"Local/\"]?no)\n\
         same => n,GotoIf($[\"${{IMPORT(${{BRIDGEPEER}},GROUP({pool}))}}\" != \"\"]?runs)\n same => n,Gosub(record,s,1({ON_DEMAND}))\n\
         same => n,Playback(${{IF(${{GOSUB_RETVAL}}?beep:beeperr)}})\n same => n,Return()\n\
         same => n(stop),StopMixMonitor()\n same => n,Set({RUNS}=)\n same => n,Set(GROUP({pool})=)\n same => n(runs),Playback(beep)\n same => n,Return()\n\
         same => n(no),Playback(beeperr)\n same => n,Return()\n"
    )
}
