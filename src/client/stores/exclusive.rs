//! Writes one of the client's SQLite databases: only while no other program has it open, in one transaction, and so that
//! nothing of what was there before is left in it.

use std::path::Path;
use std::sync::PoisonError;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::database::{Database, Failure, ONE_AT_A_TIME, SWITCHES, told};
use super::files::Files;
use crate::error::{Error, Result};
use crate::messages::stores as messages;

/// How long another program is awaited. Commands of the client that are about to end are done by then.
const BUSY: Duration = Duration::from_secs(3);
/// The largest database that is built again in memory, in bytes. The copy of a larger one is in SQLite's directory for
/// temporary files, without a name, while it is built. What gave way to references is in neither.
const IN_MEMORY: u64 = 512 * 1024 * 1024;

/// With the locking mode set before the first access, SQLite takes the whole database, and does not use the memory that it
/// shares with others. A program that has it open holds a lock that prevents this.
const PRAGMAS: &str = "PRAGMA locking_mode = EXCLUSIVE; PRAGMA secure_delete = ON; PRAGMA synchronous = FULL;
    PRAGMA cell_size_check = 1; PRAGMA mmap_size = 0;";

/// Changes a database by `change`, which says whether it did. Free pages and the log are emptied too. Does nothing if the
/// database does not exist or is empty.
///
/// # Errors
/// `LOCK_TIMEOUT` if another program has it open; those of [`Files::of`] and of SQLite. The database is as it was then.
pub(super) fn write(
    path: &Path,
    change: impl FnOnce(&Database) -> std::result::Result<bool, Failure>,
) -> Result<bool> {
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(files) = Files::of(path)?.filter(|files| !files.is_empty()) else { return Ok(false) };
    let database = open(&files).map_err(refused)?;
    let changed = changed(&database, change).map_err(refused)?;
    if changed {
        emptied(&database).map_err(|failure| after(&refused(failure)))?;
    }
    Ok(changed)
}

/// Empties the free pages and the log of a database.
///
/// # Errors
/// Those of [`write`].
pub(super) fn empty(path: &Path) -> Result<()> {
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(files) = Files::of(path)?.filter(|files| !files.is_empty()) else { return Ok(()) };
    let database = open(&files).map_err(refused)?;
    emptied(&database).map_err(refused)
}

/// Makes sure that no other program has a database open. Changes no file.
///
/// # Errors
/// Those of [`write`].
pub(super) fn is_free(path: &Path) -> Result<()> {
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(files) = Files::of(path)?.filter(|files| !files.is_empty()) else { return Ok(()) };
    // A program that has such a database open made its log. SQLite would make one now.
    if files.is_without_its_log() {
        return Ok(());
    }
    let database = open(&files).map_err(refused)?;
    // Closing it would write the log into the database, and remove it.
    database.keep_log().map_err(|error| refused(error.into()))?;
    changed(&database, |_| Ok(false)).map(|_| ()).map_err(refused)
}

fn open(files: &Files) -> std::result::Result<Database, Failure> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let connection = Connection::open_with_flags(files.path(), flags)?;
    connection.busy_timeout(BUSY)?;
    for (switch, on) in SWITCHES {
        connection.set_db_config(switch, on)?;
    }
    let memory = if files.size() <= IN_MEMORY { "MEMORY" } else { "FILE" };
    connection.execute_batch(&format!("{PRAGMAS} PRAGMA temp_store = {memory};"))?;
    Ok(Database::of(connection))
}

fn changed(
    database: &Database,
    change: impl FnOnce(&Database) -> std::result::Result<bool, Failure>,
) -> std::result::Result<bool, Failure> {
    database.batch("BEGIN EXCLUSIVE;")?;
    // An error ends the connection, which undoes what was begun.
    let changed = change(database)?;
    database.batch(if changed { "COMMIT;" } else { "ROLLBACK;" })?;
    Ok(changed)
}

/// Builds the database again, so that it has no free pages and no remains in its pages, and writes the log into it.
fn emptied(database: &Database) -> std::result::Result<(), Failure> {
    database.batch("VACUUM;")?;
    Ok(database.batch("PRAGMA wal_checkpoint(TRUNCATE);")?)
}

fn refused(failure: Failure) -> Error {
    match failure {
        Failure::Refused(error) => error,
        Failure::Sqlite(error) => match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => messages::database_in_use(),
            Some(ErrorCode::DiskFull) => messages::database_no_space(),
            _ => told(&error),
        },
    }
}

/// Says that the change was made, and only its remains are left.
fn after(error: &Error) -> Error {
    messages::not_emptied(error)
}
