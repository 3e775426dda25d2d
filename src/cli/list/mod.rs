//! `list`: shows the index, without unlocking; with `--long` the records too.

mod long;

use std::borrow::Cow;
use std::collections::BTreeSet;

use clap::Args;
use serde::Serialize;
use strongroom_backends::as_data;

use self::long::Long;
use super::Context;
use super::filter_flags::{Filter, Wanted};
use crate::error::Result;
use crate::messages::cli::reading;
use crate::ops::list::{Holds, Listing};
use crate::select::health::WARN_AFTER_MS;
use crate::term::out;
use crate::term::style::{Style, Tone};
use crate::term::table::Table;
use crate::time::{local, relative};
use crate::vault::credential::CredentialType;
use crate::vault::home::Vault;
use crate::vault::id::AgentName;
use crate::vault::index::{self, Entry};

/// List the stored profiles
///
/// Reads the index, without unlocking. --long also decrypts the profiles. No secret is shown.
#[derive(Debug, Args)]
pub struct List {
    /// List the profiles of every agent
    #[arg(long, conflicts_with = "agent")]
    all_agents: bool,
    /// Show also when each was created and rotated, its hosts, user name, helpers and note
    #[arg(long, short = 'l')]
    long: bool,
    #[command(flatten)]
    filter: Filter,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    home: String,
    agents: Vec<AgentDocument<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AgentDocument<'a> {
    agent: &'a str,
    store_path: String,
    profiles: Vec<ProfileDocument<'a>>,
    /// Profiles that are stored and missing from the index.
    unlisted: &'a [String],
    unfinished: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProfileDocument<'a> {
    profile_id: &'a str,
    provider: Option<String>,
    r#type: Option<&'static str>,
    expires: Option<i64>,
    email: Option<Cow<'a, str>>,
    store: Option<Cow<'a, str>>,
    generation: Option<u64>,
    holds: Holds,
    #[serde(flatten)]
    long: Option<long::Document<'a>>,
}

pub(super) fn run(context: &mut Context, args: &List) -> Result<u8> {
    let wanted = args.filter.read()?;
    let vault = if args.long { context.vault()? } else { context.vault_unasked()? };
    let session = if args.long { Some(context.session(&vault)?) } else { None };
    let names = if args.all_agents { vault.agents()? } else { vec![context.agent()?] };
    let ambient = context.ambient();
    let mut agents = Vec::new();
    for name in names {
        let seen = Listing::of(&vault, &name, &ambient)?;
        let mut listed = Listed { unlisted: seen.unlisted(), name, seen, wanted: &wanted, long: None };
        if let Some(session) = &session {
            listed.long = Some(Long::read(&vault, session, &listed)?);
        }
        agents.push(listed);
    }
    if context.json() {
        let document = Document {
            home: as_data(vault.home().path()),
            agents: agents.iter().map(|agent| agent.document(&vault)).collect(),
        };
        context.print_json(&document)?;
        return Ok(0);
    }
    // Output is collected, and printed before each warning, so that both appear in order.
    let (columns, style) = (out::columns(), Style::stdout(&context.env));
    let mut out = String::new();
    for agent in &agents {
        if agents.len() > 1 {
            out.push_str(&format!("Agent {}\n", agent.name));
        }
        let now = context.env.now();
        let is_empty = match &agent.long {
            Some(long) => !long.write(&mut out, agent, now, style),
            None => !write_table(&mut out, agent, now, columns, style),
        };
        let nothing = is_empty && agent.unlisted.is_empty();
        if nothing || !agent.unlisted.is_empty() || agent.seen.unfinished {
            context.print(&std::mem::take(&mut out))?;
        }
        if nothing {
            context.say(&agent.no_profiles());
        }
        if !agent.unlisted.is_empty() {
            context.warn(&reading::unlisted(agent.name.as_str(), &agent.unlisted));
        }
        if agent.seen.unfinished {
            context.warn(reading::UNFINISHED);
        }
    }
    context.print(&out)?;
    Ok(0)
}

/// How many other providers are named if the one that was asked for has no profile.
const OTHERS_MAX: usize = 8;

/// An agent's part of the list.
struct Listed<'a> {
    name: AgentName,
    seen: Listing,
    unlisted: Vec<String>,
    /// Which profiles are listed.
    wanted: &'a Wanted,
    /// The records, if they were asked for.
    long: Option<Long>,
}

