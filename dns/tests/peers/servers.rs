//! NSD and Knot with a zone, on loopback, ended with the value that holds them. Starts programs, writes files.

use std::{
    fmt::Write,
    net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use ecqx_dns::{
    dnssec::{Chain, chain},
    zone::{RrSet, Zone},
};
use ecqx_tests::ports::{self, Port};
use tempfile::TempDir;

/// How long a server may take to begin to answer.
const DEADLINE: Duration = Duration::from_mins(1);

/// Another name server with the same zone.
pub struct Peer {
    /// Its name.
    pub name: &'static str,
    /// Where it answers.
    pub address: SocketAddr,
    child: Child,
    _folder: TempDir,
    _port: Port,
}

impl Peer {
    /// NSD, its rate limit off, since it would limit the comparison.
    pub fn nsd(zone: &str, text: &str) -> Self {
        Self::start("nsd", zone, text, |folder, port| {
            let configuration = format!(
                "server:\n  ip-address: 127.0.0.1\n  port: {port}\n  server-count: 2\n  reuseport: yes\n  username: \"\"\n  \
                 rrl-ratelimit: 0\n  minimal-responses: yes\n  database: \"\"\n  zonesdir: \"{folder}\"\n  \
                 pidfile: \"{folder}/pid\"\n  xfrdfile: \"{folder}/xfrd\"\n  zonelistfile: \"{folder}/zones\"\n  \
                 xfrdir: \"{folder}\"\n  verbosity: 0\nremote-control:\n  control-enable: no\n\
                 zone:\n  name: {zone}\n  zonefile: zone\n"
            );
            (configuration, vec!["-d", "-c"])
        })
    }

    /// Knot.
    pub fn knot(zone: &str, text: &str) -> Self {
        Self::start("knotd", zone, text, |folder, port| {
            let configuration = format!(
                "server:\n  listen: 127.0.0.1@{port}\n  rundir: {folder}\n  udp-workers: 2\n  tcp-workers: 1\n  \
                 background-workers: 1\ndatabase:\n  storage: {folder}\nlog:\n  - target: stderr\n    any: error\n\
                 zone:\n  - domain: {zone}\n    storage: {folder}\n    file: zone\n    zonefile-sync: -1\n"
            );
            (configuration, vec!["-c"])
        })
    }

    /// NSD, with the zone from a primary.
    #[allow(dead_code, reason = "one of the programs that share this file asks for it")]
    pub fn nsd_secondary(zone: &str, primary: SocketAddr, secret: &str) -> Self {
        let (host, at) = (primary.ip(), primary.port());
        Self::start("nsd", zone, "", |folder, port| {
            let configuration = format!(
                "server:\n  ip-address: 127.0.0.1\n  port: {port}\n  server-count: 1\n  username: \"\"\n  rrl-ratelimit: 0\n  \
                 minimal-responses: yes\n  database: \"\"\n  zonesdir: \"{folder}\"\n  pidfile: \"{folder}/pid\"\n  \
                 xfrdfile: \"{folder}/xfrd\"\n  zonelistfile: \"{folder}/zones\"\n  xfrdir: \"{folder}\"\n  \
                 xfrd-reload-timeout: 0\nremote-control:\n  control-enable: no\n\
                 key:\n  name: secondary\n  algorithm: hmac-sha256\n  secret: \"{secret}\"\n\
                 zone:\n  name: {zone}\n  allow-notify: 127.0.0.1 secondary\n  request-xfr: {host}@{at} secondary\n  \
                 provide-xfr: 127.0.0.1 secondary\n"
            );
            (configuration, vec!["-d", "-c"])
        })
    }

    /// Knot, with the zone from a primary.
    #[allow(dead_code, reason = "one of the programs that share this file asks for it")]
    pub fn knot_secondary(zone: &str, primary: SocketAddr, secret: &str) -> Self {
        let (host, at) = (primary.ip(), primary.port());
        Self::start("knotd", zone, "", |folder, port| {
            let configuration = format!(
                "server:\n  listen: 127.0.0.1@{port}\n  rundir: {folder}\n  udp-workers: 1\n  tcp-workers: 1\n  \
                 background-workers: 1\ndatabase:\n  storage: {folder}\nlog:\n  - target: stderr\n    any: error\n\
                 key:\n  - id: secondary\n    algorithm: hmac-sha256\n    secret: {secret}\n\
                 remote:\n  - id: primary\n    address: {host}@{at}\n    key: secondary\n\
                 acl:\n  - id: told\n    address: 127.0.0.1\n    key: secondary\n    action: [notify, transfer]\n\
                 zone:\n  - domain: {zone}\n    storage: {folder}\n    file: transferred\n    zonefile-sync: -1\n    \
                 master: primary\n    acl: told\n"
            );
            (configuration, vec!["-c"])
        })
    }

    fn start(
        program: &'static str,
        zone: &str,
        text: &str,
        configuration: impl Fn(&str, u16) -> (String, Vec<&'static str>),
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [port] = ports::lease().unwrap();
        let address = port.on_loopback();
        let (configuration, arguments) = configuration(folder.path().to_str().unwrap(), address.port());
        std::fs::write(folder.path().join("zone"), text).unwrap();
        std::fs::write(folder.path().join("configuration"), configuration).unwrap();
        let mut command = Command::new(find(program));
        command.args(arguments).arg(folder.path().join("configuration"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().unwrap_or_else(|error| panic!("{program}: {error}; install it with `make setup`"));
        let peer = Self { name: program, address, child, _folder: folder, _port: port };
        peer.wait(zone);
        peer
    }

    /// Waits until it answers with authority.
    fn wait(&self, zone: &str) {
        let mut question = vec![7, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in zone.split('.') {
            question.push(u8::try_from(label.len()).unwrap());
            question.extend(label.as_bytes());
        }
        question.extend([0, 0, 6, 0, 1]);
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let (end, mut answer) = (Instant::now() + DEADLINE, [0; 512]);
        while Instant::now() < end {
            socket.send_to(&question, self.address).unwrap();
            if matches!(socket.recv(&mut answer), Ok(12..)) && answer[3].trailing_zeros() >= 4 && answer[2] & 0x04 != 0
            {
                return;
            }
        }
        panic!("{} does not answer", self.name);
    }

    /// The octets of memory that it and its children hold.
    #[allow(dead_code, reason = "one of the programs that share this file asks for it")]
    pub fn memory(&self) -> u64 {
        memory(self.child.id())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // NSD has children, which end with it only when it is asked.
        let id = nix::unistd::Pid::from_raw(self.child.id().try_into().unwrap());
        let _gone_already = nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGTERM);
        let end = Instant::now() + Duration::from_secs(5);
        while Instant::now() < end && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(5));
        }
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The proportional share of memory (PSS) of a process and its children, in octets.
#[allow(dead_code, reason = "one of the programs that share this file asks for it")]
pub fn memory(process: u32) -> u64 {
    let rollup = std::fs::read_to_string(format!("/proc/{process}/smaps_rollup")).unwrap_or_default();
    let line = rollup.lines().find(|line| line.starts_with("Pss:")).unwrap_or_default();
    let own: u64 = line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or_default();
    let children = std::fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
    let of_children: u64 = children.split_whitespace().filter_map(|child| child.parse().ok()).map(memory).sum();
    own * 1024 + of_children
}

/// Where a server of our own listens: at a port that the system chooses.
#[allow(dead_code, reason = "one of the programs that share this file asks for it")]
pub const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

fn find(program: &str) -> String {
    let sbin = format!("/usr/sbin/{program}");
    if Path::new(&sbin).exists() { sbin } else { program.to_owned() }
}

/// The zone as a file that every server reads: the data of all types in octets (RFC 3597, section 5).
pub fn zone_file(zone: &Zone) -> String {
    let (mut text, origin) = (String::new(), zone.origin().to_ascii());
    for set in zone.apex().sets() {
        write(&mut text, &origin, set);
        if let Some(signature) = zone.apex_signature(set) {
            write(&mut text, &origin, signature);
        }
    }
    for (label, branch) in zone.branches() {
        for (part, node) in branch.nodes() {
            let labels: Vec<_> = ecqx_dns::wire::name::labels(part).chain([label]).map(escaped).collect();
            let name = format!("{}.{origin}", labels.join("."));
            for set in node.sets() {
                write(&mut text, &name, set);
                if let Some(signature) = branch.signature(&zone.top(label), part, set) {
                    write(&mut text, &name, signature);
                }
            }
        }
    }
    for (hash, link) in zone.chain().into_iter().flat_map(Chain::links) {
        let (proof, signature) = link.records(hash, zone.wire_origin());
        let name = format!("{}.{origin}", escaped(&chain::label(hash)[1..]));
        write(&mut text, &name, proof);
        write(&mut text, &name, signature);
    }
    text
}

fn escaped(label: &[u8]) -> String {
    label.iter().fold(String::new(), |mut text, octet| {
        if octet.is_ascii_alphanumeric() || b"-_*".contains(octet) {
            text.push(char::from(*octet));
        } else {
            write!(text, "\\{octet:03}").unwrap();
        }
        text
    })
}

fn write(text: &mut String, name: &str, set: &RrSet) {
    for data in set.data() {
        write!(text, "{name} {} IN TYPE{} \\# {} ", set.ttl(), set.kind(), data.len()).unwrap();
        for octet in data {
            write!(text, "{octet:02x}").unwrap();
        }
        text.push('\n');
    }
}
