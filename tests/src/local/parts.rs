//! All parts of one cluster: starts them one by one, notes each in the record, waits for them, tells when one has ended.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use super::{
    layout::Layout,
    part::{Part, Recipe},
    record::Record,
};

/// How long any one part may take until it is ready. Far more than it takes on an idle machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// The started parts.
#[derive(Debug)]
pub(super) struct Parts {
    /// The cluster's files.
    pub(super) layout: Layout,
    /// What is to be undone.
    pub(super) record: Record,
    started: Vec<(Recipe, Part)>,
    since: Instant,
}

impl Parts {
    pub(super) fn new(layout: Layout, record: Record) -> Self {
        Self { layout, record, started: Vec::new(), since: Instant::now() }
    }

    /// Starts one part.
    pub(super) fn start(&mut self, recipe: Recipe) -> Result<()> {
        let part = recipe.start(&self.layout)?;
        self.record.note_part(part.name, part.pid())?;
        self.started.push((recipe, part));
        Ok(())
    }

    /// Tells the user, on standard error, what is up by now.
    pub(super) fn tell(&self, what: &str) {
        eprintln!("{what} {:.1}s", self.since.elapsed().as_secs_f32());
    }

    /// Fails when a part has ended, with its last words.
    pub(super) fn check(&mut self) -> Result<()> {
        for (_, part) in &mut self.started {
            if let Some(status) = part.ended() {
                bail!("{} ended with {status}\n{}", part.name, part.last_words());
            }
        }
        Ok(())
    }

    /// Waits until `ready` holds, which is looked at again and again while all parts live. `part` is blamed when it never does.
    pub(super) async fn wait<F: Future<Output = bool>>(&mut self, part: &str, ready: impl Fn() -> F) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !ready().await {
            self.check()?;
            if Instant::now() > deadline {
                let log = self.layout.log_of(part);
                bail!("{part} was not ready after {} s\n{}", PATIENCE.as_secs(), super::part::last_lines(&log, 12));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Kills one part, by name, for tests of an outage. It is then no longer missed by [`Self::check`].
    pub(super) async fn stop(&mut self, name: &str) -> Result<Recipe> {
        let at = self.started.iter().position(|(recipe, _)| recipe.name == name);
        let (recipe, mut part) = self.started.remove(at.with_context(|| format!("no part called {name} runs here"))?);
        part.kill().await?;
        Ok(recipe)
    }

    /// Kills all parts, the last started first, and collects them. What they themselves have started is the sweep's.
    pub(super) async fn end(&mut self) {
        while let Some((recipe, mut part)) = self.started.pop() {
            if let Err(error) = part.kill().await {
                // The sweep tries again, and tells when it cannot either.
                eprintln!("{}: {error:#}", recipe.name);
            }
        }
    }
}
