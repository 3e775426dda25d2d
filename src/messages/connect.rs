//! Messages of `connect` and `disconnect`, and of the client's lock.

use std::path::Path;
use std::time::Duration;

use strongroom_backends::shown;

use crate::error::{Code, Error};

/// The client's lock cannot be written as JSON.
pub fn lock_not_written() -> Error {
    Error::new(Code::Internal, "the client's lock cannot be written")
}

/// The client's lock cannot be made.
pub fn lock_not_made(path: &Path, error: &std::io::Error) -> Error {
    Error::new(Code::Io, format!("cannot make the client's lock {}: {}", shown(path), error.kind()))
}

/// The client, or another program, holds its lock.
pub fn locked_by_client(path: &Path, pid: Option<i32>, waited: Duration) -> Error {
    let by = pid.map(|pid| format!(" by process {pid}")).unwrap_or_default();
    Error::new(Code::LockTimeout, format!("{} is held{by}; waited {} ms", shown(path), waited.as_millis()))
}
