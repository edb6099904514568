//! Conference ports: one pool over all rooms.

use std::time::Duration;

use ecqx_tests::pbx::{Attempt, Files, Pbx, Phone, Softphone};
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

#[tokio::test]
async fn who_is_put_through_to_a_room_has_the_place_of_who_did_it() {
    let mut files = Files::of(6).licensed(|limits| limits.audio_conference = 3);
    files.limits.policy.phones_per_extension = 2;
    let pbx = Pbx::start(files).await.unwrap();
    let phones = Phone::first(6);
    let others = pbx.begin(&enter("801", &phones[..2]).lasting(Duration::from_secs(40))).unwrap();
    let guest = pbx.answering(&phones[2], Duration::from_mins(1)).await.unwrap();
    let put_through = Attempt::new("attended", &phones[3..4]).calling("103").key("to", "801");
    let put_through = put_through.with(&["-cid_str", "%u-%p"]).lasting(Duration::from_secs(1));
    let outcome = pbx.attempt(&put_through).await.unwrap();
    assert!(outcome.log.contains("put through"), "{outcome:?}");
    pbx.eventually("the guest is in the room, and who put him through has gone", async || {
        let channels = pbx.asterisk("core show channels concise").await?;
        let with = |number: &str| channels.lines().filter(|line| line.starts_with(&format!("PJSIP/{number}-"))).count();
        Ok((with("101"), with("102"), with("103"), with("104")) == (1, 1, 1, 0))
    })
    .await
    .unwrap();
    let usage = pbx.status().await.unwrap().usage;
    assert_eq!((usage.conference_participants, usage.active_calls), (3, 3));
    let more = pbx.attempt(&enter("801", &phones[4..])).await.unwrap();
    assert_eq!(more.count(486), 2, "{more:?}");
    drop((others, guest));
}

#[tokio::test]
async fn an_administrator_takes_a_port_too() {
    let pbx = Pbx::start(Files::of(2).licensed(|limits| limits.audio_conference = 1)).await.unwrap();
    let mut phone = pbx.softphone(&Softphone::new(Phone::of("101"), 440)).await.unwrap();
    phone.dial("801").await.unwrap();
    pbx.eventually("the administrator is in the room", async || {
        phone.press("2801#").await?;
        tokio::time::sleep(Duration::from_secs(1)).await; // as a hand does it
        Ok(pbx.asterisk("confbridge list").await?.lines().any(|line| line.starts_with("801 ")))
    })
    .await
    .unwrap();
    let list = pbx.asterisk("confbridge list 801").await.unwrap();
    assert!(list.lines().any(|line| line.contains("Local/801") && line.contains('A')), "as an administrator: {list}");
    let more = pbx.attempt(&enter("801", &[Phone::of("102")])).await.unwrap();
    assert_eq!(more.answers, [486], "{more:?}");
    phone.hang_up().await.unwrap();
}

#[tokio::test]
async fn a_call_to_a_room_is_transferred_to_no_service_that_would_keep_the_port_for_ever() {
    let pbx = Pbx::start(Files::of(2).licensed(|limits| limits.audio_conference = 2)).await.unwrap();
    for service in ["*43", "801"] {
        let transfer = Attempt::new("transfer", &Phone::first(1)).calling("801").key("to", service);
        let outcome = pbx.attempt(&transfer.lasting(Duration::from_millis(500))).await.unwrap();
        assert_eq!(outcome.count(200), 1, "it was in the room: {outcome:?}");
        assert!(!outcome.success && !outcome.log.contains("transferred"), "{service}: {outcome:?}");
        let empty = async || Ok(pbx.status().await?.usage.active_calls == 0);
        pbx.eventually("nobody is in the room", empty).await.unwrap();
    }
}

fn enter(room: &str, phones: &[Phone]) -> Attempt {
    Attempt::new("race", phones).calling(room).lasting(Duration::from_millis(700))
}
