//! Converts errors of the storage backends into errors of the program.

use std::io;

use strongroom_backends::StoreError;
use strongroom_backends::fs::home::DANGLING;

use crate::env::Env;
use crate::error::Error;
use crate::messages::places;
use crate::permission;

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound(path) => places::not_found(&path),
            StoreError::Exists(path) => places::already_exists(&path),
            StoreError::Unsafe { path, why } => {
                let error = places::unsafe_file(&path, why);
                match why {
                    DANGLING => error.with_remedy(permission::OF_DANGLING),
                    "is not a directory" => error.with_remedy(places::NEED_DIRECTORY),
                    _ => error,
                }
            }
            StoreError::TooLarge { path, max } => places::too_large(&path, max),
            StoreError::NoSpace(path) => places::no_space(&path),
            StoreError::LockTimeout { path, holder, waited } => {
                let holder = holder.map_or_else(places::unknown_holder, |holder| {
                    let held = Env::default().now().saturating_sub(holder.since).max(0);
                    places::holder(holder.pid, &holder.command, held)
                });
                places::lock_timeout(&path, &holder, waited.as_millis())
            }
            StoreError::Denied { path, at, why } => permission::denied(&path, &at, why),
            StoreError::ReadOnly(path) => permission::read_only(&path),
            StoreError::NoLocks { path, source } => permission::no_locks(&path, &reason(&source)),
            StoreError::Io { path, source } => {
                let error = places::failed(&path, &reason(&source));
                let error = permission::limit(&source).into_iter().fold(error, Self::with_remedy);
                error.with_source(of_the_system(&source))
            }
        }
    }
}

/// Returns the system's own error, whose text is fixed and quotes nothing.
fn of_the_system(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(number) => io::Error::from_raw_os_error(number),
        None => error.kind().into(),
    }
}

fn reason(error: &io::Error) -> String {
    of_the_system(error).to_string()
}
