//! Databases as OpenClaw 2026.9.6 makes them, for tests.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

/// The tables of the client, as its schema has them.
pub(super) const TABLES: &str = "
    CREATE TABLE config_machine_state (
        state_key TEXT NOT NULL PRIMARY KEY, value_json TEXT NOT NULL, updated_at_ms INTEGER NOT NULL) STRICT;
    CREATE TABLE auth_profile_store (
        store_key TEXT NOT NULL PRIMARY KEY, store_json TEXT NOT NULL, updated_at INTEGER NOT NULL) STRICT;
    CREATE TABLE auth_profile_state (
        state_key TEXT NOT NULL PRIMARY KEY, state_json TEXT NOT NULL, updated_at INTEGER NOT NULL) STRICT;
    CREATE TABLE secret_store_entries (
        scope_kind TEXT NOT NULL, scope_id TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, kind TEXT NOT NULL,
        created_at_ms INTEGER NOT NULL, updated_at_ms INTEGER NOT NULL, updated_by TEXT, deleted_at_ms INTEGER,
        allowed_hosts TEXT, PRIMARY KEY (scope_kind, scope_id, name)) STRICT;";

/// A profile in plain text.
pub(super) const PLAIN: &str =
    r#"{"version":1,"profiles":{"groq:one":{"type":"api_key","provider":"groq","key":"made-up"}}}"#;

/// Makes a database in a directory with a log of its own, and returns its path and the open connection of its writer.
pub(super) fn database(directory: &Path, sql: &str) -> (PathBuf, Connection) {
    database_at(&directory.join("openclaw-agent.sqlite"), sql)
}

/// Makes the same at a path.
pub(super) fn database_at(path: &Path, sql: &str) -> (PathBuf, Connection) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let writer = Connection::open(path).unwrap();
    writer
        .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = 0; PRAGMA wal_autocheckpoint = 0;")
        .unwrap();
    writer.execute_batch(sql).unwrap();
    (path.to_owned(), writer)
}

/// Writes the profiles of an agent.
pub(super) fn store(writer: &Connection, json: &str) {
    writer.execute("INSERT OR REPLACE INTO auth_profile_store VALUES ('primary', ?1, 1)", [json]).unwrap();
}

/// Writes a value of the shared database.
pub(super) fn machine_state(writer: &Connection, key: &str, json: &str) {
    writer.execute("INSERT OR REPLACE INTO config_machine_state VALUES (?1, ?2, 1)", [key, json]).unwrap();
}
