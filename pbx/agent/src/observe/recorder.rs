//! Puts recordings right after transfers, as [`super::moved`] judges. Does I/O (asks Asterisk).

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use pbx_contract::Recording;
use pbx_contract::event::SystemEvent;

use super::moved::{Channel, Found, Moved, Party, Step, Wish, has_lost, judge};
use crate::ami::{Action, Ami, AmiError};
use crate::control::{Control, ControlError};
use crate::events::Events;
use crate::render::{recording, signals};
use crate::status::Shared;

/// Asterisk answers what is asked here in a moment; taking a place may have to wait for the lock.
const ANSWER: Duration = Duration::from_secs(4);

/// What it takes to begin a recording and to end one.
#[derive(Debug)]
pub struct Recorder {
    /// Of whom it asks.
    pub ami: Ami,
    /// Where a recording is begun.
    pub control: Control,
    /// Who wants all calls recorded.
    pub status: Shared,
    /// Where events go.
    pub events: Events,
    /// Where recordings lie.
    pub directory: PathBuf,
}

/// Asterisk did not do it.
#[derive(Debug, thiserror::Error)]
pub enum RecorderError {
    /// As the manager interface says.
    #[error(transparent)]
    Ami(#[from] AmiError),
    /// As the control socket says.
    #[error(transparent)]
    Control(#[from] ControlError),
}

impl Recorder {
    /// Looks for those that were moved, and puts right what can be judged by now.
    pub async fn put_right(&self, moved: &mut Moved) {
        let Ok(answer) = self.ami.request(Action::new("CoreShowChannels")).await else { return };
        for found in moved.find(&answer.rows) {
            let done = match &found {
                Found::Call(parties) => self.call(parties).await,
                Found::Alone(channel) => self.alone(channel).await,
            };
            // A party that has hung up meanwhile is the usual cause, and leaves nothing to be put right.
            if let Err(error) = done {
                tracing::debug!(%error, ?found, "a transferred call could not be judged");
            }
        }
    }

    async fn call(&self, channels: &[Channel; 2]) -> Result<(), RecorderError> {
        let [first, second] = channels;
        let parties = [self.party(first).await?, self.party(second).await?];
        for step in judge(&parties) {
            match step {
                Step::Stop(at) => self.stop(&channels[at]).await?,
                Step::Start(at) => self.start(&channels[at], [first, second]).await?,
            }
        }
        Ok(())
    }

    async fn alone(&self, channel: &Channel) -> Result<(), RecorderError> {
        if has_lost(self.party(channel).await?) { self.stop(channel).await } else { Ok(()) }
    }

    /// A place is taken before a recording begins, and freed after its end: read in this order, none seems to be without.
    async fn party(&self, channel: &Channel) -> Result<Party, RecorderError> {
        let recordings = self.control.recordings_of(&channel.name, ANSWER).await?;
        let place = place();
        let (asked, placed) = tokio::try_join!(self.ask(channel, recording::RUNS), self.ask(channel, &place))?;
        let asked = asked.as_deref() == Some(recording::ON_DEMAND);
        Ok(Party { wish: self.wish(channel), asked, recordings, placed: placed.is_some() })
    }

    /// By the telephone, since the variables of a channel may be those of whoever had it before.
    fn wish(&self, channel: &Channel) -> Wish {
        if channel.is_room() {
            return Wish::Never;
        }
        let status = self.status.borrow();
        let phones = status.applied.iter().flat_map(|applied| &applied.wanted.phones);
        let mut own = phones.filter(|phone| Some(phone.number.as_str()) == channel.extension());
        if own.any(|phone| phone.recording == Recording::Always) { Wish::Always } else { Wish::None }
    }

    async fn ask(&self, channel: &Channel, variable: &str) -> Result<Option<String>, AmiError> {
        let action = Action::new("Getvar").with("Channel", &channel.id).with("Variable", variable);
        let answer = self.ami.request(action).await?;
        Ok(answer.fields.get("Value").map(str::to_owned))
    }

    async fn set(&self, channel: &Channel, variable: &str, value: &str) -> Result<(), AmiError> {
        let action = Action::new("Setvar").with("Channel", &channel.id).with("Variable", variable).with("Value", value);
        self.ami.request(action).await.map(drop)
    }

    /// All recordings of it end before its place is free; each request ends one, and is refused when there is none.
    async fn stop(&self, channel: &Channel) -> Result<(), RecorderError> {
        loop {
            match self.ami.request(Action::new("StopMixMonitor").with("Channel", &channel.id)).await {
                Ok(_) => {}
                Err(AmiError::Refused { .. }) => break,
                Err(error) => return Err(error.into()),
            }
        }
        self.set(channel, recording::RUNS, "").await?;
        Ok(self.set(channel, &place(), "").await?)
    }

    /// A channel of our own takes the place, under the lock that all take it under, and is answered if there was one: a refusal is told of
    /// by the dialplan, and the call goes on unrecorded.
    async fn start(&self, channel: &Channel, [from, to]: [&Channel; 2]) -> Result<(), RecorderError> {
        let extension = channel.extension().unwrap_or_default();
        let action = Action::new("Originate")
            .with("Channel", format!("Local/s@{}", recording::FOR_ANOTHER))
            .with("Application", "NoOp")
            .with("Timeout", ANSWER.as_millis().to_string())
            .with("Variable", format!("{}={}", recording::OTHER, channel.id))
            .with("Variable", format!("{}={extension}", signals::EXTENSION_VARIABLE));
        if self.ami.request(action).await.is_err() {
            return Ok(());
        }
        let (from, to) = (from.extension().unwrap_or_default(), to.extension().unwrap_or_default());
        let file = format!("{}-{from}-{to}-{extension}-{}.wav", Timestamp::now().strftime(recording::TIME), channel.id);
        let begun = self.control.record(&channel.name, &self.directory.join(&file), ANSWER).await;
        // Somebody may have dialled the code meanwhile, and have given the place back.
        let party = self.party(channel).await?;
        if begun.is_err() || party.recordings != 1 || !party.placed {
            self.stop(channel).await?;
            return Ok(begun?);
        }
        self.events.raise(SystemEvent::RecordingStarted { file: file.into() });
        Ok(())
    }
}

/// The dialplan function that tells and sets the place of a channel.
fn place() -> String {
    format!("GROUP({})", signals::RECORDING_POOL)
}
