//! Kinds of event that need a story of their own, and that no kind is without a test.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use ecqx_tests::pbx::{Attempt, Files, Pbx, Phone, Softphone};
use pbx_contract::event::{KINDS, Raiser, SystemEvent};
use serde_json::json;

use super::{call_centre, console::Console, events::raised, extensions::talk};

#[test]
fn each_kind_of_a_pbx_is_raised_by_a_test() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pbx");
    let sources = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    let others = sources.filter(|path| !path.ends_with("kinds.rs"));
    let text: String = others.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let own = include_str!("kinds.rs");
    let own = &own[own.find("async fn a_phone_that_does_not_answer").unwrap()..];
    let named = |kind: &str| [&text, own].iter().any(|text| text.contains(&format!("\"{kind}\"")));
    let of_pbx = KINDS.iter().filter(|kind| kind.raiser == Raiser::Pbx).map(|kind| kind.name);
    let without: BTreeSet<&str> = of_pbx.filter(|kind| !named(kind)).collect();
    assert!(without.is_empty(), "no test raises {without:?}");
}

#[tokio::test]
async fn a_phone_that_does_not_answer_and_does_again() {
    let pbx = Pbx::start_with(Files::of(1), &["ECQX_QUALIFY_SECONDS=1"]).await.unwrap();
    let uas = Path::new(env!("CARGO_MANIFEST_DIR")).join("phones/uas.xml");
    let phone = Attempt::new("phone", &Phone::first(1)).lasting(Duration::from_mins(2));
    let phone = phone.with(&["-oocsf", &uas.to_string_lossy(), "-aa", "-p", "17201"]);
    let there = pbx.begin(&phone).unwrap();
    raised(&pbx, ["PhoneRegistered"]).await;
    drop(there);
    raised(&pbx, ["PhoneUnreachable"]).await;
    let back = pbx.begin(&phone).unwrap();
    raised(&pbx, ["PhoneReachable"]).await;
    drop(back);
}

#[tokio::test]
async fn a_conference_begins_and_ends_and_whoever_knows_no_pin_stays_out() {
    let pbx = Pbx::start(Files::of(1).licensed(|limits| limits.audio_conference = 2)).await.unwrap();
    let mut phone = pbx.softphone(&Softphone::new(Phone::of("101"), 440)).await.unwrap();
    for (pin, kinds) in [("1801#", ["ConferenceStarted"]), ("9#", ["ConferencePinRefused"])] {
        phone.dial("801").await.unwrap();
        pbx.eventually(kinds[0], async || {
            phone.press(pin).await?;
            tokio::time::sleep(Duration::from_secs(1)).await; // as a hand does it
            let there = super::events::events(&pbx).await?;
            Ok(there.iter().any(|event| event.event.kind().name == kinds[0]))
        })
        .await
        .unwrap();
        raised(&pbx, kinds).await;
        phone.hang_up().await.unwrap();
        pbx.eventually("the call is over", async || Ok(pbx.status().await?.usage.active_calls == 0)).await.unwrap();
    }
    raised(&pbx, ["ConferenceEnded"]).await;
}

