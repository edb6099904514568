//! What one console sees: the queues that its extension belongs to, and their agents. Pure.

use std::collections::BTreeMap;

use pbx_contract::{Activity, AgentState, ConsoleState, Queue, QueueState, WaitingCaller, extension_order};

use super::reading::{Caller, Member, Reading};
use super::roles::Roles;
use crate::wanted::Wanted;

/// The state as these roles see it.
pub fn view(reading: &Reading, wanted: &Wanted, roles: &Roles) -> ConsoleState {
    let mut queues: Vec<&Queue> = wanted.queues.iter().filter(|queue| roles.sees(&queue.number)).collect();
    queues.sort_by(|a, b| extension_order(&a.number, &b.number));
    let mut agents: BTreeMap<&str, Vec<&Queue>> = BTreeMap::new();
    for queue in &queues {
        for agent in &queue.agents {
            agents.entry(agent).or_default().push(queue);
        }
    }
    let mut agents: Vec<AgentState> =
        agents.into_iter().map(|(number, of)| agent(number, &of, reading, wanted)).collect();
    agents.sort_by(|a, b| extension_order(&a.extension, &b.extension));
    ConsoleState { queues: queues.into_iter().map(|own| queue(own, reading)).collect(), agents }
}

fn queue(queue: &Queue, reading: &Reading) -> QueueState {
    let read = reading.0.get(&queue.number).cloned().unwrap_or_default();
    let waiting = |Caller { number, name, since, .. }| WaitingCaller { number, name, since };
    QueueState {
        number: queue.number.clone(),
        name: queue.name.clone(),
        waiting: read.callers.into_iter().map(waiting).collect(),
        completed: read.completed,
        abandoned: read.abandoned,
        hold_seconds: read.hold,
        talk_seconds: read.talk,
    }
}

fn agent(number: &str, queues: &[&Queue], reading: &Reading, wanted: &Wanted) -> AgentState {
    let members: Vec<&Member> = queues.iter().filter_map(|queue| reading.member(&queue.number, number)).collect();
    let name = wanted.phones.iter().find(|phone| phone.number == number).and_then(|phone| phone.name.clone());
    AgentState {
        extension: number.to_owned(),
        name,
        queues: queues.iter().map(|queue| queue.number.clone()).collect(),
        activity: activity(&members),
        paused: members.iter().any(|member| member.paused),
        reason: members.iter().find_map(|member| member.reason.clone()),
        calls: members.iter().map(|member| member.calls).sum(),
        last_call: members.iter().map(|member| member.last_call).filter(|at| *at > 0).max(),
    }
}

/// Asterisk's device states: 1 not in use, 2 in use, 3 busy, 6 ringing, 7 ringing while in use, 8 on hold; all else is no telephone.
fn activity(members: &[&Member]) -> Activity {
    let Some(first) = members.first() else { return Activity::Away };
    if members.iter().any(|member| member.in_call) {
        return Activity::InCall;
    }
    match first.status {
        1 => Activity::Free,
        2 | 3 | 8 => Activity::Busy,
        6 | 7 => Activity::Ringing,
        _ => Activity::Unreachable,
    }
}
