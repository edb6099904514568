//! Voicemail: from a call that nobody takes to a mail, through a real SMTP server.

use anyhow::Result;
use ecqx_tests::pbx::{Files, Pbx, Phone, Program};
use pbx_contract::Voicemail;

use super::{events::raised, extensions::talk};

const RELAY: &str = "127.0.0.9:2525";

async fn mail_server(pbx: &Pbx) -> Result<Program> {
    let arguments = ["-u", "-m", "aiosmtpd", "-n", "-l", RELAY, "-c", "aiosmtpd.handlers.Debugging", "stdout"];
    let server = pbx.beside("/usr/bin/python3", &arguments)?;
    let listening = async || pbx.inside(|| async { Ok(tokio::net::TcpStream::connect(RELAY).await.is_ok()) }).await;
    pbx.eventually("the mail server listens", listening).await?;
    Ok(server)
}

#[tokio::test]
async fn a_message_is_mailed_to_its_owner_with_its_sound() {
    let hostile = "Ani \"; $(touch /tmp/x) <x@y>\nBcc: eve@example.com";
    let files = Files::of(2).with("102", |phone| {
        phone.name = Some(hostile.into());
        phone.email = Some("ani@noravank.example".into());
        phone.voicemail = Voicemail::Attach;
    });
    let environment = [&format!("ECQX_SMTP_RELAY={RELAY}"), "ECQX_MAIL_FROM=pbx@provider.example"];
    let pbx = Pbx::start_with(files, &environment).await.unwrap();
    let server = mail_server(&pbx).await.unwrap();
    // 102 has no phone: the call goes to its mailbox, which answers.
    let outcome = pbx.attempt(&talk(&Phone::of("101"), "102", 16)).await.unwrap();
    assert_eq!(outcome.answers, [200], "{outcome:?}");
    pbx.eventually("the mail has come", async || Ok(server.output()?.contains("END MESSAGE"))).await.unwrap();
    raised(&pbx, ["VoicemailLeft", "VoicemailMailed"]).await;
    let mail = server.output().unwrap();
    assert!(mail.contains("ani@noravank.example") && mail.contains("audio/"), "{mail}");
    assert!(!mail.lines().any(|line| line.starts_with("Bcc:")), "{mail}");
    assert!(pbx.data().join("spool/voicemail/ecqx/102/INBOX/msg0000.wav").exists());
}

#[tokio::test]
async fn what_a_disabled_extension_had_is_there_when_the_limit_rises_again() {
    let mut pbx = Pbx::start(Files::of(2)).await.unwrap();
    let phones = Phone::first(2);
    let outcome = pbx.attempt(&talk(&phones[0], "102", 16)).await.unwrap();
    assert_eq!(outcome.answers, [200], "{outcome:?}");
    let message = pbx.data().join("spool/voicemail/ecqx/102/INBOX/msg0000.wav");
    pbx.eventually("the message is kept", async || Ok(message.exists())).await.unwrap();
    pbx.apply(Files::of(2).licensed(|limits| limits.ip_phone_extension = 1)).await.unwrap();
    assert!(pbx.register(&phones[1..]).await.is_err(), "102 is disabled");
    pbx.apply(Files::of(2)).await.unwrap();
    pbx.register(&phones[1..]).await.unwrap();
    assert!(message.exists());
    let inbox = pbx.asterisk("voicemail show users").await.unwrap();
    let line = inbox.lines().find(|line| line.contains(" 102 ")).unwrap().to_owned();
    assert_eq!(line.split_whitespace().last(), Some("1"), "one new message: {line}");
    let own = pbx.attempt(&talk(&phones[1], "*97", 2)).await.unwrap();
    assert_eq!(own.answers, [200], "{own:?}");
}
