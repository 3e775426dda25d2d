//! Who is told how long work goes on, and what a command waits for.

use std::fmt;
use std::sync::Arc;

use strongroom_backends::fs::lock::Holder;

/// Shows a person that something goes on. None of it decides anything.
pub trait Watch: Send + Sync {
    /// Work on `total` items begins, of the kind that `what` names ("Sealing"); work before it is over.
    fn begins(&self, what: &'static str, total: usize);
    /// One more item is done; from any thread.
    fn step(&self);
    /// Work without a count begins ("Writing to the disk").
    fn goes_on(&self, what: &'static str);
    /// A lock has been waited for since a moment ago; who says that it holds it.
    fn waits(&self, holder: Option<&Holder>);
}

/// Who is told, if anyone is.
#[derive(Clone, Default)]
pub struct Watched(Option<Arc<dyn Watch>>);

impl Watched {
    /// Told to this one.
    #[must_use]
    pub fn by(watch: Arc<dyn Watch>) -> Self {
        Self(Some(watch))
    }

    /// As [`Watch::begins`].
    pub fn begins(&self, what: &'static str, total: usize) {
        self.0.iter().for_each(|watch| watch.begins(what, total));
    }

    /// As [`Watch::step`].
    pub fn step(&self) {
        self.0.iter().for_each(|watch| watch.step());
    }

    /// As [`Watch::goes_on`].
    pub fn goes_on(&self, what: &'static str) {
        self.0.iter().for_each(|watch| watch.goes_on(what));
    }

    /// As [`Watch::waits`].
    pub fn waits(&self, holder: Option<&Holder>) {
        self.0.iter().for_each(|watch| watch.waits(holder));
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Watched").field(&self.0.is_some()).finish()
    }
}
