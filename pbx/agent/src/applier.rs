//! Brings what is mounted into Asterisk: read, render, write, reload, confirm. Does I/O.
//!
//! Each round starts from what is there, so a round that was missed or failed is made up for by the next one.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::certificate::CHAIN;
use crate::control::{Control, ControlError, answers};
use crate::events::Events;
use crate::files::{self, WriteError};
use crate::metrics::Applying;
use crate::render::{self, DIALPLAN, PJSIP, QUEUES, RTP, Rendering, Settings, VOICEMAIL};
use crate::source::{Source, SourceError};
use crate::status::{Applied, Shared};
use crate::throttle::{self, wall};
use crate::wanted::Wanted;

use told::Told;

mod told;

/// A reload of 3000 extensions takes a few seconds.
const RELOAD_LIMIT: Duration = Duration::from_mins(1);
const QUESTION_LIMIT: Duration = Duration::from_secs(10);

/// Why a round ended early.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// What is mounted cannot be applied.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A rendered file could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Asterisk did not answer.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// Asterisk runs with something else than was rendered.
    #[error("Asterisk has not taken {what} of generation {generation}; its log says why, and it is tried again")]
    NotTaken {
        /// Which part.
        what: &'static str,
        /// The wanted generation.
        generation: String,
    },
    /// The blocking part was cancelled, as it is when the runtime stops.
    #[error("reading and rendering was cut short: {0}")]
    Cut(#[from] tokio::task::JoinError),
}

/// Applies rounds, one at a time.
#[derive(Debug)]
pub struct Applier {
    settings: Arc<Settings>,
    source: Source,
    control: Control,
    status: Shared,
    applying: Arc<Applying>,
    told: Told,
    /// Reload all in the next round, for Asterisk has not taken the files that are there.
    again: bool,
}

impl Applier {
    /// For one Asterisk.
    pub fn new(
        settings: Settings,
        source: Source,
        control: &Control,
        status: &Shared,
        applying: &Arc<Applying>,
        events: &Events,
    ) -> Self {
        let (settings, control, status) = (Arc::new(settings), control.clone(), status.clone());
        let (applying, told) = (Arc::clone(applying), Told::new(events.clone()));
        Self { settings, source, control, status, applying, told, again: false }
    }

    /// Writes the files that Asterisk starts with. When nothing valid is mounted, files from before a restart of the
    /// container stay, and with none there Asterisk lets nobody in.
    ///
    /// # Errors
    /// When a file or directory cannot be written: Asterisk could not start.
    pub async fn prepare(&self) -> Result<(), ApplyError> {
        let (source, settings) = (self.source.clone(), Arc::clone(&self.settings));
        Ok(tokio::task::spawn_blocking(move || write_first(&source, &settings)).await??)
    }

    /// One round; its outcome is in the shared status.
    pub async fn round(&mut self) {
        let outcome = self.try_round().await;
        self.again = outcome.is_err() && self.status.borrow().booted;
        self.told.outcome(&outcome);
        let problem = outcome.err().map(|error| error.to_string());
        if let Some(problem) = &problem
            && self.status.borrow().problem.as_ref() != Some(problem)
        {
            tracing::warn!(problem, "the newest limits are not applied");
        }
        self.status.send_modify(|status| status.problem = problem);
    }

    async fn try_round(&mut self) -> Result<(), ApplyError> {
        if !self.is_booted().await {
            return Ok(());
        }
        let begun = Instant::now();
        let (wanted, rendering, written) = self.write().await?;
        self.told.certificate(&wanted, jiff::Timestamp::now());
        let applied = self.status.borrow().applied.as_ref().is_some_and(|applied| applied.mark == rendering.mark);
        if applied && written.is_empty() && !self.again {
            return Ok(());
        }
        self.reload(&written).await?;
        self.confirm(&wanted, &rendering).await?;
        self.applying.took(begun.elapsed());
        self.told.applied(&wanted, begun.elapsed());
        tracing::info!(generation = wanted.generation, reloaded = ?written, "limits applied");
        let enabled = wanted.enabled().into_iter().map(str::to_owned).collect();
        let (generation, sips) = (wanted.generation.clone(), wanted.certificate.is_some());
        let applied = Applied { generation, mark: rendering.mark, enabled, sips, wanted: Arc::new(wanted) };
        self.status.send_modify(|status| status.applied = Some(applied));
        Ok(())
    }

    /// True until Asterisk has booted.
    pub fn is_waiting(&self) -> bool {
        !self.status.borrow().booted
    }

    async fn is_booted(&mut self) -> bool {
        if self.status.borrow().booted {
            return true;
        }
        let answer = self.control.run("core waitfullybooted", QUESTION_LIMIT).await;
        let booted = answer.is_ok_and(|text| text.contains("fully booted"));
        if booted {
            let seconds = self.status.borrow().started.elapsed().as_secs_f32();
            tracing::info!(seconds, "Asterisk is booted");
            self.told.booted(self.status.borrow().started.elapsed());
            self.status.send_modify(|status| status.booted = true);
        }
        booted
    }

