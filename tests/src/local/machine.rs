//! What is changed on the machine for a node, each noted in the record first: control group, kernel settings, pod firewall, address. I/O as root.

use std::{fs, net::IpAddr, path::Path};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::{
    api::SERVICES,
    layout::RUNTIME,
    record::Record,
    sweep::{cgroup_roots, run},
};

/// The addresses of pods.
pub(super) const PODS: &str = "10.244.0.0/24";

/// The address on the host's end of every pod's interface: the first of [`PODS`].
const POD_GATEWAY: &str = "10.244.0.1";

/// The control group of all pods.
pub(super) const CGROUP: &str = "ecqx-cluster";

/// An interface and its address, for a machine that has none but loopback.
const OWN_INTERFACE: (&str, &str) = ("ecqx0", "10.245.0.1");

/// Its other end, which goes with it.
const OWN_PEER: &str = "ecqx1";

/// What kubelet, CNI and kube-proxy set and never put back.
const SETTINGS: [&str; 9] = [
    "net/ipv4/ip_forward",
    "net/ipv6/conf/all/forwarding",
    "net/ipv4/conf/all/route_localnet",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
];

/// Tables that the parts make: kube-proxy's, portmap's for host ports, and the fence around the pods.
const TABLES: [(&str, &str); 5] = [
    ("ip", "kube-proxy"),
    ("ip6", "kube-proxy"),
    ("ip", "cni_hostport"),
    ("ip6", "cni_hostport"),
    ("inet", "ecqx-cluster"),
];

/// Pods reach pods, the node and Services, nothing beyond this machine.
const FENCE: &str = "add table inet ecqx-cluster
    add chain inet ecqx-cluster forward { type filter hook forward priority 0 ; }
    add rule inet ecqx-cluster forward ip saddr 10.244.0.0/24 oifname != \"veth*\" reject";

/// Makes the machine ready for a node and returns the node's address.
pub(super) fn prepare(record: &mut Record) -> Result<IpAddr> {
    for (family, name) in TABLES {
        if run("nft", &["list", "table", family, name]).is_ok() {
            bail!(
                "the nftables table `{family} {name}` exists: another cluster's node runs on this machine; end it first"
            );
        }
        record.nft_tables.push((family.to_owned(), name.to_owned()));
    }
    for setting in SETTINGS {
        let path = Path::new("/proc/sys").join(setting);
        if let Ok(value) = fs::read_to_string(&path) {
            record.sysctls.insert(path, value.trim().to_owned());
        }
    }
    record.pod_gateway = Some(POD_GATEWAY.to_owned());
    record.cgroup = Some(CGROUP.to_owned());
    record.save()?;
    fs::create_dir_all(RUNTIME).with_context(|| format!("cannot make {RUNTIME}"))?;
    for root in cgroup_roots() {
        // A hierarchy that is mounted without a controller of use may refuse; the kubelet says which ones it misses.
        let _ = fs::create_dir(root.join(CGROUP));
    }
    for line in FENCE.lines() {
        run("nft", &[line.trim()])?;
    }
    node_address(record)
}

/// The address of the interface with the default route; without one, that of an interface of our own.
fn node_address(record: &mut Record) -> Result<IpAddr> {
    let routes: Value = serde_json::from_str(&run("ip", &["-json", "-4", "route", "show", "default"])?)?;
    if let Some(device) = routes[0]["dev"].as_str() {
        let shown: Value = serde_json::from_str(&run("ip", &["-json", "-4", "address", "show", "dev", device])?)?;
        let address = shown[0]["addr_info"][0]["local"].as_str();
        return Ok(address.with_context(|| format!("the interface {device} has no address"))?.parse()?);
    }
    let (name, address) = OWN_INTERFACE;
    record.interfaces.push(name.to_owned());
    record.save()?;
    // A pair, because the pods need that kind anyway; not every kernel has dummy interfaces.
    run("ip", &["link", "add", name, "type", "veth", "peer", "name", OWN_PEER])?;
    run("ip", &["link", "set", OWN_PEER, "up"])?;
    run("ip", &["address", "add", &format!("{address}/32"), "dev", name])?;
    run("ip", &["link", "set", name, "up"])?;
    // A Service's address is only translated on its way, and without a default route there is none.
    run("ip", &["route", "add", SERVICES, "dev", name])?;
    Ok(address.parse()?)
}
