//! Extensions: who may register and call, how they hold, transfer and ring together.

use std::time::Duration;

use ecqx_tests::pbx::{Attempt, Files, Pbx, Phone, heard};
use pbx_contract::{RingGroup, RingStrategy, Voicemail};

use super::races;

#[tokio::test]
async fn of_eleven_phones_at_once_six_register_and_five_get_403_each_time() {
    let pbx = Pbx::start(Files::of(11).licensed(|limits| limits.ip_phone_extension = 6)).await.unwrap();
    for race in 1..=races() {
        let outcome = pbx.attempt(&Attempt::new("register_race", &Phone::first(11))).await.unwrap();
        assert_eq!((outcome.count(200), outcome.count(403)), (6, 5), "race {race}: {outcome:?}");
    }
    let calls = Attempt::new("race", &Phone::first(11)).calling("*43").lasting(Duration::from_millis(500));
    let outcome = pbx.attempt(&calls).await.unwrap();
    assert_eq!((outcome.count(200), outcome.count(403)), (6, 5), "calls: {outcome:?}");
}

#[tokio::test]
async fn two_phones_talk_and_are_heard_both_ways() {
    let pbx = Pbx::start(Files::of(2)).await.unwrap();
    let phones = Phone::first(2);
    let called = pbx.answering(&phones[1], Duration::from_secs(30)).await.unwrap();
    let call = pbx.begin(&talk(&phones[0], "102", 4)).unwrap();
    pbx.eventually("a second of audio goes each way on both legs", async || {
        let legs = heard(&pbx.asterisk("pjsip show channelstats").await?);
        Ok(legs.len() == 2 && legs.iter().all(|(received, sent)| *received >= 50 && *sent >= 50))
    })
    .await
    .unwrap();
    let outcome = call.ended().await.unwrap();
    assert!(outcome.success && outcome.count(200) == 1, "{outcome:?}");
    drop(called);
}

#[tokio::test]
async fn a_call_is_held_and_taken_back() {
    let pbx = Pbx::start(Files::of(2)).await.unwrap();
    let phones = Phone::first(2);
    let called = pbx.answering(&phones[1], Duration::from_secs(30)).await.unwrap();
    let hold = Attempt::new("hold", &phones[..1]).calling("102").lasting(Duration::from_millis(500));
    let outcome = pbx.attempt(&hold).await.unwrap();
    assert!(outcome.success, "{outcome:?}");
    assert!(outcome.log.contains("held") && outcome.log.contains("taken back"), "{outcome:?}");
    drop(called);
}

#[tokio::test]
async fn a_call_is_transferred_to_a_third() {
    let pbx = Pbx::start(Files::of(3)).await.unwrap();
    let phones = Phone::first(3);
    let second = pbx.answering(&phones[1], Duration::from_secs(30)).await.unwrap();
    let third = pbx.answering(&phones[2], Duration::from_secs(30)).await.unwrap();
    let transfer = Attempt::new("transfer", &phones[..1]).calling("102").key("to", "103");
    let first = pbx.begin(&transfer.lasting(Duration::from_millis(500))).unwrap();
    pbx.eventually("the second and the third talk, the first has gone", async || {
        let channels = pbx.asterisk("core show channels concise").await?;
        let with = |number: &str| channels.lines().filter(|line| line.starts_with(&format!("PJSIP/{number}-"))).count();
        Ok(with("101") == 0 && with("102") == 1 && with("103") == 1)
    })
    .await
    .unwrap();
    let outcome = first.ended().await.unwrap();
    assert!(outcome.log.contains("transferred"), "{outcome:?}");
    drop((second, third));
}

#[tokio::test]
async fn a_group_rings_all_at_once_and_another_in_order() {
    let mut files = Files::of(4);
    let group = |number: &str, strategy| RingGroup {
        number: number.into(),
        name: None,
        members: vec!["102".into(), "103".into()],
        strategy,
        ring_seconds: 20,
    };
    files.extensions.ring_groups = vec![group("701", RingStrategy::All), group("702", RingStrategy::InOrder)];
    let pbx = Pbx::start(files).await.unwrap();
    let phones = Phone::first(4);
    let third = pbx.answering(&phones[2], Duration::from_mins(1)).await.unwrap();
    for number in ["701", "702"] {
        let call = pbx.begin(&talk(&phones[0], number, 2)).unwrap();
        pbx.eventually("a member has answered", async || {
            let channels = pbx.asterisk("core show channels concise").await?;
            Ok(channels.lines().any(|line| line.starts_with("PJSIP/103-") && line.contains("!Up!")))
        })
        .await
        .unwrap();
        let outcome = call.ended().await.unwrap();
        assert!(outcome.success && outcome.count(200) == 1, "{number}: {outcome:?}");
    }
    drop(third);
}

