//! `get`: prints one secret.

use clap::Args;

use super::Context;
use crate::error::{Code, Error, Result};
use crate::harden;
use crate::messages::cli::reading;
use crate::ops::ids;
use crate::ops::open::reading;
use crate::secret::{Buffer, ExposeSecret};
use crate::term::out;
use crate::vault::id::{AgentName, ProfileId};
use crate::vault::record::Record;

/// Print one secret, followed by a line break
#[derive(Debug, Args)]
pub struct Get {
    /// Profile id
    #[arg(value_name = "ID")]
    id: String,
    /// Print the secret even on a terminal
    #[arg(long)]
    reveal: bool,
    /// Print what is stored even if it is not the version that the vault's ledger names
    #[arg(long)]
    accept_rollback: bool,
}

pub(super) fn run(context: &mut Context, args: &Get) -> Result<u8> {
    let profile = context.profile_id(&args.id)?;
    if context.env.stdout_tty && !args.reveal {
        // A profile that does not exist is reported as such, not as one that needs --reveal.
        if let Ok(vault) = context.vault()
            && !ids::is_there(&vault, &context.agent()?, &profile)?
        {
            return Err(ids::not_found(&vault, &context.agent()?, &profile));
        }
        return Err(reading::not_revealed(&profile));
    }
    out::refuse_closed()?;
    harden::large_buffers_apart();
    let vault = context.vault()?;
    let mut session = context.session(&vault)?;
    context.verify_agent(&vault, &session)?;
    let agent = context.agent()?;
    let record = reading(&vault, &mut session, |session| {
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
    let credential = &record.credential;
    let now = context.env.now();
    if let Some(at) = credential.expires.filter(|at| *at <= now) {
        context.warn(&reading::expired(&profile, at, now));
    }
    if context.json() {
        out::write_bytes(&document(&agent, &record)?)?;
    } else {
        out::write_secret(&credential.secret)?;
    }
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
        secret: &'a str,
    }
    let credential = &record.credential;
    let mut document = Buffer::with_capacity(credential.secret.expose_secret().len() + 512);
    let written = serde_json::to_writer(
        &mut document,
        &Document {
            agent: agent.as_str(),
            profile_id: record.profile.as_str(),
            provider: credential.provider.as_str(),
            r#type: credential.kind.as_str(),
            expires: credential.expires,
            generation: record.generation,
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
