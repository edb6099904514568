//! The call centre: queues, and the contexts by which supervisors listen, whisper and join. Pure.
//!
//! Agents are no members by configuration: logging in at the console makes them so.

use std::fmt::Write as _;

use pbx_contract::{Queue, QueueStrategy};

use super::{recording, signals};
use crate::wanted::Wanted;

/// The context of the queues' numbers.
pub const CONTEXT: &str = "queues";
/// Called on the agent's channel when it has taken a call of a queue.
const TAKEN: &str = "taken";
/// The channel variable of a supervisor's telephone with the queues whose calls it may hear, `:` between them.
pub const QUEUES_VARIABLE: &str = "ECQX_SUPERVISED";
/// The context into which the console sends a supervisor's telephone: it hears the call of the extension that it names.
pub const LISTEN: &str = "barge-listen";
/// The same, and the agent hears the supervisor.
pub const WHISPER: &str = "barge-whisper";
/// The same, and both parties hear the supervisor.
pub const JOIN: &str = "barge-join";

/// `queues.conf`.
pub fn queues(wanted: &Wanted) -> String {
    let mut out = "[general]\npersistentmembers = no\nautofill = yes\nshared_lastcall = yes\n".to_owned();
    for queue in &wanted.queues {
        let Queue { number, ring_seconds, wrap_up_seconds, .. } = queue;
        // Writing to a String cannot fail.
        let _ = write!(
            out,
            "\n[{number}]\nstrategy = {}\ntimeout = {ring_seconds}\nretry = 1\nwrapuptime = {wrap_up_seconds}\n\
             ringinuse = no\njoinempty = yes\nleavewhenempty = no\n",
            strategy(queue.strategy)
        );
    }
    out
}

const fn strategy(strategy: QueueStrategy) -> &'static str {
    match strategy {
        QueueStrategy::RingAll => "ringall",
        QueueStrategy::LeastRecent => "leastrecent",
        QueueStrategy::FewestCalls => "fewestcalls",
        QueueStrategy::Random => "random",
        QueueStrategy::RoundRobin => "rrmemory",
    }
}

/// Renders the contexts. Without a bundle there is no queue and no barge (§7 of the product rules): 403.
pub fn render(wanted: &Wanted) -> String {
    let mut out = format!("\n[{CONTEXT}]\n");
    let open = wanted.limits.call_center > 0;
    for queue in &wanted.queues {
        let (number, most) = (&queue.number, queue.max_wait_seconds);
        let most = if most == 0 { String::new() } else { most.to_string() };
        // Writing to a String cannot fail.
        let _ = if open {
            writeln!(
                out,
                "exten => {number},1,{}\n same => n,Answer()\n\
                 same => n,Queue({number},ri,,,{most},,{TAKEN})\n\
                 same => n,GotoIf($[\"${{QUEUESTATUS}}\" != \"TIMEOUT\"]?done)\n same => n,{}\n same => n(done),Hangup()",
                recording::note(number),
                signals::at_number(signals::WAITED_EVENT)
            )
        } else {
            writeln!(out, "exten => {number},1,{}\n same => n,Hangup(21)", signals::refused("CallCenter"))
        };
    }
    // A call of a queue is marked as such on the agent's channel: what else the agent speaks of has no mark, and is its own affair.
    let (mark, answered) = (recording::CALLEE, recording::ANSWERED);
    let _ = writeln!(
        out,
        "\n[{TAKEN}]\nexten => s,1,Set(SPYGROUP=${{{mark}}})\n same => n,Gosub({answered},s,1)\n same => n,Return()"
    );
    for (context, options) in [(LISTEN, "qES"), (WHISPER, "qESw"), (JOIN, "qESB")] {
        let _ = if open {
            writeln!(
                out,
                "\n[{context}]\nexten => _X!,1,ChanSpy(PJSIP/${{EXTEN}}-,{options}g(${{{QUEUES_VARIABLE}}}))\n same => n,Hangup()"
            )
        } else {
            writeln!(out, "\n[{context}]\nexten => _X!,1,Hangup(21)")
        };
    }
    out
}
