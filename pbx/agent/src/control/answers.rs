//! Reads what Asterisk's commands print. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::render::{dialplan::MARK_VARIABLE, signals::CONFERENCE_POOL};

/// `core show channels count` and `group show channels`: the calls in progress. Each participant of a conference has a local channel
/// that is a call to Asterisk, and one of its own unless it was put through. Two who were connected by an attended transfer are none to
/// Asterisk, which counts callers. So the figure may be too small by those, but is never below the participants, and never none while
/// there are channels.
pub fn active_calls(channels: &str, groups: &str) -> Option<u32> {
    let participants = places(groups, CONFERENCE_POOL);
    let any = u32::from(active_channels(channels)? > 0);
    count_of("active call", channels).map(|calls| calls.saturating_sub(participants).max(participants).max(any))
}

/// `core show channels count`: the legs of the calls in progress, those that still ring too.
pub fn active_channels(answer: &str) -> Option<u32> {
    count_of("active channel", answer)
}

fn count_of(wanted: &str, answer: &str) -> Option<u32> {
    answer.lines().find_map(|line| {
        let (count, what) = line.trim().split_once(' ')?;
        what.starts_with(wanted).then(|| count.parse().ok())?
    })
}

/// `group show channels`: the places that are taken in a pool.
pub fn places(answer: &str, pool: &str) -> u32 {
    let rows = answer.lines().filter(|line| line.split_whitespace().nth(2) == Some(pool));
    u32::try_from(rows.count()).unwrap_or(u32::MAX)
}

/// `mixmonitor list`: how many recordings of the channel run, a line with an address and a file for each.
pub fn recordings(answer: &str) -> usize {
    answer.lines().filter(|line| line.starts_with("0x")).count()
}

/// `pjsip list contacts`: the extensions that have a registered phone.
pub fn registered(answer: &str) -> BTreeSet<&str> {
    let contacts = answer.lines().filter_map(|line| line.trim().strip_prefix("Contact:"));
    contacts.filter_map(|rest| rest.trim().split_once('/')).map(|(number, _)| number).filter(|n| is_number(n)).collect()
}

/// `pjsip list contacts`: extension and contact of each registered phone.
pub fn contacts(answer: &str) -> Vec<(&str, &str)> {
    let rows = answer.lines().filter_map(|line| line.trim().strip_prefix("Contact:"));
    let pairs = rows.filter_map(|rest| rest.split_whitespace().next()?.split_once('/'));
    pairs.filter(|(number, _)| is_number(number)).collect()
}

/// `database show registrar`: the addresses from which phones have registered. Asterisk puts them in the contacts (`rewrite_contact`),
/// and here alone prints those whole.
pub fn contact_addresses(answer: &str) -> BTreeSet<IpAddr> {
    #[derive(serde::Deserialize)]
    struct Contact {
        uri: String,
    }
    let contacts = answer.lines().filter_map(|line| serde_json::from_str(line.get(line.find('{')?..)?.trim()).ok());
    contacts.filter_map(|contact: Contact| address(&contact.uri)).collect()
}

/// The address in `sip:101@192.0.2.1:5060`; what follows it may be a semicolon, which Asterisk writes as `^3B` there.
fn address(uri: &str) -> Option<IpAddr> {
    let (_, host) = uri.split_once('@')?;
    match host.strip_prefix('[') {
        Some(host) => host.split(']').next()?.parse().ok(),
        None => host.split([':', ';', '^', '>', '?']).next()?.parse().ok(),
    }
}

/// `pjsip list aors`: how many phones each extension may register.
pub fn addresses(answer: &str) -> BTreeMap<&str, u32> {
    let rows = answer.lines().filter_map(|line| line.trim().strip_prefix("Aor:"));
    let pairs = rows.filter_map(|rest| {
        let mut words = rest.split_whitespace();
        Some((words.next()?, words.next()?.parse().ok()?))
    });
    pairs.filter(|(number, _)| is_number(number)).collect()
}

/// `pjsip list endpoints`: the extensions that have an endpoint.
pub fn endpoints(answer: &str) -> BTreeSet<&str> {
    let rows = answer.lines().filter_map(|line| line.trim().strip_prefix("Endpoint:"));
    let names = rows.filter_map(|rest| rest.split_whitespace().next()).filter_map(|word| word.split('/').next());
    names.filter(|name| is_number(name)).collect()
}

/// `dialplan show globals`: the mark of the dialplan.
pub fn dialplan_mark(answer: &str) -> Option<&str> {
    answer.lines().find_map(|line| line.trim().strip_prefix(MARK_VARIABLE)?.strip_prefix('='))
}

