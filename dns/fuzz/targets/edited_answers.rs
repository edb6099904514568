//! A message as clients send it, with edits.
#![no_main]
#![allow(dead_code)] // each target holds one of the properties

#[path = "../../tests/hostile/properties.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    properties::answers(&properties::message(octets));
});
