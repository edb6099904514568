//! The command line's words. No I/O.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand};
use ecqx_tests::local::{Options, layout, ready::Kind};

/// A Kubernetes cluster on this machine, for tests and the demo, from programs that this repository builds.
///
/// No Docker, no registry, no downloaded program: the parts are built from Go modules the first time (10 to 15 minutes, by
/// tests/cluster/build.sh) and start in about ten seconds from then on. All that runs is ended by `down`.
#[derive(Debug, Parser)]
#[command(name = "ecqx-cluster", version, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

const EXAMPLES: &str = "\
Examples:
  ecqx-cluster up                            a whole node; without root, simulated nodes
  export KUBECONFIG=$(ecqx-cluster up)       the same, and use it
  ecqx-cluster load dist/images/pbx.tar      bring an image to the node
  ecqx-cluster status
  ecqx-cluster down                          end it; nothing is left

Environment:
  KUBECONFIG           a cluster of your own: `up` takes it as it is and starts nothing
  KUBEBUILDER_ASSETS   a folder with kube-apiserver, etcd and kubectl to use in place of the built ones
  ECQX_CACHE           where programs and clusters are kept (default: .cache in the checkout)";

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Start a cluster in the background, wait until it is ready, print its kubeconfig's path
    Up(Up),
    /// End the cluster that `up` started and wait until all of it has gone
    Down(Place),
    /// Tell whether the cluster runs, and its parts; exit code 0 when it is healthy
    Status(Place),
    /// Bring images to the node from docker-archive files; those that are there are left out
    Load(Load),
    /// Run a cluster in the foreground, as tests do: one line of JSON when it is ready, ends on Ctrl-C
    Run(Run),
}

/// Which cluster.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// The cluster's folder: data, logs, kubeconfig
    #[arg(long, default_value_os_t = layout::demo_dir())]
    pub(crate) dir: PathBuf,
}

/// The options of `up`.
#[derive(Debug, Args)]
pub(crate) struct Up {
    /// What to start
    #[arg(long, value_enum, default_value = "cluster")]
    pub(crate) kind: Kind,
    /// How many nodes to simulate, where they are
    #[arg(long, default_value_t = 1)]
    pub(crate) nodes: u32,
    #[command(flatten)]
    pub(crate) place: Place,
}

/// The options of `load`.
#[derive(Debug, Args)]
pub(crate) struct Load {
    /// docker-archive files, as `buildah push IMAGE docker-archive:FILE:NAME` writes them
    #[arg(required = true)]
    pub(crate) archives: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) place: Place,
}

/// The options of `run`.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// What to start
    #[arg(long, value_enum, default_value = "control-plane")]
    kind: Kind,
    /// How many nodes to simulate, with kind kwok
    #[arg(long, default_value_t = 1)]
    nodes: u32,
    #[command(flatten)]
    place: Place,
    /// Remove the folder at the end
    #[arg(long)]
    ephemeral: bool,
    /// End when standard input ends; take `stop PART` and `start PART` from it
    #[arg(long)]
    until_stdin_closes: bool,
    /// Leave the terminal's session: closing the terminal does not end the cluster
    #[arg(long)]
    pub(crate) detached: bool,
    /// Seconds to wait for another whole cluster on this machine to end
    #[arg(long, default_value_t = 0)]
    wait: u64,
}

impl From<Run> for Options {
    fn from(run: Run) -> Self {
        Self {
            kind: run.kind,
            dir: run.place.dir,
            nodes: run.nodes,
            ephemeral: run.ephemeral,
            until_stdin_closes: run.until_stdin_closes,
            patience: Duration::from_secs(run.wait),
        }
    }
}
