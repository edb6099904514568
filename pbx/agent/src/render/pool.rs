//! Pools of places that calls take: of N callers for the last place one gets it, and only one. Pure.
//!
//! A place belongs to a channel and is free again when the channel ends, whatever ends it. The limit is written where a place is
//! taken, not in a global variable: a reload swaps the dialplan as a whole, and no call ever sees half of it.

use super::signals::PLACE_EVENT;

/// The context to call with `Gosub(pool,s,1(CATEGORY,LIMIT,CHANNEL))`; `GOSUB_RETVAL` is 1 when that channel has a place.
pub const CONTEXT: &str = "pool";

/// Waiting for the lock ends after 3 s, and more callers than that can race; each goes on until it has been heard.
const ATTEMPTS: u8 = 20;

/// Renders the context.
pub fn render() -> String {
    format!(
        "\n[{CONTEXT}]\nexten => s,1,Set(LOCAL(tries)=0)\n\
         same => n,GotoIf($[\"${{IMPORT(${{ARG3}},GROUP(${{ARG1}}))}}\" != \"\"]?taken)\n\
         same => n(again),GotoIf(${{LOCK(${{ARG1}})}}?judge)\n\
         same => n,Set(LOCAL(tries)=$[${{tries}} + 1])\n\
         same => n,GotoIf($[${{tries}} < {ATTEMPTS}]?again:full)\n\
         same => n(judge),GotoIf($[${{GROUP_COUNT(place@${{ARG1}})}} >= ${{ARG2}}]?free)\n\
         same => n,Set(EXPORT(${{ARG3}},GROUP(${{ARG1}}))=place)\n\
         same => n,UserEvent({PLACE_EVENT},Pool: ${{ARG1}},Taken: ${{GROUP_COUNT(place@${{ARG1}})}})\n\
         same => n,Set(LOCAL(unlocked)=${{UNLOCK(${{ARG1}})}})\n\
         same => n(taken),Return(1)\n\
         same => n(free),Set(LOCAL(unlocked)=${{UNLOCK(${{ARG1}})}})\n\
         same => n(full),Return(0)\n"
    )
}

/// The step that takes a place for the channel that takes it.
pub fn take(category: &str, limit: u32) -> String {
    take_for("${CHANNEL}", category, limit)
}

/// The step that takes a place for another channel, named or by its unique id.
pub fn take_for(channel: &str, category: &str, limit: u32) -> String {
    format!("Gosub({CONTEXT},s,1({category},{limit},{channel}))")
}
