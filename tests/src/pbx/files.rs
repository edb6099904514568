//! What is mounted into a PBX that runs by itself: limits, extensions, secrets, a certificate. I/O: writes them.

use std::{collections::BTreeMap, path::Path};

use anyhow::Result;
use pbx_contract::{
    ConferenceRoom, Document, Extension, ExtensionsFile, Instance, Limits, LimitsFile, Network, Policy, SCHEMA, secret,
};

/// The SIP domain of a PBX under test.
pub const FQDN: &str = "syunikwin.epygicloud.com";
/// The token of the agent's protected paths.
pub const TOKEN: &str = "token-of-the-agent";

/// The files of the contract, as values to change.
#[derive(Clone, Debug)]
pub struct Files {
    /// `limits.json`.
    pub limits: LimitsFile,
    /// `extensions.json`.
    pub extensions: ExtensionsFile,
    /// The Secret's keys.
    pub secrets: BTreeMap<String, String>,
    /// `tls.crt` and `tls.key`.
    pub certificate: Option<(String, String)>,
    /// The size of the data volume in MiB, where it is to be small. It is seen from inside alone then.
    pub volume_mib: Option<u32>,
}

impl Files {
    /// Extensions from 101 on, all of them licensed; room 801, unless that is an extension; nothing else licensed.
    pub fn of(extensions: u32) -> Self {
        let numbers = (0..extensions).map(|index| (101 + index).to_string());
        let limits = Limits { ip_phone_extension: extensions, ..Limits::default() };
        let instance =
            Instance { unique_id: "ECQX-000001".into(), fqdn: FQDN.into(), display_name: "Syunik Win".into() };
        let limits = LimitsFile {
            schema: SCHEMA,
            generation: String::new(),
            instance,
            suspended: false,
            limits,
            policy: Policy::default(),
            network: Network::default(),
            extensions: String::new(),
        };
        let room = (extensions < 700).then(|| ConferenceRoom { number: "801".into(), name: None });
        let mut files = Self {
            limits,
            extensions: ExtensionsFile {
                extensions: numbers.map(Extension::of).collect(),
                conference_rooms: room.into_iter().collect(),
                ..ExtensionsFile::default()
            },
            secrets: BTreeMap::new(),
            certificate: None,
            volume_mib: None,
        };
        files.secrets.insert(secret::AGENT_TOKEN.into(), TOKEN.into());
        files
    }

    /// Changes the licences.
    #[must_use]
    pub fn licensed(mut self, change: impl FnOnce(&mut Limits)) -> Self {
        change(&mut self.limits.limits);
        self
    }

    /// Changes the extension of that number.
    #[must_use]
    pub fn with(mut self, number: &str, change: impl FnOnce(&mut Extension)) -> Self {
        self.extensions.extensions.iter_mut().filter(|e| e.number == number).for_each(change_once(change));
        self
    }

    /// The password that an extension has here.
    pub fn password(number: &str) -> String {
        format!("password-of-{number}")
    }

    /// What the status calls these files, once they are in force.
    ///
    /// # Errors
    /// When they cannot be written as JSON.
    pub fn generation(&self) -> Result<String> {
        Ok(self.sealed()?.0.generation)
    }

    fn sealed(&self) -> Result<(LimitsFile, ExtensionsFile)> {
        let extensions = self.extensions.clone().seal()?;
        let limits = LimitsFile { extensions: extensions.generation.clone(), ..self.limits.clone() }.seal()?;
        Ok((limits, extensions))
    }

    /// Every key that the contract asks for, unless the test has set it.
    fn keys(&self) -> BTreeMap<String, String> {
        let mut keys = self.secrets.clone();
        let mut default = |key: String, value: String| {
            keys.entry(key).or_insert(value);
        };
        for Extension { number, .. } in &self.extensions.extensions {
            default(number.clone(), Self::password(number));
            default(secret::mailbox_pin(number), format!("77{number}"));
        }
        for ConferenceRoom { number, .. } in &self.extensions.conference_rooms {
            default(secret::room_pin(number), format!("1{number}"));
            default(secret::room_admin_pin(number), format!("2{number}"));
        }
        for number in self.extensions.queues.iter().flat_map(|queue| queue.agents.iter().chain(&queue.supervisors)) {
            default(secret::console_password(number), format!("console-of-{number}"));
        }
        keys
    }

    pub(super) fn write(&self, mounted: &Path) -> Result<()> {
        let (limits, extensions) = self.sealed()?;
        let json = BTreeMap::from([
            (LimitsFile::FILE.to_owned(), serde_json::to_string(&limits)?),
            (ExtensionsFile::FILE.to_owned(), serde_json::to_string(&extensions)?),
        ]);
        // As the kubelet does it, one volume after the other.
        publish(&mounted.join("sip"), &self.keys())?;
        publish(&mounted.join("limits"), &json)?;
        let (chain, key) = self.certificate.clone().unwrap_or_default();
        let tls = if chain.is_empty() {
            BTreeMap::new()
        } else {
            BTreeMap::from([("tls.crt".into(), chain), ("tls.key".into(), key)])
        };
        publish(&mounted.join("tls"), &tls)
    }
}

/// `FnOnce` for at most one element.
fn change_once<T>(change: impl FnOnce(&mut T)) -> impl FnMut(&mut T) {
    let mut change = Some(change);
    move |element| {
        if let Some(change) = change.take() {
            change(element);
        }
    }
}

/// A volume as the kubelet makes one: files are links through `..data`, which is replaced whole.
fn publish(volume: &Path, files: &BTreeMap<String, String>) -> Result<()> {
    std::fs::create_dir_all(volume)?;
    let data = tempfile::Builder::new().prefix("..").tempdir_in(volume)?.keep();
    std::fs::set_permissions(&data, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    for (name, content) in files {
        std::fs::write(data.join(name), content)?;
    }
    let before = std::fs::read_link(volume.join("..data")).ok();
    let link = volume.join("..data_tmp");
    std::os::unix::fs::symlink(data.file_name().unwrap_or_default(), &link)?;
    std::fs::rename(&link, volume.join("..data"))?;
    for name in files.keys() {
        let path = volume.join(name);
        if !path.is_symlink() {
            std::os::unix::fs::symlink(Path::new("..data").join(name), path)?;
        }
    }
    for entry in std::fs::read_dir(volume)?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with("..") && !files.contains_key(&name) {
            std::fs::remove_file(entry.path())?;
        }
    }
    if let Some(before) = before {
        std::fs::remove_dir_all(volume.join(before))?;
    }
    Ok(())
}
