//! What goes over a connection of the call centre's console: one JSON object a message. No I/O.
//!
//! `docs/console.md` is its prose, with examples.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The path of the console on [`crate::CONSOLE_PORT`].
pub const CONSOLE_PATH: &str = "/v1/console";
/// The subprotocol of the WebSocket.
pub const CONSOLE_PROTOCOL: &str = "ecqx.console.v1";

/// What a console asks for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConsoleRequest {
    /// Comes back in what answers it.
    pub id: u32,
    /// What is to be done.
    #[serde(rename = "do")]
    pub action: ConsoleAction,
}

/// What is to be done. The first request of a connection is `login`, and the only one.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum ConsoleAction {
    /// Says who it is.
    Login {
        /// An extension that is agent or supervisor of a queue.
        extension: String,
        /// Its console password.
        password: String,
    },
    /// An agent gets no calls of its queues until it resumes.
    Pause {
        /// Which agent, when a supervisor asks; none: oneself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        extension: Option<String>,
        /// Why, for others to read: up to 64 characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// An agent gets calls again.
    Resume {
        /// Which agent, when a supervisor asks; none: oneself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        extension: Option<String>,
    },
    /// Rings the supervisor's telephone and, when it is answered, lets it into the agent's call.
    Barge {
        /// The agent.
        extension: String,
        /// How.
        mode: BargeMode,
    },
}

/// How a supervisor is let into a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum BargeMode {
    /// It hears both.
    Listen,
    /// The agent hears it too.
    Whisper,
    /// Both hear it.
    Join,
}

/// What the PBX says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ConsoleMessage {
    /// The login was right, and the connection has its port. Comes again with another `id` never, and without one when the queues
    /// that one belongs to have changed.
    Welcome {
        /// The login's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<u32>,
        /// Who one is.
        extension: String,
        /// The queues whose calls one gets while connected.
        agent_of: Vec<String>,
        /// The queues that one watches over.
        supervisor_of: Vec<String>,
    },
    /// All that one may see, as it is now. Comes after the welcome and after each change; several changes within a moment may come as
    /// one.
    State(ConsoleState),
    /// It is done.
    Done {
        /// The request's.
        id: u32,
    },
    /// It is not done.
    Refused {
        /// The request's; none when it could not be read.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<u32>,
        /// Why, for programs.
        code: ConsoleRefusal,
        /// Why, for people.
        message: String,
    },
    /// What came of a barge, after its `done`.
    Barge {
        /// The request's.
        id: u32,
        /// The agent.
        extension: String,
        /// Whether the supervisor's telephone was answered.
        answered: bool,
    },
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ConsoleRefusal {
    /// It is not JSON of this contract, or too long.
    Malformed,
    /// Unknown extension, or wrong password.
    WrongCredentials,
    /// Too many failed logins from this address.
    TooManyFailures,
    /// Too many requests within a moment.
    TooManyRequests,
    /// Neither agent nor supervisor of any queue, or the extension is disabled; also when that comes to be.
    NoRole,
    /// As many consoles are connected as ports were bought.
    NoFreePort,
    /// No login came in time.
    Late,
    /// The PBX has not yet read its limits.
    NotReady,
    /// A login on a connection that is logged in.
    AlreadyLoggedIn,
    /// Only an agent can pause itself, only its supervisor another.
    NotAllowed,
    /// The agent is not connected.
    NotConnected,
    /// The agent has no call of a queue.
    NoCall,
    /// The barge before it has not come to an end yet.
    Busy,
    /// Asterisk did not do it.
    Failed,
}

/// The state of the queues that one belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConsoleState {
    /// Queues, in the order of their numbers.
    pub queues: Vec<QueueState>,
    /// Their agents, in the order of their numbers.
    pub agents: Vec<AgentState>,
}

/// One queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QueueState {
    /// Its number.
    pub number: String,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who waits, the next one first.
    pub waiting: Vec<WaitingCaller>,
    /// Calls that an agent took, since Asterisk started.
    pub completed: u32,
    /// Calls that ended while waiting.
    pub abandoned: u32,
    /// How long callers wait, on average, in seconds.
    pub hold_seconds: u32,
    /// How long calls take, on average, in seconds.
    pub talk_seconds: u32,
}

/// Somebody who waits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WaitingCaller {
    /// The number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// The name. Text of whoever calls: to be shown as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Since when, in seconds since 1970.
    pub since: i64,
}

/// One agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentState {
    /// The extension.
    pub extension: String,
    /// Its name. Text of whoever configured it: to be shown as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The queues, of those that one sees, that it belongs to.
    pub queues: Vec<String>,
    /// What it does.
    pub activity: Activity,
    /// Whether it gets no calls because it, or its supervisor, said so.
    pub paused: bool,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Calls that it took since it connected, in the queues that one sees.
    pub calls: u32,
    /// When the last one ended, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_call: Option<i64>,
}

/// What an agent does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Activity {
    /// It has no console connected, and gets no calls.
    Away,
    /// Its telephone is not registered.
    Unreachable,
    /// It can take a call.
    Free,
    /// Its telephone rings.
    Ringing,
    /// It has a call of a queue.
    InCall,
    /// It has another call.
    Busy,
}

/// The password is not for logs.
impl std::fmt::Debug for ConsoleRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ConsoleRequest({}, ..)", self.id)
    }
}
