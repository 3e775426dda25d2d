//! Messages about the stores in which OpenClaw keeps its credentials. `store` is the path of one, escaped.

use std::fmt::Display;

use crate::error::{Code, Error};

/// What the profiles of a store are called in messages.
pub const PROFILES: &str = "the client's store of profiles";

const INTACT: &str = "run `openclaw doctor`; `openclaw models auth list` says what it holds";

/// A store cannot be used. `error` says why.
pub fn store_not_read(store: &str, error: &Error) -> Error {
    Error::new(error.code(), format!("cannot use {store}: {}", error.what()))
        .with_remedy(error.remedy().to_owned())
}

/// Other stores took all the time that there is for them.
pub fn no_time_left(agent: impl Display, limit: u64) -> Error {
    Error::new(
        Code::Timeout,
        format!("OpenClaw's stores of agent {agent} were not read: those of other agents took {limit} s"),
    )
    .with_remedy(format!("run `strongroom status --agent {agent}`"))
}

/// A database cannot be read at all. `why` is the system's or SQLite's code, without any text of the file.
pub fn database_not_read(why: impl Display) -> Error {
    Error::new(Code::Io, format!("the database cannot be read ({why})"))
}

/// The directory of a database cannot be examined.
pub fn database_not_examined(why: impl Display) -> Error {
    Error::new(Code::Io, format!("the database cannot be examined: {why}"))
}

/// A database, its log or its shared memory is not a regular file of this user.
pub fn foreign_file(which: &str) -> Error {
    Error::new(Code::UnsafeFile, format!("{which} is not a regular file of your own"))
}

/// A database is larger than any that is read.
pub fn database_too_large(which: &str, max: u64) -> Error {
    Error::new(Code::TooLarge, format!("{which} is larger than {max} bytes")).with_remedy(INTACT)
}

/// A database is damaged, or is no database at all.
pub fn database_damaged() -> Error {
    Error::new(Code::BadData, "the database is damaged, or is not an SQLite database").with_remedy(INTACT)
}

/// A table has another form than the client gives it.
pub fn foreign_table(table: &str) -> Error {
    Error::new(Code::BadData, format!("{table} does not have the form that OpenClaw gives it"))
        .with_remedy(INTACT)
}

/// A value in a table is larger than any that is read.
pub fn value_too_large(max: i32) -> Error {
    Error::new(Code::TooLarge, format!("a value in the database is larger than {max} bytes"))
        .with_remedy(INTACT)
}

/// A table has more rows than are read.
pub fn too_many_rows(table: &str, max: usize) -> Error {
    Error::new(Code::TooLarge, format!("{table} has more than {max} rows")).with_remedy(INTACT)
}

/// A database keeps its reader waiting.
pub fn database_slow(milliseconds: u128) -> Error {
    Error::new(Code::Timeout, format!("the database was not read within {milliseconds} ms"))
}

/// Another program changes a database all the time, or did not finish a change.
pub fn database_busy() -> Error {
    Error::new(Code::LockTimeout, "another program is changing the database, or did not finish changing it")
        .with_remedy("try again; if it happens again, stop OpenClaw and start it once")
}

/// The profiles of a store are no object.
pub fn no_profiles() -> Error {
    Error::new(Code::BadData, format!("{PROFILES} does not have the expected form")).with_remedy(INTACT)
}

/// Another program has a database open that is to be written.
pub fn database_in_use() -> Error {
    Error::new(Code::LockTimeout, "another program has the database open, so nothing is written there")
        .with_remedy("stop OpenClaw (`openclaw gateway stop`), then run `strongroom migrate openclaw` again")
}

/// There is no space to build a database again.
pub fn database_no_space() -> Error {
    Error::new(Code::NoSpace, "there is no space to write the database")
}

/// A database was changed, but its free pages were not emptied.
pub fn not_emptied(error: &Error) -> Error {
    Error::new(
        error.code(),
        format!(
            "the secrets gave way to references, but free pages of the database may still have them: {}",
            error.what()
        ),
    )
    .with_remedy("run `strongroom migrate openclaw` again")
}

/// The profiles of a store are not text.
pub fn document_not_text() -> Error {
    Error::new(Code::BadData, format!("{PROFILES} is not valid UTF-8")).with_remedy(INTACT)
}

/// The profiles of a store cannot be written without changing more than was wanted.
pub fn document_not_edited() -> Error {
    Error::new(Code::Internal, format!("{PROFILES} cannot be changed without changing the rest of it"))
}
