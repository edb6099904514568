//! System events: each kind that a PBX can raise is raised by what it stands for. Kinds that take days, or a second agent, have
//! tests in the agent's crate.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use ecqx_tests::pbx::{ADDRESS, Attempt, Authority, Files, Pbx, Phone, TOKEN};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use pbx_contract::event::{Event, EventsPage, Severity};
use pbx_contract::{AGENT_PORT, Queue, QueueStrategy, Recording, Voicemail};

use super::extensions::talk;

/// An address of the loopback that is nobody else's.
const STRANGER: &str = "127.0.0.77";

pub async fn events(pbx: &Pbx) -> Result<Vec<Event>> {
    pbx.inside(|| async {
        let page = format!("http://{ADDRESS}:{AGENT_PORT}/v1/events?limit=1000");
        let page = reqwest::Client::new().get(page).bearer_auth(TOKEN).send().await?.error_for_status()?;
        Ok(page.json::<EventsPage>().await?.events)
    })
    .await
}

/// Waits until each of these kinds was raised; gives the first of each.
pub async fn raised<const N: usize>(pbx: &Pbx, kinds: [&str; N]) -> [Event; N] {
    let found = pbx
        .eventually(&format!("{kinds:?} are raised"), async || {
            let events = events(pbx).await?;
            let of = |kind: &&str| events.iter().find(|event| event.event.kind().name == *kind).cloned();
            let missing: Vec<&&str> = kinds.iter().filter(|kind| of(kind).is_none()).collect();
            if missing.is_empty() {
                return Ok(Some(kinds.iter().filter_map(of).collect::<Vec<Event>>()));
            }
            let there: Vec<&str> = events.iter().map(|event| event.event.kind().name).collect();
            anyhow::bail!("{missing:?} are missing among {there:?}")
        })
        .await
        .unwrap();
    found.try_into().unwrap()
}

fn mounted(pbx: &Pbx, path: &str) -> std::path::PathBuf {
    pbx.data().with_file_name("mounted").join(path)
}

async fn get(pbx: &Pbx, path: &'static str) -> Result<u16> {
    pbx.inside(move || async move {
        Ok(reqwest::get(format!("http://{ADDRESS}:{AGENT_PORT}{path}")).await?.status().as_u16())
    })
    .await
}

#[tokio::test]
async fn phones_that_come_go_and_are_refused() {
    let mut files = Files::of(3).licensed(|limits| limits.ip_phone_extension = 2);
    files.limits.policy.failures_before_block = 3;
    files.limits.policy.block_seconds = 2;
    let pbx = Pbx::start(files).await.unwrap();
    let phones = Phone::first(3);
    // From one port: what a phone takes back is the contact that it gave.
    let register = Attempt::new("register", &phones[..1]).with(&["-p", "17101"]);
    assert!(pbx.attempt(&register).await.unwrap().success);
    raised(&pbx, ["PhoneRegistered"]).await;
    assert!(pbx.attempt(&register.expiring(0)).await.unwrap().success);
    raised(&pbx, ["AgentStarted", "AsteriskStarted", "LimitsApplied", "PhoneRegistered", "PhoneGone"]).await;

    pbx.attempt(&Attempt::new("register_race", &phones[2..])).await.unwrap();
    pbx.attempt(&Attempt::new("race", &phones[2..]).calling("101")).await.unwrap();
    let [disabled, call] = raised(&pbx, ["RegistrationRefusedDisabled", "CallRefusedDisabled"]).await;
    assert!(disabled.text.contains("103") && call.text.contains("103"));

    let unknown = Phone::of("999");
    pbx.attempt(&Attempt::new("register_race", std::slice::from_ref(&unknown)).from(STRANGER)).await.unwrap();
    pbx.attempt(&Attempt::new("call_403", &[unknown]).calling("101").from(STRANGER)).await.unwrap();
    let [registration, call] = raised(&pbx, ["RegistrationRefusedUnknown", "CallRefusedUnknown"]).await;
    assert!(registration.text.contains(STRANGER) && call.text.contains(STRANGER), "{registration:?} {call:?}");

    let guess = Phone { password: "guessed".into(), ..Phone::of("101") };
    for _ in 0..3 {
        pbx.attempt(&Attempt::new("register_race", std::slice::from_ref(&guess)).from(STRANGER)).await.unwrap();
    }
    let [wrong, blocked, _] = raised(&pbx, ["RegistrationRefusedPassword", "SourceBlocked", "SourceReleased"]).await;
    assert!(wrong.text.contains("101") && blocked.text.contains(STRANGER));
    let log = serde_json::to_string(&events(&pbx).await.unwrap()).unwrap();
    assert!(!log.contains("guessed") && !log.contains(&phones[0].password), "no password in an event");

    assert_eq!(get(&pbx, "/v1/events").await.unwrap(), 401);
    raised(&pbx, ["TokenRefused"]).await;
    pbx.attempt(&Attempt::new("subscribe", &phones[..1]).key("watched", "102")).await.unwrap();
    raised(&pbx, ["SubscriptionRefused"]).await;
    let refused = pbx.status().await.unwrap().refused;
    assert_eq!((refused["IpPhoneExtension"], refused["EqallReceptionist"]), (2, 1), "{refused:?}");
}