impl Listed<'_> {
    fn entries(&self) -> impl Iterator<Item = (Entry<'_>, Holds)> {
        self.seen.entries().filter(|(entry, _)| self.wanted.has_entry(entry))
    }

    /// Returns what is said instead of an empty table.
    fn no_profiles(&self) -> String {
        if !self.wanted.is_of_provider_alone() {
            return reading::none_matches(&self.name);
        }
        let Some(provider) = &self.wanted.provider else {
            return reading::no_profiles(&self.name, &self.name.option());
        };
        let of = |entry: &Entry<'_>| entry.provider().map(|provider| provider.to_string());
        let others: BTreeSet<String> = self.seen.entries().filter_map(|(entry, _)| of(&entry)).collect();
        let others: Vec<String> = others.into_iter().collect();
        reading::no_profiles_of(provider, &self.name, &others, OTHERS_MAX)
    }

    fn document(&self, vault: &Vault) -> AgentDocument<'_> {
        let agents = vault.home().path_of("agents");
        AgentDocument {
            agent: self.name.as_str(),
            store_path: as_data(&agents.join(self.name.as_str()).join(index::FILE)),
            profiles: self.entries().map(|(entry, holds)| self.profile(entry, holds)).collect(),
            unlisted: &self.unlisted,
            unfinished: self.seen.unfinished,
        }
    }

    fn profile<'a>(&'a self, entry: Entry<'a>, holds: Holds) -> ProfileDocument<'a> {
        ProfileDocument {
            profile_id: entry.id,
            provider: entry.provider().map(|provider| provider.to_string()),
            r#type: entry.kind.map(CredentialType::as_str),
            expires: entry.expires,
            generation: entry.mark.as_ref().map(|mark| mark.generation),
            long: self.long.as_ref().and_then(|long| long.document(entry.id)),
            email: entry.email,
            store: entry.mark.map(|mark| mark.store),
            holds,
        }
    }
}

/// Returns what an entry that is not a sealed profile stands for, in words.
fn note_of(holds: Holds) -> &'static str {
    match holds {
        Holds::Sealed => "",
        Holds::Missing => "credential missing",
        Holds::Plaintext => "plain text in the index",
        Holds::Reference => "external reference",
        Holds::Unknown => "not recognized",
    }
}

/// Returns how an expiry is painted.
fn tone_of(expires: Option<i64>, now: i64) -> Option<Tone> {
    match expires?.saturating_sub(now) {
        left if left <= 0 => Some(Tone::Bad),
        left if left <= WARN_AFTER_MS => Some(Tone::Warn),
        _ => None,
    }
}

/// Returns an instant with how long ago it was, or how far it is away.
fn local_and_relative(at: i64, now: i64) -> String {
    format!("{} ({})", local(at), relative(at, now))
}

/// How much of a table is shown, the most first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd)]
enum Detail {
    Everything,
    /// Without dates.
    Relative,
    /// Without the store too.
    Short,
}

/// Appends the table of an agent's profiles, with as much as the terminal is wide enough for. Returns whether there are
/// any.
fn write_table(out: &mut String, agent: &Listed<'_>, now: i64, columns: Option<usize>, style: Style) -> bool {
    let details = [Detail::Everything, Detail::Relative, Detail::Short];
    let table = Table::fitting(columns, &details, |detail| table_of(agent, now, detail, style));
    if table.is_empty() {
        return false;
    }
    table.write_to(out, 0);
    true
}

fn table_of(agent: &Listed<'_>, now: i64, detail: Detail, style: Style) -> Table<5> {
    let with_store = detail < Detail::Short;
    let mut table = Table::new(["PROFILE", "TYPE", "EXPIRES", if with_store { "STORE" } else { "" }, ""]);
    let mut expires = String::new();
    for (entry, holds) in agent.entries() {
        expires.clear();
        match entry.expires {
            None => expires.push('-'),
            Some(at) if detail > Detail::Everything => expires.push_str(&relative(at, now)),
            Some(at) => expires.push_str(&local_and_relative(at, now)),
        }
        let kind = entry.kind.map_or("?", CredentialType::as_str);
        let store = entry.mark.as_ref().map_or("-", |mark| &mark.store);
        table.row([entry.id, kind, &expires, if with_store { store } else { "" }, note_of(holds)]);
        if let Some(tone) = tone_of(entry.expires, now) {
            table.paint(2, style, tone);
        }
    }
    table
}
