//! Conference ports: one pool over all rooms.

use std::time::Duration;

use ecqx_tests::pbx::{Attempt, Files, Pbx, Phone};
use pbx_contract::ConferenceRoom;

use super::races;

#[tokio::test]
async fn of_nine_callers_at_once_four_are_let_in_and_five_get_486_each_time() {
    let pbx = Pbx::start(Files::of(9).licensed(|limits| limits.audio_conference = 4)).await.unwrap();
    for race in 1..=races() {
        let outcome = pbx.attempt(&enter("801", &Phone::first(9))).await.unwrap();
        assert_eq!((outcome.count(200), outcome.count(486)), (4, 5), "race {race}: {outcome:?}");
        let empty = async || Ok(pbx.status().await?.usage.conference_participants == 0);
        pbx.eventually("everybody has left", empty).await.unwrap();
    }
}

#[tokio::test]
async fn rooms_share_the_ports() {
    let mut files = Files::of(6).licensed(|limits| limits.audio_conference = 3);
    files.extensions.conference_rooms.push(ConferenceRoom { number: "802".into(), name: None });
    let pbx = Pbx::start(files).await.unwrap();
    let phones = Phone::first(6);
    let first = pbx.begin(&enter("801", &phones[..2]).lasting(Duration::from_secs(4))).unwrap();
    let two = async || Ok(pbx.status().await?.usage.conference_participants == 2);
    pbx.eventually("two are in the first room", two).await.unwrap();
    let second = pbx.attempt(&enter("802", &phones[2..])).await.unwrap();
    assert_eq!((second.count(200), second.count(486)), (1, 3), "{second:?}");
    assert_eq!(first.ended().await.unwrap().count(200), 2);
}

fn enter(room: &str, phones: &[Phone]) -> Attempt {
    Attempt::new("race", phones).calling(room).lasting(Duration::from_millis(700))
}