#[tokio::test]
async fn a_second_phone_takes_the_place_of_the_first_unless_there_is_a_softphones_seat() {
    let files = Files::of(2).licensed(|limits| limits.eqall_softphone = 1).with("102", |phone| phone.softphone = true);
    let pbx = Pbx::start(files).await.unwrap();
    for (number, contacts) in [("101", 1), ("102", 2)] {
        for _ in 0..3 {
            pbx.register(&[Phone::of(number)]).await.unwrap();
        }
        let list = pbx.asterisk("pjsip list contacts").await.unwrap();
        assert_eq!(list.matches(&format!(" {number}/sip:")).count(), contacts, "{list}");
    }
}

#[tokio::test]
async fn both_contacts_of_a_softphones_seat_ring() {
    let files = Files::of(2).licensed(|limits| limits.eqall_softphone = 1).with("102", |phone| phone.softphone = true);
    let pbx = Pbx::start(files).await.unwrap();
    let phones = Phone::first(2);
    // They have registered, and nobody answers.
    pbx.register(&phones[1..]).await.unwrap();
    pbx.register(&phones[1..]).await.unwrap();
    let call = pbx.begin(&talk(&phones[0], "102", 2)).unwrap();
    pbx.eventually("both ring", async || {
        Ok(pbx.asterisk("core show channels concise").await?.matches("PJSIP/102-").count() == 2)
    })
    .await
    .unwrap();
    drop(call);
}

#[tokio::test]
async fn all_contacts_of_an_extension_with_several_phones_ring() {
    let mut files = Files::of(2);
    files.limits.policy.phones_per_extension = 3;
    let pbx = Pbx::start(files).await.unwrap();
    let phones = Phone::first(2);
    for count in 2..=3 {
        while pbx.asterisk("pjsip list contacts").await.unwrap().matches(" 102/sip:").count() < count {
            pbx.register(&phones[1..]).await.unwrap();
        }
        let call = pbx.begin(&talk(&phones[0], "102", 2)).unwrap();
        pbx.eventually(&format!("all {count} ring"), async || {
            Ok(pbx.asterisk("core show channels concise").await?.matches("PJSIP/102-").count() == count)
        })
        .await
        .unwrap();
        drop(call);
        // The caller has gone without a word, and the others would ring on for as long as they may.
        pbx.asterisk("channel request hangup all").await.unwrap();
        let none = async || Ok(!pbx.asterisk("core show channels concise").await?.contains("PJSIP/"));
        pbx.eventually("nobody rings any more", none).await.unwrap();
    }
}

#[tokio::test]
async fn a_phone_that_redirects_its_calls_is_busy_and_dials_nothing() {
    let pbx = Pbx::start(Files::of(3).with("102", |phone| phone.voicemail = Voicemail::Off)).await.unwrap();
    let phones = Phone::first(3);
    let third = pbx.answering(&phones[2], Duration::from_mins(2)).await.unwrap();
    // Another phone, whether it may be called or not; and a context that no telephone is to reach.
    for elsewhere in ["sip:PJSIP/103@example.com", "sip:Local%2F*43%40features@example.com"] {
        let second = pbx.redirecting(&phones[1], elsewhere, Duration::from_mins(1)).await.unwrap();
        let outcome = pbx.attempt(&talk(&phones[0], "102", 2)).await.unwrap();
        assert!(outcome.count(200) == 0 && outcome.count(486) == 1, "{elsewhere}: {outcome:?}");
        drop(second);
    }
    drop(third);
}

/// Calls, and speaks for so many seconds.
#[tokio::test]
async fn a_call_to_a_disabled_extension_gets_480_or_its_mailbox() {
    let files = Files::of(3).licensed(|limits| limits.ip_phone_extension = 1);
    let files = files.with("102", |phone| phone.voicemail = Voicemail::Off);
    let pbx = Pbx::start(files.with("103", |phone| phone.voicemail = Voicemail::Mailbox)).await.unwrap();
    for (called, answer) in [("102", 480), ("103", 200)] {
        let call = Attempt::new("race", &[Phone::of("101")]).calling(called).lasting(Duration::from_secs(1));
        let outcome = pbx.attempt(&call).await.unwrap();
        assert_eq!(outcome.answers, [answer], "{called}: {outcome:?}");
    }
}

pub fn talk(phone: &Phone, target: &str, seconds: u64) -> Attempt {
    Attempt::new("talk", std::slice::from_ref(phone)).calling(target).lasting(Duration::from_secs(seconds))
}
