//! Who is kept out.

use ecqx_tests::pbx::{Attempt, Files, Pbx, Phone};

/// A loopback address that is nobody else's.
const ATTACKER: &str = "127.0.0.66";

#[tokio::test]
async fn a_source_that_fails_too_often_is_blocked_for_its_time_and_nobody_else_is() {
    let mut files = Files::of(2);
    files.limits.policy.failures_before_block = 5;
    files.limits.policy.block_seconds = 8;
    let pbx = Pbx::start(files).await.unwrap();
    let guess = Phone { password: "guessed".into(), ..Phone::of("101") };
    let guess = Attempt::new("register_race", &[guess]).from(ATTACKER);
    for _ in 0..5 {
        let outcome = pbx.attempt(&guess).await.unwrap();
        assert_eq!(outcome.answers, [401], "{outcome:?}");
    }
    let right = Attempt::new("register_race", &[Phone::of("101")]).from(ATTACKER);
    let answer = async |expected: u16| Ok(pbx.attempt(&right).await?.answers == [expected]);
    pbx.eventually("even the right password is of no use", async || answer(403).await).await.unwrap();
    let other = pbx.attempt(&Attempt::new("register_race", &[Phone::of("101")]).from("127.0.0.67")).await.unwrap();
    assert_eq!(other.answers, [200], "another source is let in: {other:?}");
    pbx.eventually("the time is over", async || answer(200).await).await.unwrap();
}

#[tokio::test]
async fn nobody_is_locked_out_by_packets_in_their_name() {
    let mut files = Files::of(1);
    files.limits.policy.failures_before_block = 3;
    let pbx = Pbx::start(files).await.unwrap();
    // Unknown numbers over UDP, as anybody may send them with a customer's address.
    let forged: Vec<Phone> = (900..920).map(|number| Phone::of(number.to_string())).collect();
    let outcome = pbx.attempt(&Attempt::new("register_race", &forged).from("127.0.0.5")).await.unwrap();
    assert_eq!(outcome.count(403), 20, "{outcome:?}");
    // Whoever fails after them and is blocked shows that they have been judged.
    let guess = Phone { password: "guessed".into(), ..Phone::of("101") };
    let attack = Attempt::new("register_race", &[guess]).from(ATTACKER);
    let blocked = async || Ok(pbx.attempt(&attack).await?.answers == [403]);
    pbx.eventually("an attacker is blocked", blocked).await.unwrap();
    let customer = pbx.attempt(&Attempt::new("register_race", &[Phone::of("101")]).from("127.0.0.5")).await.unwrap();
    assert_eq!(customer.answers, [200], "{customer:?}");
}

#[tokio::test]
async fn made_up_answers_to_challenges_lock_out_nobody_who_has_a_phone_there() {
    let mut files = Files::of(2);
    files.limits.policy.failures_before_block = 3;
    let pbx = Pbx::start(files).await.unwrap();
    let customer = Attempt::new("register_race", &[Phone::of("101")]).from("127.0.0.5");
    assert_eq!(pbx.attempt(&customer).await.unwrap().answers, [200]);
    let made_up = Attempt::new("register_made_up", &vec![Phone::of("101"); 20]);
    let forged = pbx.attempt(&made_up.clone().from("127.0.0.5")).await.unwrap();
    assert_eq!(forged.answers.len(), 20, "{forged:?}");
    // The same from where no phone is counts, which shows that those before have been judged.
    let blocked = async || Ok(pbx.attempt(&made_up.clone().from(ATTACKER)).await?.count(403) == 20);
    pbx.eventually("an address without a phone is blocked", blocked).await.unwrap();
    assert_eq!(pbx.attempt(&customer).await.unwrap().answers, [200]);
}

#[tokio::test]
async fn asterisks_manager_is_on_the_loopback_alone_and_nothing_else_listens() {
    let pbx = Pbx::start(Files::of(1)).await.unwrap();
    let listening = pbx.sockets().unwrap();
    assert_eq!(listening, ["0.0.0.0:5060", "0.0.0.0:8088", "0.0.0.0:8089", "127.0.0.1:5038"]);
}