    async fn write(&self) -> Result<(Wanted, Rendering, Vec<&'static str>), ApplyError> {
        let (source, settings) = (self.source.clone(), Arc::clone(&self.settings));
        let work = move || -> Result<_, ApplyError> {
            let wanted = source.read()?;
            let rendering = render::render(&wanted, &settings);
            let written = files::write_changed(&settings.directories.config, &rendering.files)?;
            Ok((wanted, rendering, written))
        };
        tokio::task::spawn_blocking(work).await?
    }

    /// The phones first: who has lost a seat may not subscribe again, and who has a new one finds no hints, until the dialplan ends what
    /// the old one watched. Either order leaves a moment in which a call gets 404 or 480, and none in which a disabled phone may call, for
    /// its endpoint decides.
    async fn reload(&self, written: &[&'static str]) -> Result<(), ControlError> {
        let commands = [
            (RTP, "module reload res_rtp_asterisk.so"),
            (PJSIP, "module reload res_pjsip.so"),
            // Endpoints are as they were then: only the transport takes the new certificate.
            (CHAIN, "module reload res_pjsip.so"),
            (VOICEMAIL, "voicemail reload"),
            (QUEUES, "queue reload all"),
            (DIALPLAN, "dialplan reload"),
        ];
        for (file, command) in commands {
            if self.again || written.contains(&file) {
                self.control.run(command, RELOAD_LIMIT).await?;
            }
        }
        Ok(())
    }

    /// Asks Asterisk what it runs with: a reload says nothing about what it left out.
    async fn confirm(&self, wanted: &Wanted, rendering: &Rendering) -> Result<(), ApplyError> {
        let not_taken = |what| ApplyError::NotTaken { what, generation: wanted.generation.clone() };
        let answer = self.control.run("dialplan show globals", QUESTION_LIMIT).await?;
        if answers::dialplan_mark(&answer) != Some(&rendering.mark) {
            return Err(not_taken("the dialplan"));
        }
        let answer = self.control.run("pjsip show endpoint anonymous", QUESTION_LIMIT).await?;
        if answers::pjsip_mark(&answer) != Some(&rendering.phones_mark) {
            return Err(not_taken("the phones"));
        }
        let answer = self.control.run("pjsip list endpoints", QUESTION_LIMIT).await?;
        let numbers: BTreeSet<&str> = wanted.phones.iter().map(|phone| phone.number.as_str()).collect();
        if answers::endpoints(&answer) != numbers {
            return Err(not_taken("each endpoint"));
        }
        let answer = self.control.run("pjsip list aors", QUESTION_LIMIT).await?;
        let contacts = wanted.phones.iter().map(|phone| (phone.number.as_str(), phone.contacts));
        if answers::addresses(&answer) != contacts.collect() {
            return Err(not_taken("each address"));
        }
        Ok(())
    }
}

/// The applier's directories that a change arrives in.
pub fn watched(source: &Source) -> Vec<PathBuf> {
    let tls = Some(source.tls.mounted.clone()).filter(|dir| dir.is_dir());
    [source.limits_dir.clone(), source.passwords_dir.clone()].into_iter().chain(tls).collect()
}

/// Writes what Asterisk starts with.
fn write_first(source: &Source, settings: &Settings) -> Result<(), WriteError> {
    let at = &settings.directories;
    for dir in [at.config.clone(), at.run.join("log"), at.data.join("astdb"), at.data.join("spool"), at.recordings()] {
        files::ensure_dir(&dir)?;
    }
    files::write_changed(&at.config, &[(wall::FILE, throttle::render(std::iter::empty()))].into())?;
    match source.read() {
        Ok(wanted) => files::write_changed(&at.config, &render::render(&wanted, settings).files)?,
        Err(error) => {
            tracing::warn!(%error, "nothing valid is mounted yet");
            let mut files = render::render(&Wanted::nothing(), settings).files;
            // What was in force stays, all of it: a part of it beside a part of nothing is a PBX that nobody has asked for.
            let in_force = [PJSIP, DIALPLAN, VOICEMAIL, QUEUES, RTP];
            files.retain(|name, _| !in_force.contains(name) || !at.config.join(name).exists());
            files::write_changed(&at.config, &files)?
        }
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{render::tests::settings, source::TlsDirs};

    #[test]
    fn with_nothing_valid_mounted_all_that_was_in_force_stays_and_what_is_missing_is_made() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let mut settings = settings();
        (settings.directories.config, settings.directories.run, settings.directories.data) =
            (at("config"), at("run"), at("data"));
        let tls = TlsDirs { mounted: at("none"), in_force: at("none") };
        let source = Source { limits_dir: at("none"), passwords_dir: at("none"), tls };
        write_first(&source, &settings).unwrap();
        let in_force = [PJSIP, DIALPLAN, VOICEMAIL, QUEUES, RTP].map(|name| at("config").join(name));
        assert!(in_force.iter().all(|file| file.exists()), "Asterisk starts with nothing before");
        for file in &in_force {
            std::fs::write(file, "; of before").unwrap();
        }
        write_first(&source, &settings).unwrap();
        for file in &in_force {
            assert_eq!(std::fs::read_to_string(file).unwrap(), "; of before", "{}", file.display());
        }
    }
}
