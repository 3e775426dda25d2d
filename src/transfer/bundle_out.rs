//! Writes the contents of a bundle.

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::value::RawValue;

use super::bundle::{MARK, VERSION};
use crate::error::Result;
use crate::messages::transfer as say;
use crate::secret::{self, Buffer, ExposeSecret, SecretString};
use crate::vault::history::Version;
use crate::vault::id::AgentName;
use crate::vault::record::Record;

/// A profile that goes into a bundle.
#[derive(Debug)]
pub struct Outgoing {
    /// Its agent.
    pub agent: AgentName,
    /// Its record.
    pub record: Record,
    /// The earlier versions that go with it, the oldest first, each with the change that wrote it.
    pub versions: Vec<Version>,
}

/// Returns the plaintext of a bundle.
///
/// # Errors
/// `INTERNAL`.
pub fn write(outgoing: &[Outgoing], now: i64) -> Result<Buffer> {
    let out = |outgoing| OutProfile::of(outgoing);
    let profiles = outgoing.iter().map(out).collect::<serde_json::Result<Vec<_>>>();
    let profiles = profiles.map_err(|_| say::bundle_not_written())?;
    let size = profiles.iter().map(OutProfile::size).sum::<usize>() + 256;
    let mut plaintext = Buffer::with_capacity(size);
    serde_json::to_writer(&mut plaintext, &Out { format: MARK, version: VERSION, created: now, profiles })
        .map_err(|_| say::bundle_not_written())?;
    Ok(plaintext)
}

#[derive(Serialize)]
struct Out<'a> {
    format: &'a str,
    version: u32,
    created: i64,
    profiles: Vec<OutProfile<'a>>,
}

#[derive(Serialize)]
struct OutProfile<'a> {
    agent: &'a str,
    profile: &'a str,
    #[serde(flatten)]
    contents: OutContents<'a>,
    /// Only with earlier versions, which are below it.
    #[serde(skip_serializing_if = "Option::is_none")]
    generation: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    history: Vec<OutVersion<'a>>,
}

impl<'a> OutProfile<'a> {
    fn of(outgoing: &'a Outgoing) -> serde_json::Result<Self> {
        let Outgoing { agent, record, versions } = outgoing;
        let history = versions.iter().map(OutVersion::of).collect::<serde_json::Result<Vec<_>>>()?;
        Ok(Self {
            agent: agent.as_str(),
            profile: record.profile.as_str(),
            contents: OutContents::of(record)?,
            generation: (!history.is_empty()).then_some(record.generation),
            history,
        })
    }

    fn size(&self) -> usize {
        self.contents.size() + self.history.iter().map(OutVersion::size).sum::<usize>()
    }
}

/// What a profile and an earlier version have in common.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OutContents<'a> {
    provider: &'a str,
    r#type: &'a str,
    created: i64,
    updated: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    copy_to_agents: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hosts: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    helpers: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
    #[serde(serialize_with = "secret::serialize")]
    secret: &'a SecretString,
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    extra: IndexMap<&'a str, &'a RawValue>,
    /// About how many bytes it takes.
    #[serde(skip)]
    size: usize,
}

impl<'a> OutContents<'a> {
    fn of(record: &'a Record) -> serde_json::Result<Self> {
        let credential = &record.credential;
        let extra = credential
            .extra
            .iter()
            .map(|(key, value)| Ok((key.as_str(), serde_json::from_str(value.expose_secret())?)))
            .collect::<serde_json::Result<IndexMap<_, &RawValue>>>()?;
        let size = 512
            + record.details.size()
            + credential.secret.expose_secret().len()
            + extra.values().map(|raw| raw.get().len() + 64).sum::<usize>();
        Ok(Self {
            provider: credential.provider.as_str(),
            r#type: credential.kind.as_str(),
            created: record.created,
            updated: record.updated,
            expires: credential.expires,
            email: credential.email.as_deref(),
            display_name: credential.display_name.as_deref(),
            copy_to_agents: credential.copy_to_agents,
            hosts: record.details.hosts.as_deref(),
            username: record.details.username.as_deref(),
            helpers: record.details.helpers.as_deref(),
            note: record.details.note.as_deref(),
            secret: &credential.secret,
            extra,
            size,
        })
    }

    /// Returns about how many bytes it takes.
    const fn size(&self) -> usize {
        self.size
    }
}

/// An earlier version. It has no members that say where a secret may go: an undo keeps those of the current record.
#[derive(Serialize)]
struct OutVersion<'a> {
    generation: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    op: Option<&'a str>,
    #[serde(flatten)]
    contents: OutContents<'a>,
}

impl<'a> OutVersion<'a> {
    fn of(version: &'a Version) -> serde_json::Result<Self> {
        let contents = OutContents { hosts: None, helpers: None, ..OutContents::of(&version.record)? };
        let op = version.imported.as_ref().and_then(|imported| imported.op.as_deref());
        Ok(Self { generation: version.record.generation, op, contents })
    }

    /// Returns about how many bytes it takes.
    fn size(&self) -> usize {
        self.contents.size()
    }
}
