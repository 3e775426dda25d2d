//! One of the client's SQLite databases, opened for reading only and with bounds for a hostile one.
//!
//! `docs/decisions/0036-read-the-clients-databases-in-place.md` says why it is opened in these ways.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags, Row};

use super::files::{Files, Way};
use crate::error::{Error, Result};
use crate::messages::stores as messages;

/// The largest value that is read, in bytes.
pub(super) const VALUE_MAX: i32 = 16 * 1024 * 1024;
/// How long a lock of another program is awaited.
const BUSY: Duration = Duration::from_millis(500);
/// How long reading one database may take.
const READING: Duration = Duration::from_secs(2);
/// How often a database is read again that changed while it was read, and the pause before that.
const ATTEMPTS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(20);
/// After how many steps of SQLite's machine the time is looked at.
const STEPS: i32 = 1000;

/// Settings of a connection to a file of others, after SQLite's "Defense Against The Dark Arts".
pub(super) const SWITCHES: [(DbConfig, bool); 4] = [
    (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
    (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
    (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
    (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
];
const LIMITS: [(Limit, i32); 7] = [
    (Limit::SQLITE_LIMIT_LENGTH, VALUE_MAX),
    (Limit::SQLITE_LIMIT_SQL_LENGTH, 100_000),
    (Limit::SQLITE_LIMIT_VDBE_OP, 25_000),
    (Limit::SQLITE_LIMIT_ATTACHED, 0),
    (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 50),
    (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 1),
    (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
];
const PRAGMAS: &str = "PRAGMA query_only = 1; PRAGMA cell_size_check = 1; PRAGMA mmap_size = 0;
    PRAGMA temp_store = 2; PRAGMA cache_spill = 0;";

/// Closing any descriptor of a file drops all locks that the process has on it. SQLite keeps account of its own
/// descriptors, but two readers in a process could still start different ways.
pub(super) static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Why reading failed.
pub(super) enum Failure {
    Sqlite(rusqlite::Error),
    Refused(Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// A table of the client, and the columns that are read.
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) columns: &'static [&'static str],
}

/// An open database. What is read from it is of one moment.
pub(super) struct Database(Connection);

/// Reads a database by `take`. Returns nothing if it does not exist or is empty. `take` runs again if the database
/// changed meanwhile.
///
/// # Errors
/// `UNSAFE_FILE`, `TOO_LARGE`, `BAD_DATA` for a damaged or foreign database, `TIMEOUT`, `LOCK_TIMEOUT`, `IO`.
pub(super) fn read<T>(
    path: &Path,
    take: impl Fn(&Database) -> std::result::Result<T, Failure>,
) -> Result<Option<T>> {
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let until = Instant::now() + READING;
    let mut last = messages::database_busy();
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            sleep(PAUSE);
        }
        let Some(files) = Files::of(path)? else { return Ok(None) };
        if files.is_empty() {
            return Ok(None);
        }
        let taken = Database::open(&files, until).and_then(|database| take(&database));
        let holds = files.still_hold();
        match taken {
            Ok(taken) if holds => return Ok(Some(taken)),
            Err(Failure::Refused(error)) if holds => return Err(error),
            Err(Failure::Sqlite(error)) if holds && !passes(&error) => return Err(told(&error)),
            Err(Failure::Sqlite(error)) => last = told(&error),
            Ok(_) | Err(Failure::Refused(_)) => last = messages::database_busy(),
        }
        if Instant::now() > until {
            break;
        }
    }
    Err(last)
}

impl Database {
    /// Returns a database that was opened for writing.
    pub(super) fn of(connection: Connection) -> Self {
        Self(connection)
    }

    /// Leaves the log as it is when the database is closed.
    pub(super) fn keep_log(&self) -> rusqlite::Result<()> {
        self.0.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map(|_| ())
    }

    /// Runs statements without results.
    pub(super) fn batch(&self, statements: &str) -> rusqlite::Result<()> {
        self.0.execute_batch(statements)
    }

    /// Runs a statement that changes rows, and returns how many it changed.
    pub(super) fn change(
        &self,
        statement: &'static str,
        values: impl rusqlite::Params,
    ) -> rusqlite::Result<usize> {
        self.0.execute(statement, values)
    }

    fn open(files: &Files, until: Instant) -> std::result::Result<Self, Failure> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
            | OpenFlags::SQLITE_OPEN_URI
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW
            | OpenFlags::SQLITE_OPEN_EXRESCODE;
        let mut connection = Connection::open_with_flags(files.uri(), flags)?;
        connection.busy_timeout(BUSY)?;
        connection.progress_handler(STEPS, Some(move || Instant::now() > until))?;
        for (switch, on) in SWITCHES {
            connection.set_db_config(switch, on)?;
        }
        for (limit, value) in LIMITS {
            connection.set_limit(limit, value)?;
        }
        let database = Self(connection);
        // The last reader would otherwise write the log into the database.
        database.keep_log()?;
        database.batch(PRAGMAS)?;
        if files.way() == Way::Log {
            // The log's index is then in memory. This file system layer knows no locks, so that none is taken.
            database.batch("PRAGMA locking_mode = EXCLUSIVE;")?;
        }
        database.batch("BEGIN;")?;
        Ok(database)
    }

    /// Returns whether a table exists.
    ///
    /// Something else of that name is refused: a view, a virtual table, or columns that are computed would run what
    /// the file says.
    pub(super) fn has(&self, table: &Table) -> std::result::Result<bool, Failure> {
        let foreign = || Failure::Refused(messages::foreign_table(table.name));
        let mut named = self.0.prepare(
            "SELECT type = 'table' AND rootpage > 0 FROM sqlite_schema WHERE name = ?1 COLLATE NOCASE",
        )?;
        let mut rows = named.query([table.name])?;
        let Some(row) = rows.next()? else { return Ok(false) };
        if !matches!(row.get_ref(0)?, ValueRef::Integer(1)) {
            return Err(foreign());
        }
        let mut columns = self.0.prepare(&format!("PRAGMA table_xinfo({})", table.name))?;
        let mut rows = columns.query([])?;
        let mut plain = Vec::new();
        while let Some(row) = rows.next()? {
            let (name, hidden) = (text(row, 1)?, row.get_ref(6)?);
            if matches!(hidden, ValueRef::Integer(0))
                && let Some(known) = table.columns.iter().find(|known| known.as_bytes() == name)
            {
                plain.push(*known);
            }
        }
        if table.columns.iter().all(|column| plain.contains(column)) { Ok(true) } else { Err(foreign()) }
    }

    /// Passes each row of a query to `take`, until that says to stop.
    pub(super) fn each(
        &self,
        query: &'static str,
        key: Option<&str>,
        mut take: impl FnMut(&Row<'_>) -> std::result::Result<(), Failure>,
    ) -> std::result::Result<(), Failure> {
        let mut statement = self.0.prepare(query)?;
        let mut rows = match key {
            Some(key) => statement.query([key])?,
            None => statement.query([])?,
        };
        while let Some(row) = rows.next()? {
            take(row)?;
        }
        Ok(())
    }
}

/// Returns a text or a blob of a row without copying it; nothing for other values.
pub(super) fn text<'r>(row: &'r Row<'_>, column: usize) -> std::result::Result<&'r [u8], Failure> {
    Ok(match row.get_ref(column)? {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes,
        _ => &[],
    })
}

fn code(error: &rusqlite::Error) -> Option<ErrorCode> {
    error.sqlite_error_code()
}

/// Returns whether an error may be gone at the next attempt: another program writes, restores the log's index, or has
/// just closed the database.
fn passes(error: &rusqlite::Error) -> bool {
    use ErrorCode::{CannotOpen, DatabaseBusy, DatabaseLocked, ReadOnly, SchemaChanged};
    matches!(code(error), Some(CannotOpen | DatabaseBusy | DatabaseLocked | ReadOnly | SchemaChanged))
}

/// Returns an error of ours. SQLite's own text may quote the file.
pub(super) fn told(error: &rusqlite::Error) -> Error {
    use ErrorCode::{
        DatabaseBusy, DatabaseCorrupt, DatabaseLocked, NotADatabase, OperationInterrupted, ReadOnly, TooBig,
    };
    match code(error) {
        Some(DatabaseBusy | DatabaseLocked | ReadOnly) => messages::database_busy(),
        None | Some(DatabaseCorrupt | NotADatabase) => messages::database_damaged(),
        Some(OperationInterrupted) => messages::database_slow(READING.as_millis()),
        Some(TooBig) => messages::value_too_large(VALUE_MAX),
        Some(_) => {
            let number = error.sqlite_error().map_or(0, |error| error.extended_code);
            messages::database_not_read(format_args!("SQLite error {number}"))
        }
    }
}
