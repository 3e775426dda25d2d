//! The tables in which the client keeps credentials, from 2026.6.5 on.

use std::collections::HashSet;
use std::path::Path;

use super::database::{self, Database, Failure, Table, text};
use super::exclusive;
use super::named::{NamedSecret, Scope};
use crate::error::Result;
use crate::messages::stores as messages;
use crate::secret::{Buffer, ExposeSecret, SecretString};

/// The most entries of the `store` source that are read.
const ENTRIES_MAX: usize = 10_000;

const MACHINE_STATE: Table = Table { name: "config_machine_state", columns: &["state_key", "value_json"] };
const OF_MACHINE: &str = "SELECT value_json FROM config_machine_state WHERE state_key = ?1 LIMIT 1";
const SHARED_PROFILES: &str = "authProfiles.store";
const AGENT_STORE: Table = Table { name: "auth_profile_store", columns: &["store_key", "store_json"] };
const OF_STORE: &str = "SELECT store_json FROM auth_profile_store WHERE store_key = ?1 LIMIT 1";
const AGENT_STATE: Table = Table { name: "auth_profile_state", columns: &["state_key", "state_json"] };
const OF_STATE: &str = "SELECT state_json FROM auth_profile_state WHERE state_key = ?1 LIMIT 1";
/// The key of the one row of an agent's tables.
const PRIMARY: &str = "primary";

const ENTRIES: Table = Table {
    name: "secret_store_entries",
    columns: &["scope_kind", "scope_id", "name", "value", "deleted_at_ms"],
};
const OF_ENTRIES: &str = "SELECT scope_kind, scope_id, name, value, deleted_at_ms IS NOT NULL FROM secret_store_entries LIMIT 10001";

/// The same, with what tells how an entry is used. Older databases do not have these columns.
const USES: Table = Table {
    name: "secret_store_entries",
    columns: &["scope_kind", "scope_id", "name", "value", "kind", "allowed_hosts", "deleted_at_ms"],
};
const OF_INERT: &str =
    "SELECT name FROM secret_store_entries WHERE scope_kind = 'team' AND scope_id = '' AND kind = 'secret'
    AND coalesce(allowed_hosts, '') IN ('', '[]') AND deleted_at_ms IS NULL LIMIT 10001";

/// What an agent's database holds, as the client's JSON.
#[derive(Debug, Default)]
pub(super) struct AgentRows {
    pub(super) profiles: Option<Buffer>,
    pub(super) state: Option<Buffer>,
}

/// What the shared database holds, as the client's JSON.
#[derive(Debug, Default)]
pub(super) struct SharedRows {
    pub(super) rows: AgentRows,
    /// Where the client keeps the profiles that its agents share.
    pub(super) location: Option<Buffer>,
    pub(super) named: Vec<NamedSecret>,
}

/// Reads an agent's database. Returns nothing if it does not exist.
///
/// # Errors
/// Those of [`database::read`].
pub(super) fn of_agent(path: &Path) -> Result<Option<AgentRows>> {
    database::read(path, |database| {
        Ok(AgentRows {
            profiles: cell(database, &AGENT_STORE, OF_STORE, PRIMARY)?,
            state: cell(database, &AGENT_STATE, OF_STATE, PRIMARY)?,
        })
    })
}

/// Reads the shared database. Returns nothing if it does not exist.
///
/// # Errors
/// Those of [`database::read`], and `TOO_LARGE` for too many entries of the `store` source.
pub(super) fn shared(path: &Path) -> Result<Option<SharedRows>> {
    database::read(path, |database| {
        let of = |key| cell(database, &MACHINE_STATE, OF_MACHINE, key);
        Ok(SharedRows {
            rows: AgentRows { profiles: of(SHARED_PROFILES)?, state: of("authProfiles.state")? },
            location: of("auth.sharedStore")?,
            named: named(database)?,
        })
    })
}

/// Reads the one value of a key. Returns nothing if the table or the row does not exist.
fn cell(
    database: &Database,
    table: &Table,
    query: &'static str,
    key: &str,
) -> std::result::Result<Option<Buffer>, Failure> {
    let mut found = None;
    if database.has(table)? {
        database.each(query, Some(key), |row| {
            found = Some(buffer(text(row, 0)?));
            Ok(())
        })?;
    }
    Ok(found)
}

