//! `manager.conf`: Asterisk's manager interface, for the agent alone. Pure.

use crate::ami::{ADDRESS, Secret, USER};

/// What Asterisk tells of: its own state, calls, queues and agents, failed logins, and what the dialplan says. Steps of the dialplan,
/// variables and reports on audio would be most of all lines, and nobody reads them.
const READ: &str = "system,call,agent,user,security";
/// What it does when it is asked: queues, supervisors' calls, hangups; no commands, no files, no shell.
const WRITE: &str = "call,agent,reporting,originate";
/// What is of no use to anybody, and comes with every call. Asterisk writes none of it: a filter would have it written first, and thrown
/// away for each listener, and calls are what a PBX has most of.
const UNWRITTEN: [&str; 31] = [
    // Each request of a phone is challenged first, and each success follows from the registrar's event.
    "ChallengeSent",
    "SuccessfulAuth",
    // What a channel goes through from its begin to its end; that somebody is in a queue is told by the queue, and how many calls there are
    // is asked for.
    "Newchannel",
    "Newstate",
    "Newexten",
    "NewCallerid",
    "NewConnectedLine",
    "NewAccountCode",
    "Rename",
    "VarSet",
    "DialBegin",
    "DialState",
    "DialEnd",
    "BridgeCreate",
    "BridgeDestroy",
    "BridgeEnter",
    "BridgeLeave",
    "BridgeMerge",
    "LocalBridge",
    "DTMFBegin",
    "DTMFEnd",
    "Hold",
    "Unhold",
    "HangupRequest",
    "SoftHangupRequest",
    "Hangup",
    "HangupHandlerPush",
    "HangupHandlerRun",
    "RTCPSent",
    "RTCPReceived",
    // Phones that watch others are told by Asterisk itself.
    "ExtensionStatus",
];

/// Renders the file. Asterisk listens on the loopback, and takes one user, from there; HTTP is off (`http.conf`).
pub fn render(secret: &Secret) -> String {
    let (address, port, secret) = (ADDRESS.ip(), ADDRESS.port(), secret.reveal());
    let unwritten = UNWRITTEN.join(",");
    format!(
        "[general]\nenabled = yes\nwebenabled = no\nbindaddr = {address}\nport = {port}\ndisplayconnects = no\n\
         timestampevents = no\nauthtimeout = 10\nauthlimit = 5\n\
         disabledevents = {unwritten}\n\
         \n[{USER}]\nsecret = {secret}\ndeny = 0.0.0.0/0.0.0.0\npermit = {address}/255.255.255.255\n\
         read = {READ}\nwrite = {WRITE}\nwritetimeout = 5000\n"
    )
}
