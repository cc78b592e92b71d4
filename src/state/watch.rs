//! Watches: which parts of the state a result depends on, and who sleeps until one of them changes.

/// The parts of the state that a result was made from.
#[derive(Clone, Debug, Default)]
pub struct WatchSet {}

impl WatchSet {
    /// A set that records nothing: for reads that nobody waits on. It is never current.
    pub fn none() -> WatchSet {
        todo!()
    }

    /// True while a result made under this set is what a new evaluation would give. A set that is current is never older than
    /// a root that any reader has already seen.
    pub fn is_current(&self) -> bool {
        todo!()
    }

    /// True when the whole state was replaced by a restore since the set was made; blocking queries answer at once.
    pub fn is_abandoned(&self) -> bool {
        todo!()
    }

    /// Sleeps until something that would wake a blocking query has changed; returns at once if it already has.
    pub async fn changed(&self) {
        todo!()
    }
}
