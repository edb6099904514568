//! Who holds a TCP connection, and who gives one up when there are too many. No I/O.
//!
//! A client can always come: when all places are taken, the network that holds the most of them gives up the one that has been
//! quiet the longest. So whoever takes many takes them from himself.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::limit::{NETWORK, Prefix};

/// How many connections there may be.
pub const CONNECTIONS: usize = 1024;
/// How many of them one address may hold.
pub const CONNECTIONS_OF_ONE: usize = 64;

/// All places.
#[derive(Clone, Debug, Default)]
pub struct Places(Arc<Mutex<Taken>>);

#[derive(Debug, Default)]
struct Taken {
    next: u64,
    by_number: HashMap<u64, Holder>,
    by_address: HashMap<IpAddr, usize>,
    by_network: HashMap<Prefix, usize>,
}

#[derive(Debug)]
struct Holder {
    client: IpAddr,
    heard: Instant,
    /// One that has shown a key of ours keeps its place.
    known: bool,
    end: CancellationToken,
}

/// Why a client gets no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// Its address holds as many as it may.
    OfThisAddress,
    /// All are held by clients that have shown a key.
    OfKnown,
}

/// A connection's place, given back when it is dropped.
#[derive(Debug)]
pub struct Place {
    places: Places,
    number: u64,
    /// Who holds it.
    pub client: IpAddr,
    /// Cancelled when another takes the place.
    pub end: CancellationToken,
}

impl Places {
    /// A place for a client, and whether another had to give up one.
    ///
    /// # Errors
    /// When it holds too many, or nobody can be asked to leave.
    pub fn take(&self, client: SocketAddr) -> Result<(Place, bool), Full> {
        let client = client.ip().to_canonical();
        let mut taken = self.lock();
        if taken.by_address.get(&client).is_some_and(|count| *count >= CONNECTIONS_OF_ONE) {
            return Err(Full::OfThisAddress);
        }
        let displaced = taken.by_number.len() >= CONNECTIONS;
        if displaced {
            let victim = taken.victim().ok_or(Full::OfKnown)?;
            taken.remove(victim);
        }
        let (number, end) = (taken.next, CancellationToken::new());
        taken.next += 1;
        let holder = Holder { client, heard: Instant::now(), known: false, end: end.clone() };
        taken.by_number.insert(number, holder);
        *taken.by_address.entry(client).or_default() += 1;
        *taken.by_network.entry(Prefix::around(client, NETWORK)).or_default() += 1;
        drop(taken);
        Ok((Place { places: self.clone(), number, client, end }, displaced))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    /// Of the network that holds the most, the connection that has been quiet the longest.
    fn victim(&self) -> Option<u64> {
        let of_network =
            |holder: &Holder| self.by_network.get(&Prefix::around(holder.client, NETWORK)).copied().unwrap_or_default();
        let unknown = self.by_number.iter().filter(|(_, holder)| !holder.known);
        unknown
            .max_by_key(|(_, holder)| (of_network(holder), std::cmp::Reverse(holder.heard)))
            .map(|(number, _)| *number)
    }

    fn remove(&mut self, number: u64) {
        let Some(holder) = self.by_number.remove(&number) else { return };
        holder.end.cancel();
        less(&mut self.by_address, &holder.client);
        less(&mut self.by_network, &Prefix::around(holder.client, NETWORK));
    }
}

fn less<K: Eq + std::hash::Hash>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

impl Place {
    /// The client has said something.
    pub fn heard(&self) {
        self.change(|holder| holder.heard = Instant::now());
    }

    /// The client has shown a key of ours.
    pub fn known(&self) {
        self.change(|holder| holder.known = true);
    }

    fn change(&self, change: impl FnOnce(&mut Holder)) {
        if let Some(holder) = self.places.lock().by_number.get_mut(&self.number) {
            change(holder);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.lock().remove(self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(network: u8, host: u8) -> SocketAddr {
        ([198, 51, network, host], 5353).into()
    }

    fn fill(places: &Places, network: impl Fn(usize) -> (u8, u8)) -> Vec<Place> {
        (0..CONNECTIONS)
            .map(|n| {
                let (network, host) = network(n);
                places.take(address(network, host)).unwrap().0
            })
            .collect()
    }

    #[test]
    fn sixteen_addresses_that_hold_all_places_lose_one_to_who_comes() {
        let places = Places::default();
        let mut held = Vec::new();
        for n in 0..CONNECTIONS {
            held.push(places.take(address(u8::try_from(n / 64).unwrap(), 1)).unwrap().0);
        }
        assert_eq!(places.take(address(3, 1)).unwrap_err(), Full::OfThisAddress);
        held[0].heard();
        let (mine, displaced) = places.take(address(200, 1)).unwrap();
        assert!(displaced && held[1].end.is_cancelled() && !held[0].end.is_cancelled(), "the quietest goes");
        let (second, _) = places.take(address(200, 2)).unwrap();
        assert_eq!(held.iter().filter(|place| place.end.is_cancelled()).count(), 2);
        assert!(!mine.end.is_cancelled() && !second.end.is_cancelled());
        assert_eq!(places.lock().by_number.len(), CONNECTIONS);
        drop((held, mine, second));
        assert!(places.lock().by_number.is_empty());
        assert!(places.lock().by_address.is_empty() && places.lock().by_network.is_empty());
    }

    #[test]
    fn neighbours_count_as_one_network() {
        let places = Places::default();
        // One network holds most of it from many addresses, others have one each.
        let held =
            fill(
                &places,
                |n| if n < 100 { (u8::try_from(n).unwrap(), 1) } else { (250, u8::try_from(n % 100).unwrap()) },
            );
        for n in 0..200 {
            drop(places.take(address(240, n)).unwrap());
        }
        assert!(held[..100].iter().all(|place| !place.end.is_cancelled()));
    }

    #[test]
    fn who_has_shown_a_key_keeps_the_place() {
        let places = Places::default();
        let held = fill(&places, |n| (u8::try_from(n / 64).unwrap(), 1));
        held.iter().for_each(Place::known);
        assert_eq!(places.take(address(200, 1)).unwrap_err(), Full::OfKnown);
        drop(held);
        assert!(!places.take(address(200, 1)).unwrap().1);
    }
}
