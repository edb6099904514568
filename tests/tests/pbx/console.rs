//! The call centre's console, over a real WebSocket, with real agents and calls.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use ecqx_tests::pbx::{Pbx, Phone, Ringing, Softphone, sound};
use futures::{SinkExt as _, StreamExt as _, future::try_join_all};
use pbx_contract::{Activity, AgentState, CONSOLE_PATH, CONSOLE_PORT, ConsoleMessage, ConsoleRefusal, ConsoleState};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

use super::{call_centre::files, events::events, extensions::talk, races};

const SOON: Duration = Duration::from_secs(30);

pub struct Console(WebSocketStream<TcpStream>);

impl Console {
    async fn connect(pbx: &Pbx) -> Result<Self> {
        let stream =
            pbx.inside(|| async { Ok(TcpStream::connect(("127.0.0.1", CONSOLE_PORT)).await?.into_std()?) }).await?;
        let url = format!("ws://127.0.0.1:{CONSOLE_PORT}{CONSOLE_PATH}");
        Ok(Self(client_async(url, TcpStream::from_std(stream)?).await?.0))
    }

    pub async fn login(pbx: &Pbx, number: &str) -> Result<(Self, ConsoleMessage)> {
        let mut console = Self::connect(pbx).await?;
        let login = json!({ "extension": number, "password": format!("console-of-{number}") });
        console.say(json!({ "id": 1, "do": { "login": login } })).await?;
        let answer = console.hear().await?;
        Ok((console, answer))
    }

    async fn say(&mut self, request: Value) -> Result<()> {
        Ok(self.0.send(Message::text(request.to_string())).await?)
    }

    pub async fn hear(&mut self) -> Result<ConsoleMessage> {
        loop {
            match timeout(SOON, self.0.next()).await.context("nothing was said in time")? {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text)?),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => bail!("the console was closed: {other:?}"),
            }
        }
    }

    pub async fn sees(&mut self, mut wanted: impl FnMut(&ConsoleState) -> bool) -> Result<ConsoleState> {
        loop {
            if let ConsoleMessage::State(state) = self.hear().await?
                && wanted(&state)
            {
                return Ok(state);
            }
        }
    }

    pub async fn done(&mut self, request: Value) -> Result<()> {
        self.say(request).await?;
        loop {
            match self.hear().await? {
                ConsoleMessage::Done { .. } => return Ok(()),
                ConsoleMessage::Refused { code, .. } => bail!("refused: {code:?}"),
                _ => {}
            }
        }
    }
}

fn agent(state: &ConsoleState) -> &AgentState {
    &state.agents[0]
}

#[tokio::test]
async fn an_agent_gets_calls_while_it_is_connected_and_its_supervisor_listens() {
    let pbx = Pbx::start(files(2)).await.unwrap();
    let phones = Phone::first(3);
    let _agent = pbx.answering(&phones[1], Duration::from_mins(1)).await.unwrap();
    let _supervisor = pbx.answering(&phones[2], Duration::from_mins(1)).await.unwrap();
    let (mut at_agent, welcome) = Console::login(&pbx, "102").await.unwrap();
    assert!(matches!(welcome, ConsoleMessage::Welcome { .. }), "{welcome:?}");
    let (mut at_supervisor, _) = Console::login(&pbx, "103").await.unwrap();
    at_supervisor.sees(|state| agent(state).activity == Activity::Free).await.unwrap();
    // All ports are taken: one more is refused, and nothing of the others changes.
    let (_, refused) = Console::login(&pbx, "102").await.unwrap();
    assert!(matches!(refused, ConsoleMessage::Refused { code: ConsoleRefusal::NoFreePort, .. }), "{refused:?}");
    assert_eq!(pbx.status().await.unwrap().usage.consoles, 2);

    at_agent.done(json!({ "id": 2, "do": { "pause": { "reason": "lunch; 1 h" } } })).await.unwrap();
    let state = at_supervisor.sees(|state| agent(state).paused).await.unwrap();
    assert_eq!(agent(&state).reason.as_deref(), Some("lunch; 1 h"));
    let waiting = pbx.begin(&talk(&phones[0], "601", 12)).unwrap();
    let state = at_supervisor.sees(|state| !state.queues[0].waiting.is_empty()).await.unwrap();
    assert_eq!(state.queues[0].waiting[0].number.as_deref(), Some("101"));
    at_agent.done(json!({ "id": 3, "do": { "resume": {} } })).await.unwrap();
    at_supervisor.sees(|state| agent(state).activity == Activity::InCall).await.unwrap();

    at_supervisor.done(json!({ "id": 4, "do": { "barge": { "extension": "102", "mode": "listen" } } })).await.unwrap();
    let answered = loop {
        if let ConsoleMessage::Barge { answered, .. } = at_supervisor.hear().await.unwrap() {
            break answered;
        }
    };
    assert!(answered);
    let channels = pbx.asterisk("core show channels concise").await.unwrap();
    let spying = channels.lines().any(|line| line.starts_with("PJSIP/103-") && line.contains("ChanSpy"));
    assert!(spying, "{channels}");
    assert!(waiting.ended().await.unwrap().success);
    at_supervisor.sees(|state| agent(state).activity == Activity::Free && agent(state).calls == 1).await.unwrap();
    drop(at_agent);
    at_supervisor.sees(|state| agent(state).activity == Activity::Away).await.unwrap();
}

