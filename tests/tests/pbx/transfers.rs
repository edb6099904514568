//! Recording and transfers: what is recorded is the call that somebody wants recorded, once, whoever comes to whom.

use std::time::Duration;

use anyhow::{Result, bail};
use ecqx_tests::pbx::{Attempt, Files, Pbx, Phone, Staying};
use pbx_contract::Recording;

use super::events::raised;

const PATIENCE: Duration = Duration::from_mins(1);

/// A PBX with so many recording ports, of these extensions' calls.
async fn recording(ports: u32, always: &[&str]) -> Pbx {
    let files = Files::of(5).licensed(|limits| {
        limits.call_recording = ports;
        limits.audio_conference = 2;
    });
    let with = |files: Files, number: &&str| files.with(number, |phone| phone.recording = Recording::Always);
    Pbx::start(always.iter().fold(files, with)).await.unwrap()
}

/// 102 and 103, who answer.
async fn called(pbx: &Pbx) -> [Staying; 2] {
    let [first, second] = ["102", "103"].map(Phone::of);
    [pbx.answering(&first, PATIENCE).await.unwrap(), pbx.answering(&second, PATIENCE).await.unwrap()]
}

/// 101 calls 102 and 103, speaks with both for so long, and puts them through to each other.
fn attended(seconds: u64) -> Attempt {
    let attempt = Attempt::new("attended", &[Phone::of("101")]).calling("102").key("to", "103");
    attempt.with(&["-cid_str", "%u-%p"]).lasting(Duration::from_secs(seconds))
}

/// 104 speaks with 103 for so many seconds, and is recorded.
async fn taking_the_only_port(pbx: &Pbx, seconds: u64) -> Staying {
    let call = Attempt::new("race", &[Phone::of("104")]).calling("103").lasting(Duration::from_secs(seconds));
    let call = pbx.begin(&call).unwrap();
    pbx.eventually("the only port is taken", async || Ok(recordings(pbx).await? == 1)).await.unwrap();
    call
}

/// 101 calls 102, and has it call the other.
fn blind(to: &str) -> Attempt {
    Attempt::new("transfer", &[Phone::of("101")]).calling("102").key("to", to).lasting(Duration::from_millis(500))
}

async fn recordings(pbx: &Pbx) -> Result<u32> {
    Ok(pbx.status().await?.usage.recordings)
}

/// Calls of these, each recorded so often as `mixmonitor list` says, with as many places taken.
async fn stands(pbx: &Pbx, parties: &[&str], wanted: u32) -> Result<bool> {
    let channels = pbx.asterisk("core show channels concise").await?;
    let names: Vec<&str> = channels.lines().filter_map(|line| line.split('!').next()).collect();
    let number = |name: &&str| name.trim_start_matches("PJSIP/").split('-').next().map(str::to_owned);
    let mut numbers: Vec<String> = names.iter().filter(|name| name.starts_with("PJSIP/")).filter_map(number).collect();
    numbers.sort();
    let mut mixed = 0;
    for name in names {
        let list = pbx.asterisk(&format!("mixmonitor list {name}")).await?;
        mixed += u32::try_from(list.lines().filter(|line| line.starts_with("0x")).count())?;
    }
    let places = recordings(pbx).await?;
    if numbers != parties || (mixed, places) != (wanted, wanted) {
        bail!("{numbers:?} are there, {mixed} recorded, {places} places taken");
    }
    Ok(true)
}

#[tokio::test]
async fn who_is_put_through_is_recorded_no_more_once_who_wanted_it_has_gone() {
    let pbx = recording(2, &["101"]).await;
    let called = called(&pbx).await;
    let transfer = pbx.begin(&attended(3)).unwrap();
    pbx.eventually("both calls are recorded", async || Ok(recordings(&pbx).await? == 2)).await.unwrap();
    assert!(transfer.ended().await.unwrap().log.contains("put through"));
    let alone = async || stands(&pbx, &["102", "103"], 0).await;
    pbx.eventually("they speak, and nobody records it", alone).await.unwrap();
    raised(&pbx, ["RecordingStarted", "RecordingEnded"]).await;
    drop(called);
}

