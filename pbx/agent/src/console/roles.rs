//! What an extension is at the console. Pure.

use crate::wanted::Wanted;

/// The queues that an extension belongs to, by their numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roles {
    /// Those whose calls it gets.
    pub agent_of: Vec<String>,
    /// Those that it watches over.
    pub supervisor_of: Vec<String>,
}

impl Roles {
    /// Of an extension; a disabled one has none.
    pub fn of(extension: &str, wanted: &Wanted) -> Self {
        if !wanted.phones.iter().any(|phone| phone.enabled && phone.number == extension) {
            return Self::default();
        }
        let mut roles = Self::default();
        for queue in &wanted.queues {
            if queue.agents.iter().any(|agent| agent == extension) {
                roles.agent_of.push(queue.number.clone());
            }
            if queue.supervisors.iter().any(|supervisor| supervisor == extension) {
                roles.supervisor_of.push(queue.number.clone());
            }
        }
        roles
    }

    /// Whether it has nothing to do here.
    pub fn is_none(&self) -> bool {
        self.agent_of.is_empty() && self.supervisor_of.is_empty()
    }

    /// Whether it may see a queue.
    pub fn sees(&self, queue: &str) -> bool {
        self.agent_of.iter().chain(&self.supervisor_of).any(|own| own == queue)
    }

    /// Whether it watches over an agent.
    pub fn supervises(&self, agent: &str, wanted: &Wanted) -> bool {
        let own = wanted.queues.iter().filter(|queue| self.supervisor_of.contains(&queue.number));
        own.flat_map(|queue| &queue.agents).any(|of_queue| of_queue == agent)
    }
}