#[tokio::test]
async fn of_seven_who_log_in_at_once_two_are_let_in_and_five_find_no_port_each_time() {
    let pbx = Pbx::start(files(2)).await.unwrap();
    for race in 1..=races() {
        let at_once = (0..7).map(|at| Console::login(&pbx, ["102", "103"][at % 2]));
        let logins = try_join_all(at_once).await.unwrap();
        let welcome = logins.iter().filter(|(_, answer)| matches!(answer, ConsoleMessage::Welcome { .. })).count();
        let no_port = |answer: &ConsoleMessage| {
            matches!(answer, ConsoleMessage::Refused { code: ConsoleRefusal::NoFreePort, .. })
        };
        let refused = logins.iter().filter(|(_, answer)| no_port(answer)).count();
        let answers: Vec<_> = logins.iter().map(|(_, answer)| answer).collect();
        assert_eq!((welcome, refused), (2, 5), "race {race}: {answers:?}");
        drop(logins);
        pbx.eventually("all ports are free again", async || Ok(pbx.status().await?.usage.consoles == 0)).await.unwrap();
    }
}

#[tokio::test]
async fn asterisk_that_is_killed_has_its_agents_back() {
    let pbx = Pbx::start(files(1)).await.unwrap();
    let _agent = pbx.answering(&Phone::of("102"), Duration::from_mins(1)).await.unwrap();
    let (mut console, _) = Console::login(&pbx, "102").await.unwrap();
    let outcome = console.done(json!({ "id": 2, "do": { "pause": { "reason": "lunch" } } })).await;
    assert!(outcome.is_ok(), "{outcome:?}: {}\n{}", pbx.log().unwrap(), pbx.asterisk("queue show 601").await.unwrap());
    let asterisk = nix::unistd::Pid::from_raw(pbx.process("asterisk").unwrap());
    nix::sys::signal::kill(asterisk, nix::sys::signal::Signal::SIGKILL).unwrap();
    pbx.eventually("the agent is back in its queue, paused", async || {
        let shown = pbx.asterisk("queue show 601").await?;
        Ok(shown.contains("PJSIP/102") && shown.contains("paused"))
    })
    .await
    .unwrap();
}

/// What the caller, the agent and the supervisor speak by.
const TONES: [sound::Hertz; 3] = [440, 1000, 1500];

/// Which of the three tones were in the last half second that it heard. What is neither there nor away is an error.
fn hears(phone: &Ringing) -> Result<[bool; 3]> {
    let samples = phone.heard()?;
    let last = &samples[samples.len().saturating_sub(4000)..];
    let mut heard = [false; 3];
    for (heard, tone) in heard.iter_mut().zip(TONES) {
        let share = sound::share(last, tone);
        *heard = share > 0.1;
        ensure!(*heard || share < 0.02, "{share} of what is heard is {tone} Hz");
    }
    Ok(heard)
}