fn named(database: &Database) -> std::result::Result<Vec<NamedSecret>, Failure> {
    let mut found = Vec::new();
    if !database.has(&ENTRIES)? {
        return Ok(found);
    }
    database.each(OF_ENTRIES, None, |row| {
        if found.len() >= ENTRIES_MAX {
            return Err(Failure::Refused(messages::too_many_rows(ENTRIES.name, ENTRIES_MAX)));
        }
        let plain = |column| Ok::<_, Failure>(String::from_utf8_lossy(text(row, column)?).into_owned());
        found.push(NamedSecret {
            scope: match (plain(0)?.as_str(), plain(1)?) {
                ("team", id) if id.is_empty() => Scope::Team,
                (_, id) => Scope::Identity(id),
            },
            name: plain(2)?,
            value: std::str::from_utf8(text(row, 3)?).ok().map(SecretString::from),
            deleted: row.get(4)?,
            is_inert: false,
        });
        Ok(())
    })?;
    if matches!(database.has(&USES), Ok(true)) {
        let mut inert = HashSet::new();
        database.each(OF_INERT, None, |row| {
            inert.insert(text(row, 0)?.to_owned());
            Ok(())
        })?;
        for one in found.iter_mut().filter(|one| one.scope == Scope::Team && !one.deleted) {
            one.is_inert = inert.contains(one.name.as_bytes());
        }
    }
    Ok(found)
}

/// What is written into a database.
pub(super) struct Rewrite<'r> {
    /// Returns the profiles as they should be, or nothing if they are.
    pub(super) document: &'r dyn Fn(&str) -> Result<Option<Buffer>>,
    /// The entries of the `store` source that are removed, unless they have another value by then.
    pub(super) named: &'r [(&'r str, &'r SecretString)],
    /// The time, in Unix milliseconds.
    pub(super) now: i64,
}

const SET_MACHINE: &str =
    "UPDATE config_machine_state SET value_json = ?2, updated_at_ms = ?3 WHERE state_key = ?1";
const SET_STORE: &str = "UPDATE auth_profile_store SET store_json = ?2, updated_at = ?3 WHERE store_key = ?1";
const REMOVE_ENTRY: &str = "DELETE FROM secret_store_entries
    WHERE scope_kind = 'team' AND scope_id = '' AND name = ?1 AND value = ?2 AND kind = 'secret'
    AND coalesce(allowed_hosts, '') IN ('', '[]') AND deleted_at_ms IS NULL";

/// Writes an agent's database.
///
/// # Errors
/// Those of [`exclusive::write`].
pub(super) fn rewrite_agent(path: &Path, rewrite: &Rewrite<'_>) -> Result<bool> {
    exclusive::write(path, |database| {
        rewritten(database, &AGENT_STORE, (OF_STORE, SET_STORE), PRIMARY, rewrite)
    })
}

/// Writes the shared database.
///
/// # Errors
/// Those of [`exclusive::write`].
pub(super) fn rewrite_shared(path: &Path, rewrite: &Rewrite<'_>) -> Result<bool> {
    exclusive::write(path, |database| {
        let mut changed =
            rewritten(database, &MACHINE_STATE, (OF_MACHINE, SET_MACHINE), SHARED_PROFILES, rewrite)?;
        if !rewrite.named.is_empty() && database.has(&USES)? {
            for (name, value) in rewrite.named {
                changed |= database.change(REMOVE_ENTRY, [name, value.expose_secret()])? > 0;
            }
        }
        Ok(changed)
    })
}

fn rewritten(
    database: &Database,
    table: &Table,
    (read, write): (&'static str, &'static str),
    key: &str,
    rewrite: &Rewrite<'_>,
) -> std::result::Result<bool, Failure> {
    let Some(document) = cell(database, table, read, key)? else { return Ok(false) };
    let text = document.expose_str().ok_or_else(|| Failure::Refused(messages::document_not_text()))?;
    let Some(wanted) = (rewrite.document)(text).map_err(Failure::Refused)? else { return Ok(false) };
    let wanted = wanted.expose_str().ok_or_else(|| Failure::Refused(messages::document_not_text()))?;
    if database.change(write, (key, wanted, rewrite.now))? == 1 {
        return Ok(true);
    }
    Err(Failure::Refused(messages::foreign_table(table.name)))
}

fn buffer(bytes: &[u8]) -> Buffer {
    let mut buffer = Buffer::with_capacity(bytes.len());
    buffer.extend(bytes);
    buffer
}
