//! A chain that was changed step by step is the chain of the names that are there.

use std::collections::BTreeMap;

use ecqx_domain::hostname::Label;
use proptest::prelude::*;

use super::*;
use crate::{
    dnssec::{Key, Keyring, Tick, algorithm::Algorithm, key::Times, tick::TICK},
    zone::{Zone, tests},
};

const NOW: u64 = 1_795_810_000;

fn signing(tick: u64) -> Arc<Signing> {
    let key = Key::of(Algorithm::Ed25519, &[7; 32], true, Times::ALWAYS).unwrap();
    let tick = Tick::of(NOW + tick * TICK);
    Arc::new(Signing::new(&Keyring::new([key]), tick, tests::zone(&[]).wire_origin()).unwrap())
}

/// All that a signed zone holds as texts: chain, signatures of the chain, signatures of the branches.
fn whole(zone: &Zone) -> Vec<String> {
    let mut all = Vec::new();
    for (hash, link) in zone.chain().unwrap().links() {
        all.push(format!("{hash:?} {:?}", link.records(hash, zone.wire_origin())));
    }
    for (label, branch) in zone.branches() {
        for (part, node) in branch.nodes() {
            for set in node.sets() {
                all.push(format!("{label:?} {part:?} {:?}", branch.signature(&zone.top(label), part, set)));
            }
        }
    }
    all
}

#[derive(Clone, Debug)]
enum Step {
    Serve(u8, u8),
    Remove(u8),
    Tick(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..12_u8, 0..250_u8).prop_map(|(name, last)| Step::Serve(name, last)),
        2 => (0..12_u8).prop_map(Step::Remove),
        1 => (0..60_u64).prop_map(Step::Tick),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 30, ..ProptestConfig::default() })]

    #[test]
    fn the_way_to_a_signed_zone_leaves_no_trace_in_it(steps in proptest::collection::vec(step(), 1..40)) {
        let text = "www CNAME pbx-1\nchild NS ns.child\nns.child A 203.0.113.99\n*.wild TXT w";
        let (mut zone, mut held, mut tick) = (tests::zone_with(text, &[]), BTreeMap::new(), 0);
        zone = zone.resigned(Some(&signing(0)), 1).unwrap();
        for step in steps {
            let serial = zone.serial() + 1;
            let label = |name| Label::parse(&format!("pbx-{name}")).unwrap();
            let change = |name, last: Option<u8>| {
                let published = last.map(|last| tests::published(label(name).as_str(), &[&format!("203.0.113.{last}")]));
                (label(name), published)
            };
            zone = match step {
                Step::Serve(name, last) => {
                    held.insert(name, last);
                    zone.changed([change(name, Some(last))], serial).unwrap()
                }
                Step::Remove(name) => {
                    held.remove(&name);
                    zone.changed([change(name, None)], serial).unwrap()
                }
                Step::Tick(at) => {
                    tick = at;
                    zone.resigned(Some(&signing(at)), serial).unwrap()
                }
            };
        }
        let instances: Vec<_> =
            held.iter().map(|(name, last)| tests::published(&format!("pbx-{name}"), &[&format!("203.0.113.{last}")])).collect();
        let anew = tests::zone_with(text, &instances).resigned(Some(&signing(tick)), zone.serial()).unwrap();
        prop_assert_eq!(whole(&zone), whole(&anew));
    }
}

#[test]
fn a_zone_that_is_signed_no_more_is_as_it_was() {
    let plain = tests::zone(&[tests::published("a", &["203.0.113.1"])]);
    let signed = plain.resigned(Some(&signing(0)), 1001).unwrap();
    let again = signed.resigned(None, 1002).unwrap();
    assert!(signed.is_signed() && !again.is_signed());
    assert_eq!(plain.branches(), again.branches());
    assert_ne!(plain.branches(), signed.branches());
}
