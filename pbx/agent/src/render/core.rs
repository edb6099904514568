//! The files that follow from the settings alone: they are the same for the life of the pod. Pure.

use super::{Files, Network, Settings, manager};

/// Files that Asterisk reads at its start and complains about when they are missing; what they switch off is off.
const OFF: [(&str, &str); 7] = [
    ("ccss.conf", "[general]\n"),
    ("cdr.conf", "[general]\nenable = no\n"),
    ("cel.conf", "[general]\nenable = no\n"),
    ("http.conf", "[general]\nenabled = no\n"),
    ("pjproject.conf", "[startup]\ntype = startup\nlog_level = default\n"),
    // Nobody listens to variables and reports on audio, of which a call has dozens, and to what Asterisk tells its own tests: Debian's is
    // built for them, and four times a call it would wake the manager's connection (ADR 0069).
    (
        "stasis.conf",
        "[taskpool]\nminimum_size = 2\n\n[declined_message_types]\ndecline = ast_channel_varset_type\n\
         decline = ast_rtp_rtcp_sent_type\ndecline = ast_rtp_rtcp_received_type\n\
         decline = ast_test_suite_message_type\n",
    ),
    ("udptl.conf", "[general]\n"),
];

/// Tones for callers, as in the United States; a phone makes its own ringing.
const TONES: &str = "[general]\ncountry = us\n\n[us]\ndescription = United States\nringcadence = 2000,4000\n\
                     dial = 350+440\nbusy = 480+620/500,0/500\nring = 440+480/2000,0/4000\n\
                     congestion = 480+620/250,0/250\n";

/// Renders them.
pub fn render(settings: &Settings) -> Files {
    let mut files: Files = OFF.into_iter().map(|(name, content)| (name, content.to_owned())).collect();
    files.insert("asterisk.conf", asterisk(settings));
    files.insert("manager.conf", manager::render(&settings.manager));
    files.insert("indications.conf", TONES.to_owned());
    files.insert("logger.conf", "[general]\nqueue_log = no\n\n[logfiles]\nconsole = notice,warning,error\n".into());
    files
}

/// The ports for audio. A call that has begun keeps its own. ICE is offered to no phone, and Asterisk would list the pod's addresses for it at each
/// call, to throw them away at once.
pub fn rtp(network: &Network) -> String {
    let (first, last) = (network.rtp_first, network.rtp_last);
    format!("[general]\nrtpstart = {first}\nrtpend = {last}\nicesupport = no\n")
}

/// The database and the spool lie on the volume. Where the modules are is left to Asterisk's own default, which knows
/// the machine's architecture.
fn asterisk(settings: &Settings) -> String {
    let [config, run, data, stock] = [
        settings.directories.config.display(),
        settings.directories.run.display(),
        settings.directories.data.display(),
        settings.directories.stock.display(),
    ];
    format!(
        "[directories]\nastetcdir = {config}\nastvarlibdir = {data}\nastdbdir = {data}/astdb\nastkeydir = {data}\n\
         astspooldir = {data}/spool\nastdatadir = {stock}\nastagidir = {stock}/agi-bin\nastrundir = {run}\n\
         astlogdir = {run}/log\nastcachedir = {run}/cache\n\
         \n[options]\nnocolor = yes\nhideconnect = yes\nsystemname = ecqx\n"
    )
}
