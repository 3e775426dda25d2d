//! `list`: what the index shows, without unlocking.

use clap::Args;
use serde::Serialize;
use strongroom_backends::shown;

use super::Context;
use super::context::not_a_secret;
use crate::error::Result;
use crate::term::count::counted;
use crate::term::table::Table;
use crate::vault::agent::Agent;
use crate::vault::home::Vault;
use crate::vault::id::{AgentName, ProfileId, Provider};
use crate::vault::index::{self, Entry, Index};
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
struct Document {
    home: String,
    agents: Vec<AgentDocument>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AgentDocument {
    agent: String,
    store_path: String,
    profiles: Vec<ProfileDocument>,
    /// Records that the index does not name.
    unlisted: Vec<String>,
    unfinished: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProfileDocument {
    profile_id: String,
    provider: Option<String>,
    r#type: Option<&'static str>,
    expires: Option<i64>,
    email: Option<String>,
    store: Option<String>,
    generation: Option<u64>,
    /// `sealed`, `missing`, `reference`, `plaintext` or `unknown`.
    holds: &'static str,
}

pub(super) fn run(context: &mut Context, args: &List) -> Result<u8> {
    if let Some(provider) = &args.provider {
        not_a_secret(provider)?;
    }
    let provider: Option<Provider> = args.provider.as_deref().map(str::parse).transpose()?;
    let vault = context.vault()?;
    let names = if args.all_agents { vault.agents()? } else { vec![context.agent()?] };
    let mut document = Document { home: shown(vault.home.path()), agents: Vec::new() };
    for name in &names {
        document.agents.push(of_agent(context, &vault, name, provider.as_ref())?);
    }
    if context.json() {
        context.print_json(&document)?;
        return Ok(0);
    }
    let several = document.agents.len() > 1;
    for agent in &document.agents {
        if several {
            context.print(&format!("Agent {}", agent.agent))?;
        }
        let text = text(&agent.profiles, context.env.now());
        context.print(&text)?;
        if agent.profiles.is_empty() && agent.unlisted.is_empty() {
            context.say(&format!(
                "No profiles for agent {}. Store one with `strongroom paste-token --provider anthropic`.",
                agent.agent
            ));
        }
        if !agent.unlisted.is_empty() {
            context.warn(&unlisted(&agent.agent, &agent.unlisted));
        }
        if agent.unfinished {
            context.warn("a committed change is not yet put in place; the next change finishes it");
        }
    }
    Ok(0)
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

fn of_agent(
    context: &Context,
    vault: &Vault,
    name: &AgentName,
    provider: Option<&Provider>,
) -> Result<AgentDocument> {
    let mut document = AgentDocument {
        agent: name.to_string(),
        store_path: shown(&vault.home.path_of("agents").join(name.as_str()).join(index::FILE)),
        profiles: Vec::new(),
        unlisted: Vec::new(),
        unfinished: false,
    };
    let Some(agent) = vault.agent(name)? else { return Ok(document) };
    let seen = View::of(context, vault, agent)?;
    document.unfinished = seen.unfinished;
    document.unlisted = seen.unlisted();
    document.profiles = seen
        .index
        .entries()
        .filter(|entry| provider.is_none_or(|wanted| entry.provider.as_ref() == Some(wanted)))
        .map(|entry| profile(&entry, &seen))
        .collect();
    Ok(document)
}

/// How often, and how long apart, is looked again.
const LOOKS: u32 = 3;
const LOOK_PAUSE: std::time::Duration = std::time::Duration::from_millis(10);

/// An agent's index and the names of its records, as far as they are seen without asking anyone.
pub(super) struct View {
    /// The index; read through an unfinished transaction where a key is at hand.
    pub index: Index,
    /// Sorted.
    records: Vec<ProfileId>,
    /// Whether an unfinished transaction could not be read through.
    pub unfinished: bool,
}

impl View {
    /// What is seen. Nothing is locked, so beside a writer the index can name a record that is gone
    /// by now: then it is looked at again.
    pub(super) fn of(context: &Context, vault: &Vault, agent: Agent) -> Result<Self> {
        let unfinished = agent.has_unfinished()?;
        if unfinished && let Ok(session) = context.session_unasked(vault) {
            let ring = session.keys.agent(agent.name.as_str())?;
            let reader = agent.reader(ring, &vault.keychain)?;
            return Ok(Self { index: reader.index()?, records: reader.record_ids()?, unfinished: false });
        }
        let mut tries = 0;
        loop {
            let seen = Self { index: agent.index()?, records: agent.record_ids()?.0, unfinished };
            if seen.is_complete() || tries == LOOKS {
                return Ok(seen);
            }
            tries += 1;
            std::thread::sleep(LOOK_PAUSE);
        }
    }

    /// Whether every entry that should have a record has one. Only the others are read for that.
    fn is_complete(&self) -> bool {
        let without = self.index.ids().filter(|id| !self.has_record(id));
        without.filter_map(|id| self.index.entry(id)).all(|entry| self.holds(&entry) != "missing")
    }

    /// Whether a record rests in its place.
    pub(super) fn has_record(&self, id: &str) -> bool {
        self.records.binary_search_by(|record| record.as_str().cmp(id)).is_ok()
    }

    /// Records that the index does not name.
    pub(super) fn unlisted(&self) -> Vec<String> {
        let listed = |id: &&ProfileId| self.index.contains(id.as_str());
        self.records.iter().filter(|id| !listed(id)).map(ToString::to_string).collect()
    }

    /// What an entry stands for.
    pub(super) fn holds(&self, entry: &Entry) -> &'static str {
        if entry.plaintext {
            "plaintext"
        } else if self.has_record(&entry.id)
            || entry.mark.as_ref().is_some_and(|mark| mark.is_in(Store::Keychain))
        {
            // Whether the keychain has it is not asked here: it could take long, or be locked.
            "sealed"
        } else if entry.mark.is_some() || entry.reference.is_some() {
            "missing"
        } else if entry.foreign_reference.is_some() {
            "reference"
        } else {
            "unknown"
        }
    }
}

fn profile(entry: &Entry, seen: &View) -> ProfileDocument {
    ProfileDocument {
        profile_id: entry.id.clone(),
        provider: entry.provider.as_ref().map(ToString::to_string),
        r#type: entry.kind.map(crate::vault::credential::CredentialType::as_str),
        expires: entry.expires,
        email: entry.email.clone(),
        store: entry.mark.as_ref().map(|mark| mark.store.clone()),
        generation: entry.mark.as_ref().map(|mark| mark.generation),
        holds: seen.holds(entry),
    }
}

fn text(profiles: &[ProfileDocument], now: i64) -> String {
    let mut table = Table::new(["PROFILE", "TYPE", "EXPIRES", "STORE", ""]);
    for profile in profiles {
        let expires = match profile.expires {
            None => "-".to_owned(),
            Some(at) => format!("{} ({})", rfc3339(at), relative(at, now)),
        };
        let note = match profile.holds {
            "sealed" => "",
            "missing" => "record missing",
            "plaintext" => "plain text in the index",
            "reference" => "reference elsewhere",
            _ => "not understood",
        };
        table.row([
            &profile.profile_id,
            profile.r#type.unwrap_or("?"),
            &expires,
            profile.store.as_deref().unwrap_or("-"),
            note,
        ]);
    }
    if table.is_empty() { String::new() } else { table.to_string() }
}
