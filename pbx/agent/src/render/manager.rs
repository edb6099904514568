//! `manager.conf`: Asterisk's manager interface, for the agent alone. Pure.

use std::fmt::Write as _;

use crate::ami::{ADDRESS, Secret, USER};

/// What Asterisk tells of: its own state, calls, queues and agents, failed logins, and what the dialplan says. Steps of the dialplan,
/// variables and reports on audio would be most of all lines, and nobody reads them.
const READ: &str = "system,call,agent,user,security";
/// What it does when it is asked: queues, supervisors' calls, hangups; no commands, no files, no shell.
const WRITE: &str = "call,agent,reporting,originate";
/// Of these kinds, what is of no use: each request of a phone is challenged first, and each success follows from the registrar's event.
const UNHEARD: [&str; 4] = ["ChallengeSent", "SuccessfulAuth", "Newstate", "NewConnectedLine"];

/// Renders the file. Asterisk listens on the loopback, and takes one user, from there; HTTP is off (`http.conf`).
pub fn render(secret: &Secret) -> String {
    let (address, port, secret) = (ADDRESS.ip(), ADDRESS.port(), secret.reveal());
    let mut out = format!(
        "[general]\nenabled = yes\nwebenabled = no\nbindaddr = {address}\nport = {port}\ndisplayconnects = no\n\
         timestampevents = no\nauthtimeout = 10\nauthlimit = 5\n\
         \n[{USER}]\nsecret = {secret}\ndeny = 0.0.0.0/0.0.0.0\npermit = {address}/255.255.255.255\n\
         read = {READ}\nwrite = {WRITE}\nwritetimeout = 5000\n"
    );
    for name in UNHEARD {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "eventfilter(action(exclude),name({name})) =");
    }
    out
}
