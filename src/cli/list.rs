//! `list`: what the index shows, without unlocking.

use std::borrow::Cow;
use std::collections::BTreeSet;

use clap::Args;
use serde::Serialize;
use strongroom_backends::as_data;

use super::Context;
use super::context::not_a_secret;
use crate::error::Result;
use crate::term::count::counted;
use crate::term::table::Table;
use crate::vault::agent::Agent;
use crate::vault::credential::CredentialType;
use crate::vault::home::Vault;
use crate::vault::id::{AgentName, ProfileId, Provider};
use crate::vault::index::{self, EntryRef, Index};
use crate::vault::store::Store;
use crate::when::{relative, rfc3339};

/// Show what is stored. No secret is read, and nothing is unlocked.
#[derive(Debug, Args)]
pub struct List {
    /// Show the profiles of every agent
    #[arg(long, conflicts_with = "agent")]
    all_agents: bool,
    /// Show one provider only
    #[arg(long, value_name = "P")]
    provider: Option<String>,
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
    /// Records that the index does not name.
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
    holds: &'static str,
}

pub(super) fn run(context: &mut Context, args: &List) -> Result<u8> {
    if let Some(provider) = &args.provider {
        not_a_secret(provider)?;
    }
    let provider: Option<Provider> = args.provider.as_deref().map(str::parse).transpose()?;
    let vault = context.vault_unasked()?;
    let names = if args.all_agents { vault.agents()? } else { vec![context.agent()?] };
    let mut agents = Vec::new();
    for name in names {
        let seen = match vault.agent(&name)? {
            Some(agent) => View::of(context, &vault, agent)?,
            None => View::default(),
        };
        agents.push(Listed { unlisted: seen.unlisted(), name, seen, provider: provider.as_ref() });
    }
    if context.json() {
        let document = Document {
            home: as_data(vault.home().path()),
            agents: agents.iter().map(|agent| agent.document(&vault)).collect(),
        };
        context.print_json(&document)?;
        return Ok(0);
    }
    // What is printed goes out at once, but for what is said in between.
    let mut out = String::new();
    for agent in &agents {
        if agents.len() > 1 {
            out.push_str(&format!("Agent {}\n", agent.name));
        }
        let is_empty = !write_table(&mut out, agent, context.env.now());
        let nothing = is_empty && agent.unlisted.is_empty();
        if nothing || !agent.unlisted.is_empty() || agent.seen.unfinished {
            context.print(&std::mem::take(&mut out))?;
        }
        if nothing {
            context.say(&agent.told_empty());
        }
        if !agent.unlisted.is_empty() {
            context.warn(&unlisted(agent.name.as_str(), &agent.unlisted));
        }
        if agent.seen.unfinished {
            context.warn("a committed change is not yet put in place; the next change finishes it");
        }
    }
    context.print(&out)?;
    Ok(0)
}

/// So many other providers are named if the one that was asked for has no profile.
const OTHERS_MAX: usize = 8;

/// An agent that is listed.
struct Listed<'a> {
    name: AgentName,
    seen: View,
    unlisted: Vec<String>,
    /// The one provider that is shown.
    provider: Option<&'a Provider>,
}

impl Listed<'_> {
    fn entries(&self) -> impl Iterator<Item = (EntryRef<'_>, &'static str)> {
        let shown = |entry: &EntryRef<'_>| {
            self.provider.is_none_or(|wanted| entry.provider().as_ref() == Some(wanted))
        };
        self.seen.entries().filter(move |(entry, _)| shown(entry))
    }

    /// What is said in place of a table without a row.
    fn told_empty(&self) -> String {
        let Some(provider) = self.provider else {
            return format!(
                "No profiles for agent {}. Store one with `strongroom paste-token --provider anthropic`.",
                self.name
            );
        };
        let of = |entry: &EntryRef<'_>| entry.provider().map(|provider| provider.to_string());
        let others: BTreeSet<String> = self.seen.entries().filter_map(|(entry, _)| of(&entry)).collect();
        let there = match others.len() {
            0 => String::new(),
            1..=OTHERS_MAX => {
                format!(" It has profiles of {}.", others.into_iter().collect::<Vec<_>>().join(", "))
            }
            many => format!(" It has profiles of {many} other providers."),
        };
        format!("No profiles of {provider} for agent {}.{there}", self.name)
    }

    fn document(&self, vault: &Vault) -> AgentDocument<'_> {
        let agents = vault.home().path_of("agents");
        AgentDocument {
            agent: self.name.as_str(),
            store_path: as_data(&agents.join(self.name.as_str()).join(index::FILE)),
            profiles: self.entries().map(|(entry, holds)| profile(entry, holds)).collect(),
            unlisted: &self.unlisted,
            unfinished: self.seen.unfinished,
        }
    }
}

/// The warning about records that an index does not name.
pub(super) fn unlisted(agent: &str, ids: &[String]) -> String {
    let some = ids.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
    let more = if ids.len() > 5 { ", …" } else { "" };
    format!(
        "{} of agent {agent} {} not listed in the index ({some}{more}); nothing is lost: `strongroom doctor --repair` lists {}",
        counted(ids.len() as u64, "record"),
        if ids.len() == 1 { "is" } else { "are" },
        if ids.len() == 1 { "it" } else { "them" }
    )
}

