//! Who is told how long work goes on, and what a command waits for.

use std::fmt::Debug;

use strongroom_backends::fs::lock::Holder;

/// Shows a person that something goes on. Nothing depends on it, and by default nothing is shown.
pub trait Watch: Debug + Send + Sync {
    /// Work on `total` items begins, of the kind that `what` names ("Encrypting"); earlier work is over.
    fn begins(&self, _what: &'static str, _total: usize) {}

    /// One more item is done; from any thread.
    fn step(&self) {}

    /// Work without a count begins ("Writing to disk").
    fn goes_on(&self, _what: &'static str) {}

    /// A lock has been waited for since a moment ago; `holder` says that it holds it.
    fn waits(&self, _holder: Option<&Holder>) {}
}

/// Shows nothing.
#[derive(Debug)]
pub struct Unwatched;

impl Watch for Unwatched {}
