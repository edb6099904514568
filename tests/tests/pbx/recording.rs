//! Recording ports: on demand and always; one call more goes through unrecorded.

use std::time::Duration;

use ecqx_tests::pbx::{Attempt, Files, Pbx, Phone};
use pbx_contract::Recording;

use super::{
    events::{events, raised},
    races,
};

#[tokio::test]
async fn of_eight_calls_at_once_all_go_through_and_three_are_recorded_each_time() {
    let always = (101..=109).fold(Files::of(9).licensed(|limits| limits.call_recording = 3), |files, number| {
        files.with(&number.to_string(), |phone| phone.recording = Recording::Always)
    });
    let pbx = Pbx::start(always).await.unwrap();
    let phones = Phone::first(9);
    let called = pbx.answering(&phones[0], Duration::from_secs(60 + 5 * races() as u64)).await.unwrap();
    for race in 1..=races() {
        let calls = Attempt::new("race", &phones[1..]).calling("101").lasting(Duration::from_millis(1500));
        let calls = pbx.begin(&calls).unwrap();
        let mut most = 0;
        pbx.eventually("eight calls are up, three of them recorded", async || {
            let usage = pbx.status().await?.usage;
            most = most.max(usage.recordings);
            Ok(usage.active_calls == 8 && usage.recordings == 3)
        })
        .await
        .unwrap();
        assert_eq!(most, 3, "race {race}");
        let outcome = calls.ended().await.unwrap();
        assert_eq!(outcome.count(200), 8, "race {race}: {outcome:?}");
        let free = async || {
            let usage = pbx.status().await?.usage;
            Ok(usage.recordings == 0 && usage.active_calls == 0)
        };
        pbx.eventually("the ports are free again", free).await.unwrap();
    }
    assert_eq!(std::fs::read_dir(pbx.data().join("recordings")).unwrap().count(), 3 * races());
    drop(called);
}

#[tokio::test]
async fn a_call_is_recorded_from_the_moment_when_its_party_dials_the_code() {
    let pbx = Pbx::start(Files::of(2).licensed(|limits| limits.call_recording = 1)).await.unwrap();
    let phones = Phone::first(2);
    let called = pbx.answering(&phones[1], Duration::from_secs(30)).await.unwrap();
    let call = Attempt::new("press", &phones[..1]).calling("102").lasting(Duration::from_secs(6));
    let call = pbx.begin(&call).unwrap();
    pbx.eventually("the call is up", async || Ok(pbx.status().await?.usage.active_calls == 1)).await.unwrap();
    assert_eq!(pbx.status().await.unwrap().usage.recordings, 0, "not before the code");
    pbx.eventually("it is recorded", async || Ok(pbx.status().await?.usage.recordings == 1)).await.unwrap();
    assert!(call.ended().await.unwrap().success);
    raised(&pbx, ["RecordingStarted", "RecordingEnded"]).await;
    drop(called);
}

#[tokio::test]
async fn a_call_that_is_recorded_takes_no_second_place_when_the_other_party_dials_the_code() {
    let files = Files::of(2).licensed(|limits| limits.call_recording = 2);
    let pbx = Pbx::start(files.with("102", |phone| phone.recording = Recording::Always)).await.unwrap();
    let phones = Phone::first(2);
    let called = pbx.answering(&phones[1], Duration::from_secs(30)).await.unwrap();
    let call = Attempt::new("press", &phones[..1]).calling("102").lasting(Duration::from_secs(4));
    let outcome = pbx.attempt(&call).await.unwrap();
    assert!(outcome.success, "{outcome:?}");
    raised(&pbx, ["RecordingStarted", "RecordingEnded"]).await;
    let told = serde_json::to_string(&events(&pbx).await.unwrap()).unwrap();
    assert_eq!(told.matches("RecordingStarted").count(), 1, "{told}");
    assert_eq!(std::fs::read_dir(pbx.data().join("recordings")).unwrap().count(), 1);
    drop(called);
}
