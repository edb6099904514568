//! The call centre: nothing of it without a bundle.

use ecqx_tests::pbx::{Files, Pbx, Phone};
use pbx_contract::{Queue, QueueStrategy};

use super::extensions::talk;

fn files(ports: u32) -> Files {
    let mut files = Files::of(3).licensed(|limits| limits.call_center = ports);
    files.extensions.queues = vec![Queue {
        number: "601".into(),
        name: None,
        strategy: QueueStrategy::RingAll,
        agents: vec!["102".into()],
        supervisors: vec!["103".into()],
        ring_seconds: 15,
        wrap_up_seconds: 0,
        max_wait_seconds: 10,
    }];
    files
}

#[tokio::test]
async fn without_a_bundle_a_queue_answers_403_and_with_one_it_lets_callers_in() {
    let mut pbx = Pbx::start(files(0)).await.unwrap();
    let phones = Phone::first(3);
    let refused = pbx.attempt(&talk(&phones[0], "601", 1)).await.unwrap();
    assert_eq!(refused.answers, [403], "{refused:?}");
    pbx.apply(files(2)).await.unwrap();
    let let_in = pbx.attempt(&talk(&phones[0], "601", 1)).await.unwrap();
    assert_eq!(let_in.answers, [200], "{let_in:?}");
}