#[tokio::test]
async fn a_call_of_two_recorded_ones_is_recorded_once() {
    let pbx = recording(3, &["102", "103"]).await;
    let called = called(&pbx).await;
    let transfer = pbx.begin(&attended(3)).unwrap();
    pbx.eventually("both calls are recorded", async || Ok(recordings(&pbx).await? == 2)).await.unwrap();
    assert!(transfer.ended().await.unwrap().log.contains("put through"));
    pbx.eventually("one recording is left", async || stands(&pbx, &["102", "103"], 1).await).await.unwrap();
    drop(called);
}

#[tokio::test]
async fn who_wants_all_calls_recorded_is_after_a_transfer_too_if_a_port_is_free_by_then() {
    let pbx = recording(1, &["104", "102"]).await;
    let called = called(&pbx).await;
    let other = taking_the_only_port(&pbx, 4).await;
    let transfer = pbx.begin(&attended(6)).unwrap();
    assert_eq!(other.ended().await.unwrap().answers, [200]);
    pbx.eventually("the port is free", async || Ok(recordings(&pbx).await? == 0)).await.unwrap();
    raised(&pbx, ["RecordingRefused"]).await;
    assert!(transfer.ended().await.unwrap().log.contains("put through"));
    pbx.eventually("it is recorded now", async || stands(&pbx, &["102", "103"], 1).await).await.unwrap();
    pbx.asterisk("channel request hangup all").await.unwrap();
    pbx.eventually("its port is free again", async || stands(&pbx, &[], 0).await).await.unwrap();
    drop(called);
}

#[tokio::test]
async fn a_transfer_takes_no_port_beyond_those_that_were_bought() {
    let pbx = recording(1, &["104", "102"]).await;
    let called = called(&pbx).await;
    let other = taking_the_only_port(&pbx, 20).await;
    assert!(pbx.attempt(&attended(1)).await.unwrap().log.contains("put through"));
    let refused = async || {
        let told = serde_json::to_string(&super::events::events(&pbx).await?)?;
        Ok(told.matches("RecordingRefused").count() == 2)
    };
    pbx.eventually("it is refused, at the answer and after the transfer", refused).await.unwrap();
    assert!(stands(&pbx, &["102", "103", "103", "104"], 1).await.unwrap(), "it goes on unrecorded");
    drop((other, called));
}

#[tokio::test]
async fn who_is_put_through_while_it_rings_is_recorded_as_the_two_want_it_who_speak_then() {
    for (always, wanted) in [("102", 1), ("103", 1), ("101", 0)] {
        let pbx = recording(1, &[always]).await;
        let called = pbx.answering(&Phone::of("102"), PATIENCE).await.unwrap();
        let late = pbx.answering_late(&Phone::of("103"), PATIENCE).await.unwrap();
        let transfer = Attempt::new("attended_ringing", &[Phone::of("101")]).calling("102").key("to", "103");
        let transfer = transfer.with(&["-cid_str", "%u-%p"]).lasting(Duration::from_secs(1));
        assert!(pbx.attempt(&transfer).await.unwrap().log.contains("put through"));
        let what = format!("{always} wants it: {wanted} recorded");
        pbx.eventually(&what, async || stands(&pbx, &["102", "103"], wanted).await).await.unwrap();
        drop((called, late));
    }
}

#[tokio::test]
async fn who_is_transferred_is_recorded_as_the_two_want_it_who_speak_then() {
    for (always, to, parties, wanted) in [
        ("101", "103", ["102", "103"].as_slice(), 0),
        ("102", "103", &["102", "103"], 1),
        ("103", "103", &["102", "103"], 1),
        ("102", "801", &["102"], 0),
    ] {
        let pbx = recording(1, &[always]).await;
        let called = called(&pbx).await;
        let transfer = pbx.begin(&blind(to)).unwrap();
        let what = format!("{always} wants it, 102 is sent to {to}: {wanted} recorded");
        pbx.eventually(&what, async || stands(&pbx, parties, wanted).await).await.unwrap();
        drop((transfer, called));
    }
}
