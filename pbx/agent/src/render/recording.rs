//! Recording: so many calls at one time; one more goes through unrecorded, and an event says so. Pure.

use std::path::Path;

use super::{pool, signals};
use crate::wanted::Wanted;

/// Called on the called party's channel once it has answered: records the call if one of both wants all calls recorded.
pub const ANSWERED: &str = "answered";
/// The channel variable of an endpoint that says which of its calls are recorded.
pub const MODE: &str = "ECQX_RECORDING";
/// The caller's mode, as the called party's channel inherits it.
pub const CALLER_MODE: &str = "ECQX_CALLER_RECORDING";

/// Called when a channel that has been recorded ends.
const ENDED: &str = "recorded";
/// The channel variable of one that is being recorded.
const RUNS: &str = "ECQX_RECORDED";

/// The extension that calls, as both channels know it.
const CALLER: &str = "ECQX_CALLER";
/// Its channel.
const CALLER_CHANNEL: &str = "ECQX_CALLER_CHANNEL";
/// The number that it dialled.
pub(super) const CALLEE: &str = "ECQX_CALLEE";

/// The steps that tell both channels of a call what a recording is named after, and the called one the caller's mode.
pub fn note(callee: &str) -> String {
    let extension = signals::EXTENSION_VARIABLE;
    format!(
        "Set(__{CALLER_MODE}=${{{MODE}}})\n same => n,Set(__{CALLER}=${{{extension}}})\n same => n,Set(__{CALLER_CHANNEL}=${{CHANNEL}})\n \
         same => n,Set(__{CALLEE}={callee})"
    )
}

/// `features.conf`: `*1` during a call records it from then on, and ends that when it is dialled again. Who may, has the feature
/// in `DYNAMIC_FEATURES`.
pub const FEATURES: &str =
    "[general]\n\n[featuremap]\n\n[applicationmap]\nrecord => *1,self,Gosub(record-on-demand,s,1)\n";

/// Renders the contexts. A call has one place, whichever of its two channels is recorded. A conference, behind its local channel, is no
/// call of two, and is not recorded. The name of a file is `TIME-CALLER-CALLEE-EXTENSION-CHANNEL.wav`, of digits, letters, hyphens and
/// points alone; [`crate::recordings`] reads it back.
pub fn render(wanted: &Wanted, directory: &Path) -> String {
    let take = pool::take(signals::RECORDING_POOL, wanted.limits.call_recording);
    let (refused, pool, event) = (signals::refused("CallRecording"), signals::RECORDING_POOL, signals::RECORDING_EVENT);
    let ended = signals::RECORDED_EVENT;
    let (directory, extension) = (directory.display(), signals::EXTENSION_VARIABLE);
    format!(
        "\n[{ANSWERED}]\nexten => s,1,GotoIf($[\"${{{MODE}}}\" = \"Always\" | \"${{{CALLER_MODE}}}\" = \"Always\"]?:done)\n\
         same => n,GotoIf($[\"${{IMPORT(${{{CALLER_CHANNEL}}},GROUP({pool}))}}\" != \"\"]?done)\n\
         same => n,Gosub(record,s,1)\n same => n(done),Return()\n\
         \n[record]\nexten => s,1,GotoIf($[\"${{GROUP({pool})}}\" != \"\"]?done)\n same => n,{take}\n\
         same => n,GotoIf(${{GOSUB_RETVAL}}?begin)\n same => n,{refused}\n same => n(done),Return(0)\n\
         same => n(begin),Set(LOCAL(file)=${{STRFTIME(${{EPOCH}},UTC,%Y%m%dT%H%M%SZ)}}-${{{CALLER}}}-${{{CALLEE}}}-${{{extension}}}-${{UNIQUEID}}.wav)\n\
         same => n,MixMonitor({directory}/${{file}})\n same => n,UserEvent({event},File: ${{file}})\n\
         same => n,Set({RUNS}=1)\n same => n,Set(CHANNEL(hangup_handler_wipe)={ENDED},s,1)\n same => n,Return(1)\n\
         \n[{ENDED}]\nexten => s,1,GotoIf($[\"${{{RUNS}}}\" = \"1\"]?:done)\n\
         same => n,UserEvent({ended},Extension: ${{{extension}}})\n same => n(done),Return()\n\
         \n[record-on-demand]\nexten => s,1,GotoIf($[\"${{GROUP({pool})}}\" != \"\"]?stop)\n\
         same => n,GotoIf($[\"${{BRIDGEPEER:0:6}}\" = \"Local/\"]?no)\n\
         same => n,GotoIf($[\"${{IMPORT(${{BRIDGEPEER}},GROUP({pool}))}}\" != \"\"]?runs)\n same => n,Gosub(record,s,1)\n\
         same => n,Playback(${{IF(${{GOSUB_RETVAL}}?beep:beeperr)}})\n same => n,Return()\n\
         same => n(stop),StopMixMonitor()\n same => n,Set({RUNS}=)\n same => n,Set(GROUP({pool})=)\n same => n(runs),Playback(beep)\n same => n,Return()\n\
         same => n(no),Playback(beeperr)\n same => n,Return()\n"
    )
}
