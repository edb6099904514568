//! What can be dialled beside extensions, from the wire to the contract. Pure.

use ecqx_crds::{PbxSpec, QueueStrategy, RingStrategy};
use pbx_contract::{ConferenceRoom, Queue, RingGroup};

pub(super) fn ring_groups(spec: &PbxSpec) -> Vec<RingGroup> {
    spec.ring_groups.iter().map(ring_group).collect()
}

pub(super) fn conference_rooms(spec: &PbxSpec) -> Vec<ConferenceRoom> {
    let room =
        |room: &ecqx_crds::ConferenceRoom| ConferenceRoom { number: room.number.clone(), name: room.name.clone() };
    spec.conference_rooms.iter().map(room).collect()
}

pub(super) fn queues(spec: &PbxSpec) -> Vec<Queue> {
    spec.queues.iter().map(queue).collect()
}

fn ring_group(group: &ecqx_crds::RingGroup) -> RingGroup {
    RingGroup {
        number: group.number.clone(),
        name: group.name.clone(),
        members: group.members.clone(),
        strategy: match group.strategy {
            RingStrategy::All => pbx_contract::RingStrategy::All,
            RingStrategy::InOrder => pbx_contract::RingStrategy::InOrder,
        },
        ring_seconds: group.ring_seconds.unsigned_abs(),
    }
}

fn queue(queue: &ecqx_crds::Queue) -> Queue {
    Queue {
        number: queue.number.clone(),
        name: queue.name.clone(),
        strategy: match queue.strategy {
            QueueStrategy::RingAll => pbx_contract::QueueStrategy::RingAll,
            QueueStrategy::LeastRecent => pbx_contract::QueueStrategy::LeastRecent,
            QueueStrategy::FewestCalls => pbx_contract::QueueStrategy::FewestCalls,
            QueueStrategy::Random => pbx_contract::QueueStrategy::Random,
            QueueStrategy::RoundRobin => pbx_contract::QueueStrategy::RoundRobin,
        },
        agents: queue.agents.clone(),
        supervisors: queue.supervisors.clone(),
        ring_seconds: queue.ring_seconds.unsigned_abs(),
        wrap_up_seconds: queue.wrap_up_seconds.unsigned_abs(),
        max_wait_seconds: queue.max_wait_seconds.unsigned_abs(),
    }
}
