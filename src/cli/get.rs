//! `get`: prints one secret, or puts it on the clipboard.

use std::borrow::Cow;

use clap::{Args, ValueEnum};

use super::Context;
use super::context::not_a_secret;
use crate::clipboard;
use crate::env_names;
use crate::error::{Code, Error, Result};
use crate::harden;
use crate::messages::cli::reading;
use crate::messages::clipboard as copying;
use crate::ops::ids;
use crate::ops::open::reading;
use crate::ops::resolve::{self, Scope};
use crate::secret::{Buffer, ExposeSecret};
use crate::term::escape::safe;
use crate::term::out;
use crate::vault::id::{AgentName, ProfileId, Provider};
use crate::vault::record::Record;

/// A field of a profile, as `get` prints it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Field {
    Secret,
    Username,
    Hosts,
    Helpers,
    Note,
    Email,
    DisplayName,
    Provider,
    Type,
}

/// Print one secret, followed by a line break
#[derive(Debug, Args)]
pub struct Get {
    /// Profile id; a provider alone means its best profile, as `status` shows it
    #[arg(value_name = "ID")]
    id: String,
    /// Print this field instead: username, hosts, helpers, note, email, display-name, provider or type
    #[arg(
        long,
        value_enum,
        value_name = "F",
        default_value = "secret",
        hide_default_value = true,
        hide_possible_values = true
    )]
    field: Field,
    /// Print the secret even on a terminal
    #[arg(long)]
    reveal: bool,
    /// Put it on the clipboard of the desktop instead, for 45 s
    #[arg(long, conflicts_with_all = ["reveal", "field"])]
    copy: bool,
    /// Print what is stored even if it is not the version that the vault's ledger names
    #[arg(long)]
    accept_rollback: bool,
}

pub(super) fn run(context: &mut Context, args: &Get) -> Result<u8> {
    let wanted = Wanted::of(context, &args.id)?;
    if args.copy {
        if context.json() {
            return Err(copying::with_json());
        }
        clipboard::refuse_without_display(&context.env)?;
    } else {
        if context.env.stdout_tty && !args.reveal && args.field == Field::Secret {
            return Err(not_revealed(context, &wanted)?);
        }
        out::refuse_closed()?;
    }
    harden::large_buffers_apart();
    let vault = context.vault()?;
    let mut open = context.open(&vault)?;
    let agent = open.agent.clone();
    let profile = match wanted {
        Wanted::Profile(profile) => profile,
        Wanted::BestOf(provider) => {
            let scope = Scope {
                agent: agent.clone(),
                confined: false,
                now: context.env.now(),
                env: context.env.clone(),
            };
            let best = reading(&vault, &mut open.session, |session| {
                resolve::best(&vault, session, &provider, &scope)
            })?;
            if context.env.stderr_tty {
                context.say(&reading::best_of(&provider, &best));
            }
            best
        }
    };
    let record = reading(&vault, &mut open.session, |session| {
        let Some(found) = vault.agent(&agent)? else { return Ok(None) };
        let reader = vault.reader(found, session.keys())?;
        match reader.record(&profile) {
            Err(error) if args.accept_rollback && error.code() != Code::Locked => {
                let found = reader.found_anyhow(&profile)?.ok_or_else(|| error.clone())?;
                context.warn(&reading::printed_anyway(error.what()));
                Ok(Some(found.record))
            }
            Ok(None) if args.accept_rollback => {
                let found = reader.found_anyhow(&profile)?;
                if found.is_some() {
                    context.warn(&reading::not_in_ledger(&profile));
                }
                Ok(found.map(|found| found.record))
            }
            read => read.map_err(|error| with_way_out(error, &profile)),
        }
    })?;
    let record = record.ok_or_else(|| ids::not_found(&vault, &agent, &profile))?;
    if args.field != Field::Secret {
        return print_field(context, &record, args.field);
    }
    let credential = &record.credential;
    let now = context.env.now();
    if let Some(at) = credential.expires.filter(|at| *at <= now) {
        context.warn(&reading::expired(&profile, at, now));
    }
    if args.copy {
        clipboard::put(&credential.secret, &context.env)?;
        context.say(&copying::copied(&profile, clipboard::CLEARED_AFTER));
    } else if context.json() {
        out::write_bytes(&document(&agent, &record)?)?;
    } else {
        out::write_secret(&credential.secret)?;
    }
    Ok(0)
}

/// What is to be printed.
enum Wanted {
    Profile(ProfileId),
    /// The best profile of a provider.
    BestOf(Provider),
}

