//! Shows the progress of work, and what a command waits for.

use std::fmt::Debug;

use strongroom_backends::fs::lock::Holder;

/// Shows progress to the user. Nothing depends on it, and by default it shows nothing.
pub trait Watch: Debug + Send + Sync {
    /// Work on `total` items begins, of the kind that `what` names ("Encrypting"); earlier work is over.
    fn begins(&self, _what: &'static str, _total: usize) {}

    /// One more item is done. May be called from any thread.
    fn step(&self) {}

    /// Work without a count begins ("Writing to disk").
    fn goes_on(&self, _what: &'static str) {}

    /// The command has been waiting for a lock for a moment. `holder` is who claims to hold it.
    fn waits(&self, _holder: Option<&Holder>) {}
}

/// Shows nothing.
#[derive(Debug)]
pub struct Unwatched;

impl Watch for Unwatched {}
