//! Hostile texts through the renderer, judged by a model of Asterisk's parser: none changes the meaning of a file.
//!
//! `ECQX_FUZZ_TEXTS` says how many (`make fuzz-pbx`), `ECQX_FUZZ_SEED` where they begin. The model is compared with Asterisk itself in
//! `tests/tests/pbx/fuzz.rs`, which also has Asterisk judge the same batches.

#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use batch::{Batch, JUDGED};

mod batch;
mod config_text;
mod hostile;

/// Extensions of one batch: the most that a PBX has.
const EXTENSIONS: u32 = 3000;
/// Texts in a run that does not say; some seconds.
const TEXTS: usize = 30_000;

fn number<N: std::str::FromStr>(name: &str) -> Option<N> {
    std::env::var(name).ok().and_then(|value| value.parse().ok())
}

#[test]
fn no_hostile_text_changes_the_meaning_of_a_file() {
    let most: usize = number("ECQX_FUZZ_TEXTS").unwrap_or(TEXTS);
    let (seed, done) = (AtomicU64::new(number("ECQX_FUZZ_SEED").unwrap_or(1)), AtomicUsize::new(0));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while done.load(Ordering::Relaxed) < most {
                    let seed = seed.fetch_add(1, Ordering::Relaxed);
                    done.fetch_add(judge(seed), Ordering::Relaxed);
                }
            });
        }
    });
    println!("{} hostile texts, judged by the model", done.into_inner());
}

fn judge(seed: u64) -> usize {
    let batch = Batch::new(seed, EXTENSIONS);
    for name in JUDGED {
        let read = config_text::parse(batch.file(name).as_bytes())
            .unwrap_or_else(|fault| panic!("seed {seed}: {name}: {fault:?}"));
        let plain = config_text::parse(batch.plain(name).as_bytes()).unwrap();
        batch.judge(name, &read, &plain).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    }
    batch.texts()
}
