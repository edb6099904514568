//! The files as a whole, and that hostile names change nothing but one value.

use std::net::IpAddr;
use std::path::PathBuf;

use pbx_contract::MediaEncryption;
use proptest::prelude::*;

use super::*;
use crate::wanted::fixtures::{self, limits, passwords};

pub fn settings() -> Settings {
    Settings {
        directories: Directories {
            config: PathBuf::from("/etc/asterisk"),
            run: PathBuf::from("/run/asterisk"),
            data: PathBuf::from("/var/lib/ecqx"),
            stock: PathBuf::from("/usr/share/asterisk"),
        },
        network: Network {
            sip_port: 5060,
            sips_port: 5061,
            rtp_first: 10_000,
            rtp_last: 20_000,
            external_signaling: None,
            external_media: None,
            local_nets: Vec::new(),
            qualify_seconds: 0,
            session_seconds: 600,
        },
        manager: Secret::new(&mut rand::rng()),
    }
}

fn wanted(names: [Option<&str>; 3], enabled: u32) -> Wanted {
    let extensions = [("101", names[0]), ("102", names[1]), ("103", names[2])];
    fixtures::wanted(&limits(&extensions, enabled), &passwords(&["101", "102", "103"])).unwrap()
}

/// Enabled phones from 1001 up.
pub(super) fn phones(count: usize) -> Vec<crate::wanted::Phone> {
    let numbers: Vec<String> = (1001..).take(count).map(|number| number.to_string()).collect();
    let all: Vec<(&str, Option<&str>)> = numbers.iter().map(|number| (number.as_str(), None)).collect();
    let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
    let enabled = u32::try_from(count).unwrap();
    fixtures::wanted(&limits(&all, enabled), &passwords(&numbers)).unwrap().phones
}

fn file(rendering: &Rendering, name: &str) -> String {
    rendering.files[name].replace(&rendering.mark, "MARK").replace(&rendering.phones_mark, "MARK")
}

#[test]
fn two_of_three_phones_are_enabled() {
    let rendering = render(&wanted([Some("Anna Alt"), None, Some("Carl")], 2), &settings());
    insta::assert_snapshot!("pjsip", file(&rendering, PJSIP));
    insta::assert_snapshot!("dialplan", file(&rendering, DIALPLAN));
    assert!(rendering.mark.starts_with(&format!("{}/", wanted([Some("Anna Alt"), None, Some("Carl")], 2).generation)));
}

#[test]
fn the_files_of_the_settings() {
    let rendering = render(&Wanted::nothing(), &settings());
    let manager = &rendering.files["manager.conf"];
    assert_eq!(manager.matches("secret = ").count(), 1);
    for name in ["asterisk.conf", "modules.conf", "rtp.conf", "logger.conf"] {
        insta::assert_snapshot!(name, file(&rendering, name));
    }
}

#[test]
fn behind_a_load_balancer_both_transports_name_its_address() {
    let mut settings = settings();
    settings.network.external_signaling = "192.0.2.7".parse::<IpAddr>().ok();
    settings.network.external_media = "192.0.2.8".parse::<IpAddr>().ok();
    settings.network.local_nets = vec!["10.0.0.0/8".into(), "fd00::/8".into()];
    insta::assert_snapshot!(
        "nothing_wanted_behind_a_load_balancer",
        file(&render(&Wanted::nothing(), &settings), PJSIP)
    );
}

#[test]
fn the_address_and_the_ports_of_the_limits_win_over_the_environment() {
    let network =
        pbx_contract::Network { external_address: "203.0.113.9".parse().ok(), rtp_first: 10_000, rtp_last: 10_027 };
    let mut settings = settings();
    settings.network.external_media = "192.0.2.8".parse::<IpAddr>().ok();
    let nowhere = render(&wanted([None; 3], 3), &settings);
    let there = render(&Wanted { network, ..wanted([None; 3], 3) }, &settings);
    let pjsip = file(&there, PJSIP);
    assert_eq!(pjsip.matches("external_signaling_address = 203.0.113.9\n").count(), 2);
    assert_eq!(pjsip.matches("external_media_address = 203.0.113.9\n").count(), 2);
    assert_eq!(file(&there, RTP), "[general]\nrtpstart = 10000\nrtpend = 10027\nicesupport = no\n");
    assert_eq!(file(&nowhere, PJSIP).matches("external_media_address = 192.0.2.8\n").count(), 2);
    assert_ne!(there.mark, nowhere.mark);
}