#[tokio::test]
async fn limits_that_change_and_files_that_cannot_be_used() {
    let mut pbx = Pbx::start(Files::of(3)).await.unwrap();
    pbx.apply(Files::of(3).licensed(|limits| limits.ip_phone_extension = 2)).await.unwrap();
    pbx.apply(Files::of(3)).await.unwrap();
    let mut suspended = Files::of(3);
    suspended.limits.suspended = true;
    pbx.apply(suspended).await.unwrap();
    pbx.attempt(&Attempt::new("race", &Phone::first(1)).calling("102")).await.unwrap();
    pbx.apply(Files::of(3)).await.unwrap();
    raised(&pbx, ["LimitLowered", "ExtensionsDisabled", "LimitRaised", "ExtensionsEnabled"]).await;
    raised(&pbx, ["ServiceSuspended", "CallRefusedSuspended", "ServiceResumed"]).await;

    let limits = mounted(&pbx, "limits/limits.json");
    let good = std::fs::read_to_string(&limits).unwrap();
    for (text, kind) in [
        (good.replace("\"schema\":2", "\"schema\":99"), "ConfigurationVersionUnknown"),
        (good.replace("\"IpPhoneExtension\":3", "\"IpPhoneExtension\":3000"), "ConfigurationDamaged"),
    ] {
        std::fs::write(&limits, text).unwrap();
        let [event] = raised(&pbx, [kind]).await;
        assert_eq!(event.severity, Severity::Error);
        let status = pbx.status().await.unwrap();
        assert!(!status.ready && status.applied_generation == Some(Files::of(3).generation().unwrap()), "{status:?}");
        pbx.register(&Phone::first(1)).await.unwrap(); // the last good ones are in force
    }
    std::fs::rename(&limits, limits.with_extension("away")).unwrap();
    raised(&pbx, ["ConfigurationMissing"]).await;
    std::fs::rename(limits.with_extension("away"), &limits).unwrap();
    std::fs::write(&limits, &good).unwrap();
    raised(&pbx, ["ConfigurationRecovered"]).await;
    let mut twice = Files::of(3);
    twice.extensions.extensions[1].number = "101".into();
    pbx.mount(twice).unwrap();
    raised(&pbx, ["ConfigurationUnfit"]).await;
    let mut without = Files::of(3);
    without.secrets.insert("102".into(), String::new());
    pbx.mount(without).unwrap();
    raised(&pbx, ["SecretMissing"]).await;
}

#[tokio::test]
async fn a_certificate_from_its_first_day_to_its_last() {
    let authority = Authority::new("ours").unwrap();
    let with = |days: i64| Files { certificate: Some(authority.issue(days).unwrap()), ..Files::of(1) };
    let mut pbx = Pbx::start(with(90)).await.unwrap();
    raised(&pbx, ["CertificateTaken"]).await;
    pbx.mount(with(5)).unwrap();
    raised(&pbx, ["CertificateRenewed", "CertificateExpiring"]).await;
    pbx.mount(with(-1)).unwrap();
    raised(&pbx, ["CertificateExpired"]).await;
    let other = with(90).certificate.map(|(chain, _)| (chain, with(90).certificate.unwrap_or_default().1));
    pbx.mount(Files { certificate: other, ..Files::of(1) }).unwrap();
    raised(&pbx, ["CertificateRefused"]).await;
    pbx.mount(Files::of(1)).unwrap();
    raised(&pbx, ["CertificateRemoved"]).await;
}