#[tokio::test]
async fn happenings_that_come_faster_than_they_are_taken() {
    let pbx = Pbx::start_with(Files::of(4), &["ECQX_EVENT_BACKLOG=1"]).await.unwrap();
    pbx.register(&[Phone::of("101"), Phone::of("102"), Phone::of("103"), Phone::of("104")]).await.unwrap();
    let [missed] = raised(&pbx, ["EventsMissed"]).await;
    assert!(matches!(missed.event, SystemEvent::EventsMissed { count: 1.. }), "{missed:?}");
    // What is in use is asked for, and so is known all the same.
    pbx.eventually("four are registered", async || Ok(pbx.status().await?.usage.extensions_registered == 4))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_mailbox_that_is_full_and_recordings_beyond_their_bound() {
    let mut files = Files::of(2);
    files.limits.policy.recordings_mib = 1;
    let pbx = Pbx::start(files).await.unwrap();
    let inbox = pbx.data().join("spool/voicemail/ecqx/102/INBOX");
    std::fs::create_dir_all(&inbox).unwrap();
    for folder in inbox.ancestors().take(4) {
        std::os::unix::fs::chown(folder, Some(1000), Some(1000)).unwrap();
    }
    for number in 0..100 {
        std::fs::write(inbox.join(format!("msg{number:04}.txt")), "[message]\n").unwrap();
        std::fs::write(inbox.join(format!("msg{number:04}.wav")), "").unwrap();
    }
    let name = "20261127T201923Z-101-600-103-ecqx-1764274763.12.wav";
    std::fs::write(pbx.data().join("recordings").join(name), vec![0; 2 << 20]).unwrap();
    // Hangs up long before it has heard that the mailbox is full.
    pbx.attempt(&talk(&Phone::of("101"), "102", 1)).await.unwrap();
    let [full, removed] = raised(&pbx, ["VoicemailNotTaken", "RecordingRemoved"]).await;
    assert!(full.text.contains("102") && removed.text.contains(name), "{full:?} {removed:?}");
}

#[tokio::test]
async fn an_asterisk_that_takes_no_dialplan_any_more_and_complains() {
    let mut pbx = Pbx::start(Files::of(2)).await.unwrap();
    pbx.asterisk("module unload pbx_config.so").await.unwrap();
    pbx.mount(Files::of(2).licensed(|limits| limits.ip_phone_extension = 1)).unwrap();
    raised(&pbx, ["ConfigurationNotTaken"]).await;
    assert!(!pbx.status().await.unwrap().ready);
    // It does not exist.
    let _ = pbx.asterisk("module load nobody.so").await;
    raised(&pbx, ["AsteriskComplained"]).await;
}

#[tokio::test]
async fn agents_and_supervisors_come_and_go() {
    let mut files = call_centre::files(1);
    files.extensions.queues[0].ring_seconds = 2;
    let pbx = Pbx::start(files).await.unwrap();
    // A phone that has registered, and does not answer.
    pbx.register(&[Phone::of("102")]).await.unwrap();
    let (mut agent, _) = Console::login(&pbx, "102").await.unwrap();
    raised(&pbx, ["ConsoleConnected", "AgentLoggedIn"]).await;
    Console::login(&pbx, "103").await.unwrap();
    raised(&pbx, ["ConsoleFull"]).await;
    Console::login(&pbx, "999").await.unwrap();
    raised(&pbx, ["ConsoleLoginRefused"]).await;
    agent.done(json!({ "id": 2, "do": { "pause": { "reason": "lunch" } } })).await.unwrap();
    agent.done(json!({ "id": 3, "do": { "resume": {} } })).await.unwrap();
    raised(&pbx, ["AgentPaused", "AgentResumed"]).await;
    let waiting = pbx.begin(&talk(&Phone::of("101"), "601", 20)).unwrap();
    raised(&pbx, ["AgentNoAnswer"]).await;
    drop((waiting, agent));
    raised(&pbx, ["ConsoleDisconnected", "AgentLoggedOut"]).await;
}

async fn fill(pbx: &Pbx, mib: u32) -> Result<()> {
    let count = format!("count={mib}");
    let filled = pbx.run(&["/usr/bin/dd", "if=/dev/zero", "of=/var/lib/ecqx/filled", "bs=1M", &count]).await?;
    anyhow::ensure!(filled.status.success(), "{}", String::from_utf8_lossy(&filled.stderr));
    Ok(())
}

#[tokio::test]
async fn a_volume_that_fills_and_is_emptied_and_a_kind_that_comes_too_often() {
    let pbx = Pbx::start(Files { volume_mib: Some(200), ..Files::of(1) }).await.unwrap();
    // Looked at every 30 s; a volume that fills meanwhile is told of as it is then.
    fill(&pbx, 185).await.unwrap();
    let strangers: Vec<Phone> = (900..970).map(|number| Phone::of(number.to_string())).collect();
    pbx.attempt(&Attempt::new("register_race", &strangers)).await.unwrap();
    raised(&pbx, ["DiskNearlyFull"]).await;
    fill(&pbx, 195).await.unwrap();
    raised(&pbx, ["DiskFull"]).await;
    fill(&pbx, 1).await.unwrap();
    raised(&pbx, ["DiskRecovered", "EventsHeldBack"]).await;
}
