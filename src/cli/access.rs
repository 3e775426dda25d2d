//! `access add|list|remove`: who may ask the proxy.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use strongroom_backends::{key_file, shown};

use super::Context;
use super::context::not_a_secret;
use super::deferred::Lazy;
use super::expiry_flags::Ends;
use crate::error::Result;
use crate::messages::access as messages;
use crate::ops::access::{self, Added, Listed, Wanted};
use crate::ops::other_clients::must_be_private;
use crate::ops::save::End;
use crate::secret::{Buffer, ExposeSecret, SecretString};
use crate::term::out;
use crate::term::table::Table;
use crate::time::local;
use crate::vault::access::{Access as Known, AccessName};
use crate::vault::id::AgentName;

/// The most requests that a limit can name.
const NUMBER_MAX: u32 = 100_000;

/// Choose who may ask the proxy (`serve`): each client gets a token of its own
#[derive(Debug, Args)]
pub struct Access {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Give a client a token, which stands for an agent's profiles at the proxy
    Add(Lazy<Add>),
    /// List who may ask the proxy
    List(Lazy<List>),
    /// Remove an access: its token stops working, and its open streams end
    Remove(Lazy<Remove>),
}

/// Give a client a token, which stands for an agent's profiles at the proxy
///
/// The token is printed once, alone on standard output; the vault keeps a digest of it. It needs an unlock method,
/// because it lets secrets be used in one more way. The client never gets a secret of the vault.
#[derive(Debug, Args)]
struct Add {
    /// Name of the access: what the log calls the client
    #[arg(value_name = "NAME")]
    name: String,
    /// Let it use the profiles of this provider, in the order that `status` shows
    #[arg(long = "provider", value_name = "P")]
    providers: Vec<String>,
    /// Let it use this profile
    #[arg(long = "profile", value_name = "ID")]
    profiles: Vec<String>,
    #[command(flatten)]
    ends: Ends,
    /// How many requests it may make in a minute [default: no limit]
    #[arg(long, value_name = "N")]
    per_minute: Option<String>,
    /// How many of its requests may run at the same time [default: 64]
    #[arg(long, value_name = "N")]
    at_once: Option<String>,
    /// Write the token to this new file, which only you can read, instead of printing it
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct List {}

#[derive(Debug, Args)]
struct Remove {
    /// Name of the access
    #[arg(value_name = "NAME")]
    name: String,
}

pub(super) fn run(context: &mut Context, args: &Access) -> Result<u8> {
    match &args.verb {
        Verb::Add(args) => add(context, args),
        Verb::List(_) => list(context),
        Verb::Remove(args) => remove(context, args),
    }
}

fn add(context: &mut Context, args: &Add) -> Result<u8> {
    let wanted = wanted(context, args)?;
    if let Some(path) = &args.token_file {
        if key_file::exists(path) {
            return Err(messages::file_exists(&shown(path)));
        }
        must_be_private(path)?;
    }
    if args.token_file.is_none() {
        out::refuse_closed()?;
    }
    let vault = context.vault()?;
    let mut open = context.open_for(&vault, true)?;
    let added = access::add(&mut open, &wanted)?;
    let agent = open.agent.clone();
    let given = match &args.token_file {
        Some(path) => write_token(path, &added.token),
        None => print_token(context, &added, &agent),
    };
    if let Err(error) = given {
        // A token that no one has is no use.
        access::remove(&mut open, &wanted.name)?;
        return Err(error);
    }
    drop(open);
    for provider in &added.without_profile {
        context.warn(&messages::without_profile(provider, &agent));
    }
    let Some(path) = &args.token_file else { return Ok(0) };
    if context.json() {
        let mut document = told(&added.access);
        document["tokenFile"] = path.to_string_lossy().into();
        context.print_json(&document)?;
    } else {
        context.say(&messages::added(&added.access.name, &agent));
        context.say(&messages::token_written(&shown(path)));
    }
    Ok(0)
}

fn write_token(path: &Path, token: &SecretString) -> Result<()> {
    let mut line = Buffer::default();
    line.extend(token.expose_secret().as_bytes());
    line.push(b'\n');
    Ok(key_file::create(path, line.expose())?)
}

fn print_token(context: &mut Context, added: &Added, agent: &AgentName) -> Result<()> {
    if context.json() {
        let mut document = told(&added.access);
        document["token"] = added.token.expose_secret().into();
        return context.print_json(&document);
    }
    context.say(&messages::added(&added.access.name, agent));
    if context.env.stdout_tty {
        context.say(messages::TOKEN_ONCE);
    }
    out::write_secret(&added.token)
}

fn wanted(context: &Context, args: &Add) -> Result<Wanted> {
    let providers = args.providers.iter().map(|provider| {
        not_a_secret(provider)?;
        provider.parse()
    });
    let providers = providers.collect::<Result<Vec<_>>>()?;
    let profiles = args.profiles.iter().map(|id| context.profile_id(id)).collect::<Result<Vec<_>>>()?;
    if providers.is_empty() && profiles.is_empty() {
        return Err(messages::bound_to_nothing());
    }
    let expires = match args.ends.read(context.env.now())? {
        End::At(at) | End::Usual(at) => Some(at),
        End::Never | End::Unsaid => None,
    };
    Ok(Wanted {
        name: name(&args.name)?,
        providers,
        profiles,
        per_minute: args.per_minute.as_deref().map(|text| number("--per-minute", text)).transpose()?,
        at_once: args.at_once.as_deref().map(|text| number("--at-once", text)).transpose()?,
        expires,
    })
}

fn name(text: &str) -> Result<AccessName> {
    not_a_secret(text)?;
    text.parse()
}

fn number(flag: &str, text: &str) -> Result<u32> {
    let number = text.parse().ok().filter(|number| (1..=NUMBER_MAX).contains(number));
    number.ok_or_else(|| messages::not_a_number(flag, NUMBER_MAX))
}

fn list(context: &mut Context) -> Result<u8> {
    let vault = context.vault()?;
    let mut open = context.open(&vault)?;
    let listed = access::list(&mut open)?;
    if context.json() {
        let told = |listed: &Listed| match listed {
            Listed::Access(access) => told(access),
            Listed::Newer(name) => serde_json::json!({ "name": name, "served": false }),
        };
        let accesses: Vec<_> = listed.iter().map(told).collect();
        context.print_json(&serde_json::json!({ "agent": open.agent.as_str(), "accesses": accesses }))?;
        return Ok(0);
    }
    if listed.is_empty() {
        context.say(messages::NONE);
        return Ok(0);
    }
    let mut table = Table::new(["NAME", "FOR", "LIMITS", "ENDS"]);
    for listed in &listed {
        match listed {
            Listed::Access(access) => table.row([
                access.name.as_str(),
                &access.bound_to().join(", "),
                &messages::limits(access.per_minute, access.at_once),
                &access.expires.map_or_else(|| messages::NEVER.to_owned(), local),
            ]),
            Listed::Newer(name) => table.row([name, messages::NEWER, "", ""]),
        }
    }
    context.print(&table.to_string())?;
    Ok(0)
}

fn remove(context: &mut Context, args: &Remove) -> Result<u8> {
    let name = name(&args.name)?;
    let vault = context.vault()?;
    let mut open = context.open(&vault)?;
    access::remove(&mut open, &name)?;
    if context.json() {
        context.print_json(&serde_json::json!({ "name": name.as_str(), "result": "removed" }))?;
    } else {
        context.print(&messages::removed(&name))?;
    }
    Ok(0)
}

fn told(access: &Known) -> serde_json::Value {
    let ids: Vec<_> = access.profiles.iter().map(|profile| profile.id.as_str()).collect();
    let providers: Vec<_> = access.providers.iter().map(ToString::to_string).collect();
    let mut document = serde_json::json!({
        "name": access.name.as_str(), "providers": providers, "profiles": ids, "atOnce": access.at_once,
        "created": access.created,
    });
    if let Some(rate) = access.per_minute {
        document["perMinute"] = rate.into();
    }
    if let Some(at) = access.expires {
        document["expires"] = at.into();
    }
    document
}
