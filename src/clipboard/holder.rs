//! The process that holds a secret on the clipboard.

use std::ffi::OsString;
use std::rc::Rc;
use std::thread;

use rustix::process::setsid;
use rustix::stdio::stdout;

use super::{CLEARED_AFTER, NOT_SET, SET};
use crate::secret::SecretString;
use crate::term::stdin::read_stdin;

/// The argument of a process that is to be a holder.
pub(super) const WORD: &str = "__clipboard";
/// The most that a holder reads, in bytes: more than any secret has, and less than one answer on X11 may have.
const MAX: usize = 64 * 1024;

/// Returns whether this process is to be a holder.
#[must_use]
pub fn is_holder(arguments: &[OsString]) -> bool {
    matches!(arguments, [_, word] if word == WORD)
}

/// Reads a secret from standard input, puts it on the clipboard, says so on standard output, and returns when the time
/// is over or another program has copied something.
#[must_use]
pub fn hold() -> u8 {
    // The end of the terminal does not end this process.
    let _ = setsid();
    let Some(secret) = read_stdin(MAX).ok().and_then(|bytes| bytes.to_secret()) else { return 1 };
    // Before the display is asked, because it may never answer, and the parent may be gone.
    if thread::Builder::new().spawn(end_in_time).is_err() {
        return 1;
    }
    let Some(offer) = Offer::make(&Rc::new(secret)) else {
        let _ = answer(NOT_SET);
        return 1;
    };
    // If no one has waited, no one knows that the secret can be pasted.
    if answer(SET) {
        offer.serve();
    }
    0
}

fn answer(byte: u8) -> bool {
    rustix::io::write(stdout(), &[byte]) == Ok(1)
}

/// Ends this process after [`CLEARED_AFTER`]. The display server forgets what it offered.
fn end_in_time() {
    wait();
    std::process::exit(0);
}

/// Waits for [`CLEARED_AFTER`]. The time in which the machine is suspended counts: who opens a laptop again should not
/// find the secret there.
#[cfg(target_os = "linux")]
fn wait() {
    use rustix::thread::{ClockId, NanosleepRelativeResult, Timespec, clock_nanosleep_relative};
    let Ok(mut left) = Timespec::try_from(CLEARED_AFTER) else { return };
    while let NanosleepRelativeResult::Interrupted(rest) = clock_nanosleep_relative(ClockId::Boottime, &left)
    {
        left = rest;
    }
}

#[cfg(not(target_os = "linux"))]
fn wait() {
    thread::sleep(CLEARED_AFTER);
}

/// A secret that other programs can paste.
#[cfg(all(feature = "clipboard", target_os = "linux"))]
enum Offer {
    Wayland(super::wayland::Offer),
    X11(Box<super::x11::Offer>),
}

#[cfg(all(feature = "clipboard", target_os = "linux"))]
impl Offer {
    /// Offers a secret on Wayland, or on X11 if the Wayland compositor lets no program without a window do that. GNOME's
    /// does not, but keeps the clipboards of both in step.
    fn make(secret: &Rc<SecretString>) -> Option<Self> {
        let on_x11 = || super::x11::Offer::make(secret).map(Box::new).map(Self::X11);
        super::wayland::Offer::make(secret).map(Self::Wayland).or_else(on_x11)
    }

    /// Gives the secret to programs that ask, until another program has copied something or the display is gone.
    fn serve(self) {
        match self {
            Self::Wayland(offer) => offer.serve(),
            Self::X11(offer) => offer.serve(),
        }
    }
}

/// No clipboard.
#[cfg(not(all(feature = "clipboard", target_os = "linux")))]
enum Offer {}

#[cfg(not(all(feature = "clipboard", target_os = "linux")))]
impl Offer {
    fn make(_: &Rc<SecretString>) -> Option<Self> {
        None
    }

    fn serve(self) {
        match self {}
    }
}