impl Wanted {
    fn of(context: &Context, text: &str) -> Result<Self> {
        match text.parse::<Provider>() {
            Ok(provider) if is_provider(context, &provider) => {
                not_a_secret(text)?;
                Ok(Self::BestOf(provider))
            }
            // The error says how ids look.
            _ => context.profile_id(text).map(Self::Profile),
        }
    }
}

/// Returns whether a provider is known by name, or the agent has a profile of it. Nothing is unlocked.
fn is_provider(context: &Context, provider: &Provider) -> bool {
    let has_some = || {
        let vault = context.vault().ok()?;
        let index = vault.agent(&context.agent().ok()?).ok()??.index().ok()?;
        let of_provider = |id: &str| id.parse::<ProfileId>().is_ok_and(|id| id.provider() == *provider);
        Some(index.ids().any(of_provider))
    };
    env_names::TABLE.iter().any(|names| names.provider == provider.as_str()) || has_some() == Some(true)
}

/// Returns the error for a secret that would be shown on the terminal. A profile that does not exist is reported as
/// such, not as one that needs `--reveal`.
fn not_revealed(context: &Context, wanted: &Wanted) -> Result<Error> {
    let profile = match wanted {
        Wanted::BestOf(provider) => return Ok(reading::not_revealed(provider)),
        Wanted::Profile(profile) => profile,
    };
    if let Ok(vault) = context.vault()
        && !ids::is_there(&vault, &context.agent()?, profile)?
    {
        return Ok(ids::not_found(&vault, &context.agent()?, profile));
    }
    Ok(reading::not_revealed(profile))
}

/// Prints a field that is not secret. Hosts and helpers stand on a line each.
fn print_field(context: &Context, record: &Record, field: Field) -> Result<u8> {
    let (credential, details) = (&record.credential, &record.details);
    let joined = |names: &Option<Vec<String>>| {
        names.as_ref().filter(|names| !names.is_empty()).map(|names| names.join("\n"))
    };
    let (name, text) = match field {
        Field::Secret => ("secret", None),
        Field::Username => ("user name", details.username.clone()),
        Field::Hosts => ("hosts", joined(&details.hosts)),
        Field::Helpers => ("helpers", joined(&details.helpers)),
        Field::Note => ("note", details.note.clone()),
        Field::Email => ("e-mail address", credential.email.clone()),
        Field::DisplayName => ("display name", credential.display_name.clone()),
        Field::Provider => ("provider", Some(credential.provider.to_string())),
        Field::Type => ("type", Some(credential.kind.to_string())),
    };
    let text = text.ok_or_else(|| reading::no_field(&record.profile, name))?;
    let lines: Vec<_> = if context.env.stdout_tty {
        text.lines().map(safe).collect()
    } else {
        text.lines().map(Cow::Borrowed).collect()
    };
    // Not masked: the id of an AWS access key is a user name.
    let _ = out::write_text(&format!("{}\n", lines.join("\n")))?;
    Ok(0)
}

fn document(agent: &AgentName, record: &Record) -> Result<Buffer> {
    #[derive(serde::Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Document<'a> {
        agent: &'a str,
        profile_id: &'a str,
        provider: &'a str,
        r#type: &'a str,
        expires: Option<i64>,
        generation: u64,
        created: i64,
        updated: i64,
        email: Option<&'a str>,
        display_name: Option<&'a str>,
        username: Option<&'a str>,
        hosts: Option<&'a [String]>,
        helpers: Option<&'a [String]>,
        note: Option<&'a str>,
        secret: &'a str,
    }
    let (credential, details) = (&record.credential, &record.details);
    let mut document = Buffer::with_capacity(credential.secret.expose_secret().len() + 8 * 1024);
    let written = serde_json::to_writer(
        &mut document,
        &Document {
            agent: agent.as_str(),
            profile_id: record.profile.as_str(),
            provider: credential.provider.as_str(),
            r#type: credential.kind.as_str(),
            expires: credential.expires,
            generation: record.generation,
            created: record.created,
            updated: record.updated,
            email: credential.email.as_deref(),
            display_name: credential.display_name.as_deref(),
            username: details.username.as_deref(),
            hosts: details.hosts.as_deref(),
            helpers: details.helpers.as_deref(),
            note: details.note.as_deref(),
            secret: credential.secret.expose_secret(),
        },
    );
    written.map_err(|_| reading::no_document())?;
    document.push(b'\n');
    Ok(document)
}

/// Adds what a person can do about a version that is not the ledger's.
fn with_way_out(error: Error, profile: &ProfileId) -> Error {
    if error.code() == Code::Tampered { reading::tampered(error.what(), &profile.word()) } else { error }
}