#[tokio::test]
async fn asterisk_killed_comes_back_with_its_phones_and_is_not_ready_meanwhile() {
    let pbx = Pbx::start(Files::of(3)).await.unwrap();
    pbx.register(&Phone::first(3)).await.unwrap();
    // Asterisk writes its database down a moment later.
    let written = async || {
        let database = std::fs::read(pbx.data().join("astdb/astdb.sqlite3"))?;
        let text = String::from_utf8_lossy(&database).into_owned();
        Ok(["101", "102", "103"].iter().all(|number| text.contains(&format!("/registrar/contact/{number}"))))
    };
    pbx.eventually("the contacts are on the volume", written).await.unwrap();
    let asterisk = pbx.process("asterisk").unwrap();
    kill(Pid::from_raw(asterisk), Signal::SIGKILL).unwrap();
    raised(&pbx, ["AsteriskEnded", "ManagerLost"]).await;
    let back = async || Ok(pbx.status().await?.ready && pbx.process("asterisk")? != asterisk);
    pbx.eventually("the PBX is ready again", back).await.unwrap();
    let there = async || Ok(pbx.status().await?.usage.extensions_registered == 3);
    pbx.eventually("its phones are known", there).await.unwrap();
    let seen = events(&pbx).await.unwrap();
    let order: Vec<&str> = seen.iter().map(|event| event.event.kind().name).collect();
    let place = |kind| order.iter().rposition(|own| *own == kind).unwrap();
    assert!(
        place("AsteriskEnded") < place("AsteriskStarted") && place("AsteriskStarted") < place("LimitsApplied"),
        "{order:?}"
    );
    let echo = pbx.attempt(&talk(&Phone::of("101"), "*43", 1)).await.unwrap();
    assert_eq!(echo.answers, [200], "{echo:?}");
    let metrics = pbx
        .inside(|| async { Ok(reqwest::get(format!("http://{ADDRESS}:{AGENT_PORT}/metrics")).await?.text().await?) });
    let metrics = metrics.await.unwrap();
    assert!(
        metrics.contains("ecqx_pbx_asterisk_restarts_total 1\n") && metrics.contains("ecqx_pbx_ready 1\n"),
        "{metrics}"
    );

    let asterisk = Pid::from_raw(pbx.process("asterisk").unwrap());
    kill(asterisk, Signal::SIGSTOP).unwrap();
    assert_eq!(get(&pbx, "/livez").await.unwrap(), 503);
    assert_eq!(get(&pbx, "/readyz").await.unwrap(), 503, "not ready without Asterisk's answer");
    raised(&pbx, ["AsteriskSilent"]).await;
    kill(asterisk, Signal::SIGCONT).unwrap();
    pbx.eventually("it is ready again", async || Ok(get(&pbx, "/readyz").await? == 200)).await.unwrap();
}

/// What was written before the pod ended.
fn written(data: &Path) -> Result<String> {
    std::fs::read_to_string(data.join("events/events.jsonl")).context("no events on the volume")
}

#[tokio::test]
async fn a_stop_waits_for_calls_and_says_when_it_had_to_cut_one() {
    for (seconds, kind) in [("30", "DrainEnded"), ("1", "CallsCut")] {
        let mut pbx = Pbx::start_with(Files::of(2), &[&format!("ECQX_DRAIN_SECONDS={seconds}")]).await.unwrap();
        let call = pbx.begin(&talk(&Phone::of("101"), "*43", 6)).unwrap();
        pbx.eventually("the call is up", async || Ok(pbx.status().await?.usage.active_calls == 1)).await.unwrap();
        pbx.terminate().unwrap();
        if kind == "DrainEnded" {
            pbx.eventually("it is not ready any more", async || Ok(get(&pbx, "/readyz").await? == 503)).await.unwrap();
            let new = pbx.attempt(&Attempt::new("race", &[Phone::of("102")]).calling("*43")).await.unwrap();
            assert_eq!(new.answers, [480], "no new calls: {new:?}");
        }
        pbx.ended().await.unwrap();
        drop(call);
        let written = written(&pbx.data()).unwrap();
        assert!(written.contains("DrainStarted") && written.contains(kind), "{kind}: {written}");
    }
}

