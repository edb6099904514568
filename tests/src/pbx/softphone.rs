//! A telephone with ears: baresip, which speaks TLS and SRTP, sends a tone, and keeps what it hears. I/O: runs it.

use std::{path::PathBuf, process::Stdio};

use anyhow::{Context, Result, bail};
use pbx_contract::{SIP_PORT, SIPS_PORT};
use tokio::{
    io::AsyncWriteExt as _,
    net::TcpStream,
    process::{Child, Command},
};

use super::{
    ADDRESS, FQDN, Pbx, Phone,
    sound::{self, Hertz},
};

/// What it is to be.
#[derive(Clone, Debug)]
pub struct Softphone {
    phone: Phone,
    tone: Hertz,
    secure: bool,
    strict: bool,
}

/// One that is registered and answers each call, until the value is dropped.
#[derive(Debug)]
pub struct Ringing {
    _process: Child,
    control: TcpStream,
    folder: PathBuf,
}

impl Softphone {
    /// Of an extension; it speaks by this tone.
    pub const fn new(phone: Phone, tone: Hertz) -> Self {
        Self { phone, tone, secure: false, strict: false }
    }

    /// SIP over TLS, and SRTP where the other side can.
    #[must_use]
    pub const fn secure(mut self) -> Self {
        self.secure = true;
        self
    }

    /// The same, and no audio but SRTP: the offer is `RTP/SAVP`. Such a phone takes no call that is offered with `RTP/AVP`.
    #[must_use]
    pub const fn strict(mut self) -> Self {
        (self.secure, self.strict) = (true, true);
        self
    }

    fn account(&self) -> String {
        let Phone { number, password } = &self.phone;
        let (transport, port) = if self.secure { ("tls", SIPS_PORT) } else { ("udp", SIP_PORT) };
        let encryption = match (self.secure, self.strict) {
            (_, true) => ";mediaenc=srtp-mand",
            (true, false) => ";mediaenc=srtp",
            _ => "",
        };
        format!(
            "<sip:{number}@{FQDN};transport={transport}>;auth_pass={password};answermode=auto;audio_codecs=pcma\
             ;outbound=\"sip:{ADDRESS}:{port};transport={transport}\"{encryption}\n"
        )
    }

    /// What it hears and says is written into its folder, before and after it is encoded.
    fn config(&self, folder: &std::path::Path, port: u16) -> String {
        let modules: String = ["g711", "ausine", "sndfile", "srtp"].map(|name| format!("module {name}.so\n")).concat();
        format!(
            "poll_method epoll\nnet_interface {ADDRESS}\nsip_listen {ADDRESS}:{}\nctrl_tcp_listen {ADDRESS}:{port}\n\
             rtp_ports {}-{}\naudio_source ausine,{}\nausrc_srate 48000\nausrc_channels 2\nsnd_path {}\n\
             module_path /usr/lib/baresip/modules\n{modules}module_tmp account.so\nmodule_app menu.so\nmodule_app ctrl_tcp.so\n",
            port + 1,
            port + 4,
            port + 7,
            self.tone,
            folder.display()
        )
    }
}

impl Pbx {
    /// Starts a softphone and waits until it has registered.
    ///
    /// # Errors
    /// When it cannot be run, or does not register in time.
    pub async fn softphone(&self, softphone: &Softphone) -> Result<Ringing> {
        let port = super::phones::next_port();
        let folder = self.dir.path().join(format!("softphone-{port}"));
        std::fs::create_dir(&folder)?;
        std::fs::write(folder.join("config"), softphone.config(&folder, port))?;
        std::fs::write(folder.join("accounts"), softphone.account())?;
        let said = std::fs::File::create(folder.join("said"))?;
        let mut command: Command = self.enter(&["--net"]);
        command.args(["baresip", "-v", "-f"]).arg(&folder).current_dir(&folder).env("HOME", &folder);
        command.stdin(Stdio::null()).stdout(said.try_clone()?).stderr(said).kill_on_drop(true);
        let mut process = command.spawn().context("cannot run nsenter and baresip")?;
        let number = softphone.phone.number.clone();
        let registered = format!("the softphone of {number} has registered");
        let control = self.eventually(&registered, async || {
            if let Some(status) = process.try_wait()? {
                bail!("it has ended: {status}: {}", std::fs::read_to_string(folder.join("said"))?);
            }
            if !self.asterisk("pjsip list contacts").await?.contains(&format!("{number}/sip:")) {
                return Ok(None);
            }
            self.inside(move || async move { Ok(TcpStream::connect((ADDRESS, port)).await?.into_std()?) })
                .await
                .map(Some)
        });
        let control = TcpStream::from_std(control.await?)?;
        Ok(Ringing { _process: process, control, folder })
    }
}

impl Ringing {
    /// Calls a number.
    ///
    /// # Errors
    /// When it has ended.
    pub async fn dial(&mut self, number: &str) -> Result<()> {
        self.obey("dial", number).await
    }

    /// Presses keys in its call (RFC 4733).
    ///
    /// # Errors
    /// When it has ended.
    pub async fn press(&mut self, keys: &str) -> Result<()> {
        self.obey("sndcode", keys).await
    }

    /// Ends its call.
    ///
    /// # Errors
    /// When it has ended.
    pub async fn hang_up(&mut self) -> Result<()> {
        self.obey("hangup", "").await
    }

    /// One command, as a netstring (baresip's module `ctrl_tcp`).
    async fn obey(&mut self, command: &str, argument: &str) -> Result<()> {
        let command = serde_json::json!({ "command": command, "params": argument, "token": "" }).to_string();
        Ok(self.control.write_all(format!("{}:{command},", command.len()).as_bytes()).await?)
    }

    /// What it has heard in its newest call, as samples; none before it had one.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn heard(&self) -> Result<Vec<i16>> {
        let names = std::fs::read_dir(&self.folder)?.flatten().map(|entry| entry.path());
        let newest = names.filter(|path| path.to_string_lossy().ends_with("-dec.wav")).max();
        newest.map_or_else(|| Ok(Vec::new()), |path| Ok(sound::of_wave(&std::fs::read(path)?)))
    }

    /// What it has said of itself.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn said(&self) -> Result<String> {
        Ok(String::from_utf8_lossy(&std::fs::read(self.folder.join("said"))?).into_owned())
    }
}