#[tokio::test]
async fn who_listens_is_not_heard_who_whispers_by_the_agent_alone_and_who_joins_by_both() {
    let pbx = Pbx::start(files(2)).await.unwrap();
    let phone = |index: usize| Softphone::new(Phone::first(3).swap_remove(index), TONES[index]);
    let mut caller = pbx.softphone(&phone(0)).await.unwrap();
    let agent_phone = pbx.softphone(&phone(1)).await.unwrap();
    let mut supervisor = pbx.softphone(&phone(2)).await.unwrap();
    let (_at_agent, _) = Console::login(&pbx, "102").await.unwrap();
    let (mut console, _) = Console::login(&pbx, "103").await.unwrap();
    caller.dial("601").await.unwrap();
    let talk = async || Ok(hears(&caller)? == [false, true, false] && hears(&agent_phone)? == [true, false, false]);
    pbx.eventually("caller and agent hear each other", talk).await.unwrap();
    console.sees(|state| agent(state).activity == Activity::InCall).await.unwrap();

    for (mode, by_caller, by_agent) in [("listen", false, false), ("whisper", false, true), ("join", true, true)] {
        console.done(json!({ "id": 4, "do": { "barge": { "extension": "102", "mode": mode } } })).await.unwrap();
        let wanted = [[false, true, by_caller], [true, false, by_agent], [true, true, false]];
        let all = || -> Result<[[bool; 3]; 3]> { Ok([hears(&caller)?, hears(&agent_phone)?, hears(&supervisor)?]) };
        let right = async || {
            let heard = all()?;
            ensure!(heard == wanted, "{heard:?}, and not {wanted:?}");
            Ok(true)
        };
        pbx.eventually(&format!("all hear what they should of a supervisor who may {mode}"), right).await.unwrap();
        // And they go on to: what comes later is another half second.
        let so_far = supervisor.heard().unwrap().len();
        let later = async || Ok(supervisor.heard()?.len() > so_far + 8000);
        pbx.eventually("a second goes by", later).await.unwrap();
        assert_eq!(all().unwrap(), wanted, "{mode}");
        supervisor.hang_up().await.unwrap();
        let gone = async || Ok(!pbx.asterisk("core show channels concise").await?.contains("PJSIP/103-"));
        pbx.eventually("the supervisor has gone", gone).await.unwrap();
        assert_eq!(pbx.status().await.unwrap().usage.active_calls, 1, "the call goes on");
    }
    let told = serde_json::to_string(&events(&pbx).await.unwrap()).unwrap();
    for mode in ["barge-listen", "barge-whisper", "barge-join"] {
        assert!(told.contains("BargeStarted") && told.contains(mode), "{mode}: {told}");
    }
}

#[tokio::test]
async fn what_an_agent_speaks_of_after_the_queues_call_is_not_heard() {
    let pbx = Pbx::start(files(2)).await.unwrap();
    let phones = Phone::first(3);
    let _agent = pbx.answering(&phones[1], Duration::from_mins(2)).await.unwrap();
    let _supervisor = pbx.answering_late(&phones[2], Duration::from_mins(2)).await.unwrap();
    let (_at_agent, _) = Console::login(&pbx, "102").await.unwrap();
    let (mut console, _) = Console::login(&pbx, "103").await.unwrap();
    let of_queue = pbx.begin(&talk(&phones[0], "601", 2)).unwrap();
    console.sees(|state| agent(state).activity == Activity::InCall).await.unwrap();
    console.done(json!({ "id": 4, "do": { "barge": { "extension": "102", "mode": "listen" } } })).await.unwrap();
    assert!(of_queue.ended().await.unwrap().success);
    // The supervisor's telephone still rings.
    let _private = pbx.begin(&talk(&phones[0], "102", 25)).unwrap();
    let answered = loop {
        if let ConsoleMessage::Barge { answered, .. } = console.hear().await.unwrap() {
            break answered;
        }
    };
    assert!(answered);
    pbx.eventually("the supervisor is let go while the agent talks", async || {
        let channels = pbx.asterisk("core show channels concise").await?;
        let up = |number: &str| {
            channels.lines().any(|line| line.starts_with(&format!("PJSIP/{number}-")) && line.contains("!Up!"))
        };
        ensure!(up("101") && up("102") && !channels.contains("PJSIP/103-"), "{channels}");
        Ok(true)
    })
    .await
    .unwrap();
}
