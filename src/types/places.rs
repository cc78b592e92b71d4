//! How many of something each address has, so that one of them cannot take it all.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

/// Places taken by address; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Places(Arc<Mutex<HashMap<IpAddr, usize>>>);

impl Places {
    /// Takes a place of `address`, which may have `limit` of them; 0 is no limit.
    pub fn take(&self, address: IpAddr, limit: usize) -> Option<Place> {
        let mut taken = self.0.lock();
        let count = taken.entry(address).or_default();
        if limit > 0 && *count >= limit {
            return None;
        }
        *count += 1;
        Some(Place { places: self.clone(), address })
    }
}

/// A place, given back when dropped.
#[derive(Debug)]
pub struct Place {
    places: Places,
    address: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.0.lock();
        if let Some(count) = taken.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_has_its_own_places_and_gets_them_back() {
        let places = Places::default();
        let [one, two] = ["127.0.0.1", "127.0.0.2"].map(|text| text.parse().expect("an address"));
        let first = places.take(one, 1);
        assert!(first.is_some() && places.take(one, 1).is_none() && places.take(two, 1).is_some());
        assert!(places.take(one, 0).is_some(), "0 is no limit");
        drop(first);
        assert!(places.take(one, 1).is_some());
        assert!(places.0.lock().is_empty());
    }
}
