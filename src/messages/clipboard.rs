//! Messages about the clipboard of the desktop.

use std::fmt::Display;
use std::io;
use std::time::Duration;

use crate::error::{Code, Error};

/// A secret was put on the clipboard.
#[must_use]
pub fn copied(profile: impl Display, cleared_after: Duration) -> String {
    format!("Copied the secret of {profile}; the clipboard is cleared in {} s.", cleared_after.as_secs())
}

/// No variable names a display.
#[must_use]
pub fn no_display() -> Error {
    Error::new(Code::ClipboardUnavailable, "there is no desktop: WAYLAND_DISPLAY and DISPLAY are not set")
}

/// The program was built without it, or for another system.
#[must_use]
pub fn not_built() -> Error {
    Error::new(
        Code::ClipboardUnavailable,
        "this strongroom cannot set the clipboard: only builds for Linux can",
    )
    .with_remedy("to show the secret instead, use `--reveal` in place of `--copy`")
}

/// No display takes the secret.
#[must_use]
pub fn not_taken() -> Error {
    Error::new(
        Code::ClipboardUnavailable,
        "cannot set the clipboard: the display that WAYLAND_DISPLAY or DISPLAY names cannot be reached, does not allow it, or belongs to another user",
    )
}

/// The display does not answer.
#[must_use]
pub fn no_answer(limit: Duration) -> Error {
    Error::new(
        Code::Timeout,
        format!("cannot set the clipboard: the display did not answer within {} s", limit.as_secs_f32()),
    )
    .with_remedy(Code::ClipboardUnavailable.remedy())
}

/// The process that holds the secret could not be started.
#[must_use]
pub fn no_holder(source: &io::Error) -> Error {
    Error::new(Code::Io, format!("cannot start the process that holds the clipboard: {source}"))
        .with_remedy(Code::ClipboardUnavailable.remedy())
}

/// `--copy` was combined with `--json`.
#[must_use]
pub fn with_json() -> Error {
    Error::new(Code::Usage, "`--copy` and `--json` cannot be combined: nothing is printed")
        .with_remedy("leave out one of them")
}