#[tokio::test]
async fn recordings_rooms_and_mailboxes() {
    let always = |files: Files, number| files.with(number, |phone| phone.recording = Recording::Always);
    let files = Files::of(4).licensed(|limits| (limits.call_recording, limits.audio_conference) = (1, 1));
    let files = files.with("104", |phone| {
        phone.voicemail = Voicemail::Notify;
        phone.email = Some("ani@noravank.example".into());
    });
    let pbx = Pbx::start(["101", "102", "103"].into_iter().fold(files, always)).await.unwrap();
    let phones = Phone::first(4);
    let called = pbx.answering(&phones[0], Duration::from_mins(1)).await.unwrap();
    let calls = Attempt::new("race", &phones[1..3]).calling("101").lasting(Duration::from_secs(4));
    let calls = pbx.begin(&calls).unwrap();
    let both = async || Ok(pbx.status().await?.usage.active_calls >= 2);
    pbx.eventually("both calls are up", both).await.unwrap();
    assert_eq!(calls.ended().await.unwrap().count(200), 2);
    drop(called);
    raised(&pbx, ["RecordingStarted", "RecordingEnded", "RecordingRefused"]).await;

    let calls = Attempt::new("race", &phones[..2]).calling("801").lasting(Duration::from_secs(2));
    let outcome = pbx.attempt(&calls).await.unwrap();
    assert_eq!((outcome.count(200), outcome.count(486)), (1, 1), "{outcome:?}");
    raised(&pbx, ["ConferenceRefused"]).await;
    let status = pbx.status().await.unwrap();
    assert_eq!((status.peak.recordings, status.peak.conference_participants), (1, 1), "{status:?}");
    assert_eq!((status.refused["CallRecording"], status.refused["AudioConference"]), (1, 1), "{status:?}");
    assert!(status.peak.active_calls >= 2, "{status:?}");

    // 104 has no phone: its mailbox takes the message, and there is no relay to mail it.
    let outcome = pbx.attempt(&talk(&phones[0], "104", 14)).await.unwrap();
    assert_eq!(outcome.answers, [200], "{outcome:?}");
    raised(&pbx, ["VoicemailLeft", "VoicemailMailFailed"]).await;
}

#[tokio::test]
async fn a_queue_that_nobody_serves() {
    let mut files = Files::of(2).licensed(|limits| limits.call_center = 0);
    files.extensions.queues = vec![Queue {
        number: "601".into(),
        name: None,
        strategy: QueueStrategy::RingAll,
        agents: vec!["102".into()],
        supervisors: Vec::new(),
        ring_seconds: 5,
        wrap_up_seconds: 0,
        max_wait_seconds: 3,
    }];
    let mut pbx = Pbx::start(files.clone()).await.unwrap();
    pbx.attempt(&Attempt::new("race", &Phone::first(1)).calling("601")).await.unwrap();
    raised(&pbx, ["CallRefusedUnlicensed"]).await;
    pbx.apply(files.licensed(|limits| limits.call_center = 1)).await.unwrap();
    pbx.attempt(&talk(&Phone::of("101"), "601", 1)).await.unwrap();
    raised(&pbx, ["QueueWithoutAgents", "QueueAbandoned"]).await;
    pbx.attempt(&talk(&Phone::of("101"), "601", 8)).await.unwrap();
    raised(&pbx, ["QueueTimedOut"]).await;
    assert_eq!(pbx.status().await.unwrap().refused["CallCenter"], 1);
}

/// Neither a question nor a registration while they are up: that there are any is the agent's own to find out.
#[tokio::test]
async fn the_most_calls_at_one_time_are_known_though_nobody_asked_meanwhile() {
    let pbx = Pbx::start(Files::of(3)).await.unwrap();
    let calls = Attempt::new("talk", &Phone::first(3)).calling("*43").lasting(Duration::from_secs(3));
    assert_eq!(pbx.attempt(&calls).await.unwrap().count(200), 3);
    assert_eq!(pbx.status().await.unwrap().peak.active_calls, 3);
}