#[test]
fn with_a_certificate_there_is_tls_and_audio_may_be_encrypted() {
    let certificate = Certificate { chain: "CHAIN".into(), key: "KEY".into(), until: jiff::Timestamp::MAX };
    let rendering = render(&Wanted { certificate: Some(certificate), ..wanted([None; 3], 1) }, &settings());
    let pjsip = file(&rendering, PJSIP);
    assert!(pjsip.contains(
        "\n[tls]\ntype = transport\nprotocol = tls\nbind = 0.0.0.0:5061\nallow_reload = yes\nmethod = tlsv1_2\n\
         cert_file = /etc/asterisk/tls.crt\npriv_key_file = /etc/asterisk/tls.key\n"
    ));
    assert_eq!(pjsip.matches("media_encryption = sdes\nmedia_encryption_optimistic = yes\n").count(), 3);
    assert_eq!((file(&rendering, "tls.crt"), file(&rendering, "tls.key")), ("CHAIN".into(), "KEY".into()));
}

#[test]
fn a_phone_of_which_it_is_required_goes_encrypted_with_a_certificate_and_without() {
    for tls in [false, true] {
        let certificate =
            tls.then(|| Certificate { chain: "CHAIN".into(), key: "KEY".into(), until: jiff::Timestamp::MAX });
        let mut wanted = Wanted { certificate, ..wanted([None; 3], 3) };
        wanted.phones[1].encryption = MediaEncryption::Required;
        let rendering = render(&wanted, &settings());
        let pjsip = file(&rendering, PJSIP);
        let optimistic = |word: &str| pjsip.matches(&format!("media_encryption_optimistic = {word}\n")).count();
        assert_eq!((optimistic("no"), optimistic("yes")), (1, if tls { 2 } else { 0 }), "{pjsip}");
        assert_eq!(pjsip.matches("media_encryption = sdes\n").count(), if tls { 3 } else { 1 });
    }
}

#[test]
fn while_suspended_no_phone_may_call_but_each_stays_registered() {
    let suspended = Wanted { suspended: true, ..wanted([None; 3], 3) };
    let pjsip = file(&render(&suspended, &settings()), PJSIP);
    assert!(!pjsip.contains("context = phones"));
    assert_eq!(pjsip.matches("max_contacts = 1\n").count(), 3);
}

#[test]
fn a_new_password_alone_gives_a_new_mark() {
    let file = limits(&[("101", None)], 1);
    let mut other = passwords(&["101"]);
    other.0.insert("101".into(), b"new".to_vec());
    let [old, new] =
        [passwords(&["101"]), other].map(|all| render(&fixtures::wanted(&file, &all).unwrap(), &settings()));
    assert_ne!(old.mark, new.mark);
}

#[test]
fn no_file_holds_a_password() {
    let rendering = render(&wanted([None; 3], 3), &settings());
    assert!(rendering.files.values().all(|content| !content.contains("secret10")));
}

#[test]
fn three_thousand_phones_are_rendered() {
    let numbers: Vec<String> = (1000..4000).map(|n| n.to_string()).collect();
    let extensions: Vec<(&str, Option<&str>)> = numbers.iter().map(|n| (n.as_str(), Some("Name"))).collect();
    let all: Vec<&str> = numbers.iter().map(String::as_str).collect();
    let wanted = fixtures::wanted(&limits(&extensions, 3000), &passwords(&all)).unwrap();
    assert_eq!(render(&wanted, &settings()).files[PJSIP].matches("type = aor").count(), 3000);
}

/// Text that means something to one of the parsers, mixed with anything.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\n[evil]\ntype = endpoint\n".to_owned()),
        Just("\r\nexten => 9,1,System(id)".to_owned()),
        Just("\" <9999>".to_owned()),
        Just("#include /etc/passwd\n".to_owned()),
        Just("\n#exec /bin/sh\n".to_owned()),
        Just(";--".to_owned()),
        Just("${SHELL(id)}".to_owned()),
        Just("=>".to_owned()),
        Just(",)".to_owned()),
        Just("\\".to_owned()),
        any::<String>(),
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn a_name_changes_nothing_but_the_value_of_its_caller_id(name in hostile()) {
        let plain = render(&wanted([None; 3], 2), &settings());
        let named = render(&wanted([None, Some(&name), None], 2), &settings());
        prop_assert_eq!(file(&plain, DIALPLAN), file(&named, DIALPLAN));
        let [plain, named] = [file(&plain, PJSIP), file(&named, PJSIP)];
        prop_assert_eq!(plain.lines().count(), named.lines().count());
        prop_assert!(!named.contains(['\r', '\0']));
        for (before, after) in plain.lines().zip(named.lines()) {
            if before == "callerid = <102>" {
                let name = after.strip_prefix("callerid = ").and_then(|rest| rest.strip_suffix("<102>"));
                prop_assert!(name.is_some_and(is_quoted_or_empty), "{}", after);
            } else {
                prop_assert_eq!(before, after);
            }
        }
    }
}

fn is_quoted_or_empty(name: &str) -> bool {
    let inside = name.trim_end().strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    name.is_empty() || inside.is_some_and(|text| !text.contains([';', '"', '\\', '<', '>', '$', '{', '}']))
}
