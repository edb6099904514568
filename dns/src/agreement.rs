//! Agreement of replicas on the serial: of those that hold the same, all take the highest. I/O: HTTP to the other replicas.
//!
//! A replica that begins with a list cannot know when the zone last changed, and takes a serial that may be ahead of the others
//! (`docs/adr/0020-serial-from-the-resource-version.md`). So each asks the others what they have; nobody has to answer.

use std::{net::SocketAddr, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::{
    net::lookup_host,
    sync::{mpsc::Sender, watch},
};

use crate::serial;

/// How often the others are asked.
const PAUSE: Duration = Duration::from_secs(1);
/// How long one may take to answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a replica serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// The serial.
    pub serial: u32,
    /// A digest of the objects and of the settings that the zone is made from.
    pub digest: String,
}

impl Version {
    /// Whether a replica with this version takes over the other's serial: the content is the same, and the serial is ahead.
    pub fn yields_to(&self, other: &Self) -> bool {
        self.digest == other.digest && serial::is_after(other.serial, self.serial)
    }
}

/// Asks all replicas behind a name what they serve, and proposes what we should take over. Ends when nobody takes proposals.
pub async fn ask(replicas: String, own: watch::Receiver<Option<Version>>, proposals: Sender<Version>) {
    let client = reqwest::Client::builder().timeout(PATIENCE).no_proxy().build().unwrap_or_default();
    while !proposals.is_closed() {
        tokio::time::sleep(PAUSE).await;
        let Ok(addresses) = lookup_host(&replicas).await else { continue };
        for address in addresses {
            let theirs = version(&client, address).await;
            let ours = own.borrow().clone();
            if let (Ok(theirs), Some(ours)) = (theirs, ours)
                && ours.yields_to(&theirs)
                && proposals.send(theirs).await.is_err()
            {
                return;
            }
        }
    }
}

async fn version(client: &reqwest::Client, address: SocketAddr) -> reqwest::Result<Version> {
    client.get(format!("http://{address}/zone")).send().await?.error_for_status()?.json().await
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn version(serial: u32, digest: &str) -> Version {
        Version { serial, digest: digest.to_owned() }
    }

    #[rstest]
    #[case::ahead_with_the_same(7, 9, "x", true)]
    #[case::behind_with_the_same(9, 7, "x", false)]
    #[case::equal(9, 9, "x", false)]
    #[case::ahead_with_another(7, 9, "y", false)]
    #[case::ahead_past_zero(u32::MAX, 3, "x", true)]
    fn a_replica_yields_only_to_one_that_is_ahead_with_the_same(
        #[case] own: u32,
        #[case] other: u32,
        #[case] digest: &str,
        #[case] expected: bool,
    ) {
        assert_eq!(version(own, "x").yields_to(&version(other, digest)), expected);
    }
}
