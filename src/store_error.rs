//! What a failure of a place is as an error of the program.

use std::io;

use strongroom_backends::fs::home::DANGLING;
use strongroom_backends::{StoreError, shown};

use crate::env::Env;
use crate::error::{Code, Error};
use crate::permission;

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound(path) => Self::new(Code::Io, format!("{} is not there", shown(&path))),
            StoreError::Exists(path) => Self::new(Code::Exists, format!("{} exists already", shown(&path))),
            StoreError::Unsafe { path, why } => {
                let error = Self::new(Code::UnsafeFile, format!("{} {why}", shown(&path)));
                match why {
                    DANGLING => error.with_remedy(permission::OF_DANGLING),
                    "is not a directory" => error.with_remedy(
                        "move it away, because a directory of that name is needed; or name another place",
                    ),
                    _ => error,
                }
            }
            StoreError::TooLarge { path, max } => {
                Self::new(Code::TooLarge, format!("{} is larger than {max} bytes", shown(&path)))
            }
            StoreError::NoSpace(path) => {
                Self::new(Code::NoSpace, format!("no space is left to write {}", shown(&path)))
            }
            StoreError::LockTimeout { path, holder, waited } => {
                let holder = holder.map_or_else(
                    || "by another process".to_owned(),
                    |holder| {
                        let held = Env::default().now().saturating_sub(holder.since).max(0);
                        format!("by process {} ({}), for {held} ms", holder.pid, holder.command)
                    },
                );
                Self::new(
                    Code::LockTimeout,
                    format!("{} is held {holder}; waited {} ms", shown(&path), waited.as_millis()),
                )
            }
            StoreError::Denied { path, at, why } => permission::denied(&path, &at, why),
            StoreError::ReadOnly(path) => permission::read_only(&path),
            StoreError::NoLocks { path, source } => permission::no_locks(&path, &reason(&source)),
            StoreError::Io { path, source } => {
                let error = Self::new(Code::Io, format!("{}: {}", shown(&path), reason(&source)));
                let error = permission::limit(&source).into_iter().fold(error, Self::with_remedy);
                error.with_source(of_the_system(&source))
            }
        }
    }
}

/// The system's failure in its own words: these are fixed texts.
fn of_the_system(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(number) => io::Error::from_raw_os_error(number),
        None => error.kind().into(),
    }
}

fn reason(error: &io::Error) -> String {
    of_the_system(error).to_string()
}
