//! Voicemail: mailboxes, and where a call goes that was not taken. Pure.

use std::fmt::Write as _;

use super::signals;
use super::text::{caller_name, email_address};
use crate::wanted::{Mailbox, Phone, Wanted};

/// The dialplan context of the mailboxes.
pub const CONTEXT: &str = "voicemail";
/// The context of the mailboxes in `voicemail.conf`.
pub const BOXES: &str = "ecqx";

/// What stands for a PIN where there is none: nobody can dial it, and it cannot be changed by telephone.
const NO_PIN: &str = "-none";
/// The most messages of a mailbox.
const MESSAGES: u32 = 100;

/// `voicemail.conf`. A PIN that was changed by telephone is kept with the mailbox, on the volume.
pub fn mailboxes(wanted: &Wanted) -> String {
    let mut out = format!(
        "[general]\nformat = wav\nattach = no\nmaxmsg = {MESSAGES}\nmaxsecs = 180\nmaxlogins = 3\n\
         skipms = 3000\nsendvoicemail = no\ncharset = UTF-8\nfromstring = ecQX\n\
         emailsubject = New voicemail from ${{VM_CALLERID}}\n\
         emailbody = ${{VM_NAME}},\\n\\nyou have a new message of ${{VM_DUR}} from ${{VM_CALLERID}} in mailbox ${{VM_MAILBOX}}.\\n\n\
         passwordlocation = spooldir\nserveremail = voicemail@{}\n\
         mailcmd = /usr/local/bin/pbx-agent sendmail\npollmailboxes = no\n\n[{BOXES}]\n",
        wanted.fqdn
    );
    for phone in &wanted.phones {
        if let Some(mailbox) = &phone.mailbox {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "{}", line(phone, mailbox));
        }
    }
    out
}

fn line(phone: &Phone, mailbox: &Mailbox) -> String {
    // A comma ends a field here, and an equals sign or a bar an option.
    let name = phone.name.as_deref().and_then(caller_name).unwrap_or_else(|| phone.number.clone());
    let name: String = name.chars().map(|c| if matches!(c, ',' | '|' | '=' | '>') { ' ' } else { c }).collect();
    let email = mailbox.email.as_deref().and_then(email_address).unwrap_or_default();
    let attach = if mailbox.attach { "yes" } else { "no" };
    let pin = mailbox.pin.as_deref().unwrap_or(NO_PIN);
    format!("{} => {pin},{},{email},,attach={attach}", phone.number, name.trim())
}

/// The dialplan's context: a message for the extension. That a mailbox is full is told before the caller hears it, since whoever
/// hears it hangs up.
pub fn render() -> String {
    let failed = signals::at_number(signals::MAILBOX_EVENT);
    format!(
        "\n[{CONTEXT}]\nexten => _X!,1,GotoIf($[0${{VM_INFO(${{EXTEN}}@{BOXES},count)}} < {MESSAGES}]?take)\n \
         same => n,{failed}\n same => n,VoiceMail(${{EXTEN}}@{BOXES},u)\n same => n,Hangup()\n \
         same => n(take),VoiceMail(${{EXTEN}}@{BOXES},u)\n \
         same => n,GotoIf($[\"${{VMSTATUS}}\" != \"FAILED\"]?done)\n same => n,{failed}\n same => n(done),Hangup()\n"
    )
}