/// `pjsip show endpoint anonymous`: the mark of the phones' file.
pub fn pjsip_mark(answer: &str) -> Option<&str> {
    answer
        .lines()
        .find_map(|line| Some(line.trim().strip_prefix("callerid_tag")?.trim_start().strip_prefix(':')?.trim()))
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channels_recordings_are_the_lines_with_an_address() {
        let answer =
            "MixMonitor ID\tFile\tReceive File\tTransmit File\n==========\n0x7f2c\t/r/1\t\t\n0x7f2d\t/r/2\t\t\n";
        assert_eq!((recordings(answer), recordings("No channel matching 'PJSIP/101-1' found.\n")), (2, 0));
    }

    #[test]
    fn calls_are_counted_not_channels() {
        assert_eq!(active_calls("2 active channels\n1 active call\n7 calls processed\n", ""), Some(1));
        assert_eq!(active_channels("2 active channels\n1 active call\n"), Some(2));
        assert_eq!(active_calls("0 active channels\n0 active calls\n0 calls processed\n", ""), Some(0));
        assert_eq!(active_calls("No such command", ""), None);
        assert_eq!(active_calls("2 active channels\n0 active calls\n", ""), Some(1), "both were called, and connected");
        let rooms = "Local/801@rooms-1;2 place conference\nLocal/801@rooms-2;2 place conference\n";
        assert_eq!(active_calls("8 active channels\n5 active calls\n", rooms), Some(3), "two in a room and a call");
        assert_eq!(active_calls("4 active channels\n2 active calls\n", rooms), Some(2), "both were put through");
    }

    #[test]
    fn places_are_counted_by_pool() {
        let answer = "Channel                    Group                 Category            \n\
                      PJSIP/101-00000004         place                 recording           \n\
                      PJSIP/102-00000005         place                 conference          \n\
                      PJSIP/101-00000002         place                 recording           \n3 active channels\n";
        assert_eq!((places(answer, "recording"), places(answer, "conference"), places("", "recording")), (2, 1, 0));
    }

    #[test]
    fn a_contact_counts_for_its_extension() {
        let answer = "\n  Contact:  <Aor/ContactUri....> <Hash....> <Status> <RTT(ms)..>\n=====\n\n  \
                      Contact:  101/sip:101@127.0.0.1:6001        c55b890eec NonQual        -nan\n\nObjects found: 1\n";
        assert_eq!(registered(answer).into_iter().collect::<Vec<_>>(), ["101"]);
        assert_eq!(contacts(answer), [("101", "sip:101@127.0.0.1:6001")]);
    }

    #[test]
    fn addresses_have_their_number_of_contacts() {
        let answer =
            "\n      Aor:  <Aor....>  <MaxContact>\n====\n\n      Aor:  101          1\n      Aor:  106       0\n";
        assert_eq!(addresses(answer), BTreeMap::from([("101", 1), ("106", 0)]));
    }

    #[test]
    fn endpoints_are_listed_without_the_stranger() {
        let answer = " Endpoint:  <Endpoint/CID....>  <State.....>  <Channels.>\n Endpoint:  101/101   Not in use    0 of inf\n \
                      Endpoint:  102    Unavailable 0 of inf\n Endpoint:  anonymous    Unavailable   0 of inf\n";
        assert_eq!(endpoints(answer).into_iter().collect::<Vec<_>>(), ["101", "102"]);
    }

    #[test]
    fn both_marks_are_found() {
        assert_eq!(dialplan_mark("   ECQX_RENDERED=gen1/abc\n\n    -- 1 variable(s)\n"), Some("gen1/abc"));
        let answer = " callerid_privacy     : allowed_not_screened\n callerid_tag                       : gen1/abc\n";
        assert_eq!(pjsip_mark(answer), Some("gen1/abc"));
    }

    #[test]
    fn the_addresses_of_phones_are_in_the_contacts_of_the_database() {
        // The user part of one and what another calls itself look like something else.
        let answer = r#"/registrar/contact/101;@5a2c : {"via_addr":"198.51.100.9","uri":"sip:101@192.0.2.1:5060^3Btransport=udp"}
/registrar/contact/102;@77 : {"user_agent":"\"uri\":\"sip:x@198.51.100.1\"","uri":"sip:102-0x7f@[2001:db8::1]:5060"}
/registrar/contact/103;@78 : {"uri":"sips:103@192.0.2.3"}
/registrar/contact/104;@79 : {"uri":"sip:104@example.com"}
3 results found.
"#;
        let expected = ["192.0.2.1", "192.0.2.3", "2001:db8::1"].map(|ip| ip.parse().unwrap());
        assert_eq!(contact_addresses(answer), expected.into());
    }
}