/// How often, and how long apart, is looked again.
const LOOKS: u32 = 3;
const LOOK_PAUSE: std::time::Duration = std::time::Duration::from_millis(10);

/// An agent's index and which of its records are there, as far as that is seen without asking anyone.
#[derive(Default)]
pub(super) struct View {
    /// The index; read through an unfinished transaction where a key is at hand.
    pub index: Index,
    /// The records, sorted.
    records: Vec<ProfileId>,
    /// Whether each of the index's entries has one, in the order of the index.
    has_record: Vec<bool>,
    /// Whether an unfinished transaction could not be read through.
    pub unfinished: bool,
}

impl View {
    /// What is seen. Nothing is locked, so beside a writer the index can name a record that is gone
    /// by now: then it is looked at again.
    pub(super) fn of(context: &Context, vault: &Vault, agent: Agent) -> Result<Self> {
        let unfinished = agent.has_unfinished()?;
        if unfinished && let Ok(session) = context.session_unasked(vault) {
            let ring = session.keys().agent(agent.name().as_str())?;
            let reader = agent.reader(ring, vault.keychain())?;
            return Ok(Self::new(reader.index()?, reader.record_ids()?, false));
        }
        let mut tries = 0;
        loop {
            let seen = Self::new(agent.index()?, agent.record_ids()?.0, unfinished);
            if seen.is_complete() || tries == LOOKS {
                return Ok(seen);
            }
            tries += 1;
            std::thread::sleep(LOOK_PAUSE);
        }
    }

    fn new(index: Index, records: Vec<ProfileId>, unfinished: bool) -> Self {
        let has = |id: &str| records.binary_search_by(|record| record.as_str().cmp(id)).is_ok();
        let has_record = index.ids().map(has).collect();
        Self { index, records, has_record, unfinished }
    }

    /// Whether every entry that should have a record has one. Only the others are read for that.
    fn is_complete(&self) -> bool {
        let without = self.index.ids().zip(&self.has_record).filter(|(_, has)| !**has);
        without.filter_map(|(id, _)| self.index.entry_ref(id)).all(|entry| holds(&entry, false) != "missing")
    }

    /// Records that the index does not name.
    pub(super) fn unlisted(&self) -> Vec<String> {
        // Both name each id once.
        if self.has_record.iter().filter(|has| **has).count() == self.records.len() {
            return Vec::new();
        }
        let listed = |id: &&ProfileId| self.index.contains(id.as_str());
        self.records.iter().filter(|id| !listed(id)).map(ToString::to_string).collect()
    }

    /// The entries in order, and what each stands for: `sealed`, `missing`, `reference`, `plaintext` or
    /// `unknown`.
    pub(super) fn entries(&self) -> impl Iterator<Item = (EntryRef<'_>, &'static str)> {
        let entries = self.index.entry_refs().zip(&self.has_record);
        entries.map(|(entry, has_record)| {
            let holds = holds(&entry, *has_record);
            (entry, holds)
        })
    }
}

fn holds(entry: &EntryRef<'_>, has_record: bool) -> &'static str {
    if entry.plaintext {
        "plaintext"
    } else if has_record || entry.mark.as_ref().is_some_and(|mark| mark.is_in(Store::Keychain)) {
        // Whether the keychain has it is not asked here: it could take long, or be locked.
        "sealed"
    } else if entry.mark.is_some() || entry.reference().is_some() {
        "missing"
    } else if entry.foreign_reference().is_some() {
        "reference"
    } else {
        "unknown"
    }
}

fn profile<'a>(entry: EntryRef<'a>, holds: &'static str) -> ProfileDocument<'a> {
    ProfileDocument {
        profile_id: entry.id,
        provider: entry.provider().map(|provider| provider.to_string()),
        r#type: entry.kind.map(CredentialType::as_str),
        expires: entry.expires,
        generation: entry.mark.as_ref().map(|mark| mark.generation),
        email: entry.email,
        store: entry.mark.map(|mark| mark.store),
        holds,
    }
}

/// Appends the table of an agent's profiles. Says whether there are any.
fn write_table(out: &mut String, agent: &Listed<'_>, now: i64) -> bool {
    let mut table = Table::new(["PROFILE", "TYPE", "EXPIRES", "STORE", ""]);
    let mut expires = String::new();
    for (entry, holds) in agent.entries() {
        expires.clear();
        match entry.expires {
            None => expires.push('-'),
            Some(at) => {
                expires.push_str(&rfc3339(at));
                expires.push_str(" (");
                expires.push_str(&relative(at, now));
                expires.push(')');
            }
        }
        let note = match holds {
            "sealed" => "",
            "missing" => "record missing",
            "plaintext" => "plain text in the index",
            "reference" => "reference elsewhere",
            _ => "not understood",
        };
        let kind = entry.kind.map_or("?", CredentialType::as_str);
        let store = entry.mark.as_ref().map_or("-", |mark| &mark.store);
        table.row([entry.id, kind, &expires, store, note]);
    }
    if table.is_empty() {
        return false;
    }
    table.write_to(out, 0);
    true
}
