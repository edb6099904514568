//! The serial of a zone that is signed anew as time goes on.

use super::*;
use crate::dnssec::{Key, Keyring, Tick, algorithm::Algorithm, key::Times, tick::TICK};

/// How a key signs at this many ticks from a time.
fn signing(tick: u64) -> Arc<Signing> {
    let key = Key::of(Algorithm::Ed25519, &[7; 32], true, Times::ALWAYS).unwrap();
    let tick = Tick::of(1_795_810_000 + tick * TICK);
    Arc::new(Signing::new(&Keyring::new([key]), tick, settings().wire_origin()).unwrap())
}

/// A publisher that signs, and what tells it how.
fn signer(tick: u64) -> (watch::Sender<Arc<Signing>>, Publisher) {
    let (sender, receiver) = watch::channel(signing(tick));
    (sender, publisher().signing(Some(receiver)))
}

async fn sign(tell: &watch::Sender<Arc<Signing>>, publisher: &mut Publisher, tick: u64) {
    tell.send_replace(signing(tick));
    publisher.resign().await.unwrap();
}

#[tokio::test]
async fn of_a_tick_and_a_change_the_order_makes_no_difference_in_the_end_and_a_serial_is_never_two_zones() {
    let ((tell_one, mut one), (tell_other, mut other)) = (signer(0), signer(0));
    for publisher in [&mut one, &mut other] {
        publisher.enter(list(&[("a", 1)], 100)).await.unwrap();
    }
    assert_eq!(served(&one), served(&other));
    let before = served(&one).0;
    sign(&tell_one, &mut one, 1).await;
    // The very next revision, so that counting on by one would give the serial of the tick.
    other.enter([seen("b", "b", 2, 101)]).await.unwrap();
    let (after_tick, after_change) = (served(&one).0, served(&other).0);
    assert_ne!(after_tick, after_change);
    assert!([after_tick, after_change].iter().all(|serial| serial::is_after(*serial, before)));
    one.enter([seen("b", "b", 2, 101)]).await.unwrap();
    sign(&tell_other, &mut other, 1).await;
    assert_eq!(served(&one), served(&other));
    assert_eq!(one.version(), other.version());
}

#[tokio::test]
async fn what_is_signed_as_before_is_no_new_zone_and_a_clock_that_goes_back_takes_no_serial_back() {
    let (tell, mut publisher) = signer(5);
    publisher.enter(list(&[("a", 1)], 100)).await.unwrap();
    let first = served(&publisher).0;
    sign(&tell, &mut publisher, 5).await;
    assert_eq!(served(&publisher).0, first);
    sign(&tell, &mut publisher, 3).await;
    let back = served(&publisher).0;
    assert!(serial::is_after(back, first));
    sign(&tell, &mut publisher, 6).await;
    assert!(serial::is_after(served(&publisher).0, back));
}

#[tokio::test]
async fn replicas_at_different_ticks_do_not_take_one_another_for_the_same() {
    let ((_, mut one), (_, mut other)) = (signer(0), signer(1));
    for publisher in [&mut one, &mut other] {
        publisher.enter(list(&[("a", 1)], 100)).await.unwrap();
    }
    let (ours, theirs) = (one.version().unwrap(), other.version().unwrap());
    assert!(serial::is_after(theirs.serial, ours.serial) && !ours.yields_to(&theirs));
}

#[tokio::test]
async fn a_signed_zone_that_was_kept_has_its_serial_again_in_the_same_tick_and_a_later_one_after_it() {
    let (_, mut first) = signer(0);
    first.enter(list(&[("a", 1)], 100)).await.unwrap();
    let (kept, serial) = (first.kept().borrow().clone().unwrap(), served(&first).0);
    for (tick, is_same) in [(0, true), (2, false)] {
        let (_, mut again) = signer(tick);
        again.resume(&kept).await.unwrap();
        assert_eq!(served(&again).0 == serial, is_same);
        again.enter(list(&[("a", 1)], 130)).await.unwrap();
        assert_eq!(
            served(&again).0,
            serial + u32::try_from(tick).unwrap() * (1 << 16),
            "at the revision that was kept"
        );
    }
    let mut plain = publisher();
    plain.resume(&kept).await.unwrap();
    assert!(serial::is_after(served(&plain).0, serial), "not signed any more, it is another zone");
}

#[tokio::test]
async fn the_zone_is_signed_anew_when_it_is_told_even_without_events() {
    let (tell, mut publisher) = signer(0);
    publisher.enter(list(&[("a", 1)], 100)).await.unwrap();
    let (snapshot, before) = (Arc::clone(&publisher.snapshot), served(&publisher).0);
    let (_others, proposals) = mpsc::channel(1);
    tokio::spawn(async move { publisher.follow(futures::stream::pending(), proposals).await });
    tell.send_replace(signing(1));
    let renewed = async {
        while snapshot.load_full().unwrap().serial() == before {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), renewed).await.unwrap();
    assert!(snapshot.load_full().unwrap().signing().unwrap().is_like(&signing(1)));
}

#[tokio::test]
async fn a_kept_zone_that_is_signed_anew_is_still_not_compared_with_the_api_server() {
    let (_, mut first) = signer(0);
    first.enter(list(&[("a", 1)], 100)).await.unwrap();
    let kept = first.kept().borrow().clone().unwrap();
    let (tell, mut again) = signer(0);
    let held = again.held();
    again.resume(&kept).await.unwrap();
    sign(&tell, &mut again, 1).await;
    assert!(again.state.stale.load(Ordering::Relaxed) && held.borrow().is_none());
    again.enter(list(&[("a", 1)], 130)).await.unwrap();
    assert!(!again.state.stale.load(Ordering::Relaxed) && held.borrow().is_some());
}
