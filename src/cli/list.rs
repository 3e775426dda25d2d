//! `list`: what the index shows, without unlocking.

use std::borrow::Cow;
use std::collections::BTreeSet;

use clap::Args;
use serde::Serialize;
use strongroom_backends::as_data;

use super::Context;
use super::context::not_a_secret;
use super::index_warnings::{UNFINISHED, unlisted};
use crate::error::Result;
use crate::ops::list::{Holds, Listing};
use crate::term::table::Table;
use crate::time::{relative, rfc3339};
use crate::vault::credential::CredentialType;
use crate::vault::home::Vault;
use crate::vault::id::{AgentName, Provider};
use crate::vault::index::{self, Entry};

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
    holds: Holds,
}

pub(super) fn run(context: &mut Context, args: &List) -> Result<u8> {
    if let Some(provider) = &args.provider {
        not_a_secret(provider)?;
    }
    let provider: Option<Provider> = args.provider.as_deref().map(str::parse).transpose()?;
    let vault = context.vault_unasked()?;
    let names = if args.all_agents { vault.agents()? } else { vec![context.agent()?] };
    let ambient = context.ambient();
    let mut agents = Vec::new();
    for name in names {
        let seen = Listing::of(&vault, &name, &ambient)?;
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
            context.warn(UNFINISHED);
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
    seen: Listing,
    unlisted: Vec<String>,
    /// The one provider that is shown.
    provider: Option<&'a Provider>,
}

impl Listed<'_> {
    fn entries(&self) -> impl Iterator<Item = (Entry<'_>, Holds)> {
        let shown =
            |entry: &Entry<'_>| self.provider.is_none_or(|wanted| entry.provider().as_ref() == Some(wanted));
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
        let of = |entry: &Entry<'_>| entry.provider().map(|provider| provider.to_string());
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

fn profile(entry: Entry<'_>, holds: Holds) -> ProfileDocument<'_> {
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
            Holds::Sealed => "",
            Holds::Missing => "record missing",
            Holds::Plaintext => "plain text in the index",
            Holds::Reference => "reference elsewhere",
            Holds::Unknown => "not understood",
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
