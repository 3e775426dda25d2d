//! `list --long`: what the records say apart from their secrets.

use std::collections::HashMap;

use serde::Serialize;

use super::{Listed, local_and_relative, note_of, tone_of};
use crate::error::{Error, Result};
use crate::ops::list::{Holds, records};
use crate::term::style::Style;
use crate::term::table::Table;
use crate::vault::credential::CredentialType;
use crate::vault::home::{Session, Vault};
use crate::vault::index::Entry;
use crate::vault::record::Record;

/// How far the lines of a profile are indented.
const INDENT: usize = 2;

/// The records of the profiles that are listed, or why one cannot be read, by profile id.
pub(super) struct Long(HashMap<String, Result<Record>>);

/// What a record says, for scripts. A member that has no value is null.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Document<'a> {
    created: Option<i64>,
    updated: Option<i64>,
    rotated: Option<i64>,
    display_name: Option<&'a str>,
    username: Option<&'a str>,
    hosts: Option<&'a [String]>,
    helpers: Option<&'a [String]>,
    note: Option<&'a str>,
    /// The code of the error, if the record cannot be read.
    unreadable: Option<&'static str>,
}

impl Long {
    /// Decrypts the records of the profiles that are listed.
    ///
    /// # Errors
    /// Those of reading the agent's directory and its ledger.
    pub(super) fn read(vault: &Vault, session: &Session, listed: &Listed<'_>) -> Result<Self> {
        let sealed = listed.entries().filter(|(_, holds)| *holds == Holds::Sealed);
        let ids: Vec<_> = sealed.filter_map(|(entry, _)| entry.id.parse().ok()).collect();
        let read = records(vault, session, &listed.name, &ids)?;
        let found = read.into_iter().filter_map(|(id, record)| Some((id.to_string(), record.transpose()?)));
        Ok(Self(found.collect()))
    }

    /// Appends a paragraph for each profile. Returns whether there are any.
    pub(super) fn write(&self, out: &mut String, listed: &Listed<'_>, now: i64, style: Style) -> bool {
        let begin = out.len();
        for (entry, holds) in listed.entries() {
            if out.len() > begin {
                out.push('\n');
            }
            let mut heading = Table::default();
            heading.row([entry.id]);
            heading.write_to(out, 0);
            self.paragraph(&entry, holds, now, style).write_to(out, INDENT);
        }
        out.len() > begin
    }

    fn paragraph(&self, entry: &Entry<'_>, holds: Holds, now: i64, style: Style) -> Table<2> {
        let mut table = Table::default();
        let read = self.0.get(entry.id);
        let record = read.and_then(|read| read.as_ref().ok());
        let kind = record.map(|record| record.credential.kind).or(entry.kind);
        table.row(["type", kind.map_or("?", CredentialType::as_str)]);
        if let Some(mark) = &entry.mark {
            table.row(["store", &mark.store]);
        }
        if let Some(record) = record {
            table.row(["created", &local_and_relative(record.created, now)]);
            if record.rotated_at() != record.created {
                table.row(["rotated", &local_and_relative(record.rotated_at(), now)]);
            }
        }
        let expires = record.map_or(entry.expires, |record| record.credential.expires);
        if let Some(at) = expires {
            table.row(["expires", &local_and_relative(at, now)]);
            if let Some(tone) = tone_of(expires, now) {
                table.paint(1, style, tone);
            }
        }
        if let Some(record) = record {
            let credential = &record.credential;
            for (name, text) in [("name", &credential.display_name), ("e-mail", &credential.email)] {
                if let Some(text) = text {
                    table.row([name, text]);
                }
            }
            for (name, lines) in record.details.lines() {
                for (n, line) in lines.into_iter().enumerate() {
                    table.row([if n == 0 { name } else { "" }, line]);
                }
            }
        }
        match read {
            Some(Err(error)) => table.row(["unreadable", &told(error)]),
            _ if holds != Holds::Sealed => table.row(["note", note_of(holds)]),
            _ => {}
        }
        table
    }

    /// Returns what the record of a profile says; `None` if there is no record.
    pub(super) fn document(&self, id: &str) -> Option<Document<'_>> {
        let read = self.0.get(id)?;
        let record = read.as_ref().ok();
        let details = record.map(|record| &record.details);
        Some(Document {
            created: record.map(|record| record.created),
            updated: record.map(|record| record.updated),
            rotated: record.map(Record::rotated_at),
            display_name: record.and_then(|record| record.credential.display_name.as_deref()),
            username: details.and_then(|details| details.username.as_deref()),
            hosts: details.and_then(|details| details.hosts.as_deref()),
            helpers: details.and_then(|details| details.helpers.as_deref()),
            note: details.and_then(|details| details.note.as_deref()),
            unreadable: read.as_ref().err().map(|error| error.code().name()),
        })
    }
}

fn told(error: &Error) -> String {
    format!("{} ({})", error.what(), error.code().name())
}
