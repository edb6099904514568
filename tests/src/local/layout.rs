//! Where a cluster's files are. Paths only, no I/O.

use std::path::{Path, PathBuf};

/// The sockets and mounts of a real node, of which a machine has one: sockets' paths are limited, so a short one.
pub const RUNTIME: &str = "/run/ecqx-cluster";

/// The checkout that this crate was built from.
pub fn checkout() -> PathBuf {
    let crate_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_dir.parent().unwrap_or(crate_dir).to_path_buf()
}

/// The folder of built binaries and running clusters: `ECQX_CACHE`, else `.cache` in the checkout.
pub fn cache() -> PathBuf {
    std::env::var_os("ECQX_CACHE").map_or_else(|| checkout().join(".cache"), PathBuf::from)
}

/// The folder under which every local cluster has its own.
pub fn run_root() -> PathBuf {
    cache().join("run")
}

/// The folder of the cluster that `ecqx-cluster up` starts and `make demo` uses.
pub fn demo_dir() -> PathBuf {
    run_root().join("demo")
}

/// Held by the supervisor of the machine's one real node. Machine-wide, as interfaces, nftables and control groups are.
pub fn machine_lock() -> PathBuf {
    PathBuf::from(RUNTIME).with_extension("lock")
}

/// Paths inside (and beside) one cluster's folder.
#[derive(Clone, Debug)]
pub struct Layout {
    dir: PathBuf,
}

impl Layout {
    /// The layout of the cluster in `dir`, which must be absolute: the parts run with other working directories.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// The cluster's folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A path inside the cluster's folder.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.dir.join(name)
    }

    /// The administrator's kubeconfig.
    pub fn kubeconfig(&self) -> PathBuf {
        self.path("kubeconfig")
    }

    /// The kubeconfig of one component.
    pub fn kubeconfig_of(&self, component: &str) -> PathBuf {
        self.path("kubeconfigs").join(component)
    }

    /// The API server's audit log, one JSON event a line.
    pub fn audit_log(&self) -> PathBuf {
        self.path("audit.log")
    }

    /// The log of one part.
    pub fn log_of(&self, part: &str) -> PathBuf {
        self.path("logs").join(format!("{part}.log"))
    }

    /// What has been started, for whoever has to clean up.
    pub fn record(&self) -> PathBuf {
        self.path("record.json")
    }

    /// The supervisor's answer once all is ready.
    pub fn ready(&self) -> PathBuf {
        self.path("ready.json")
    }

    /// Held by the living supervisor. Beside the folder, not in it, because cleaning empties the folder.
    pub fn lock(&self) -> PathBuf {
        self.beside("lock")
    }

    /// The supervisor's own messages; beside the folder for the same reason.
    pub fn supervisor_log(&self) -> PathBuf {
        self.beside("log")
    }

    fn beside(&self, extension: &str) -> PathBuf {
        let mut name = self.dir.clone().into_os_string();
        name.push(".");
        name.push(extension);
        PathBuf::from(name)
    }
}
