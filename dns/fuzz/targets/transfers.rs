//! A request for the zone, with edits.
#![no_main]
#![allow(dead_code)] // each target holds one of the properties

#[path = "../../tests/hostile/properties.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| properties::transfers(&properties::message(octets)));
