//! `get`: prints one secret.

use clap::Args;

use super::Context;
use crate::error::{Code, Error, Result, fail};
use crate::harden;
use crate::ops::ids;
use crate::ops::open::reading;
use crate::secret::{Buffer, ExposeSecret};
use crate::term::out;
use crate::time::relative;
use crate::vault::id::{AgentName, ProfileId};
use crate::vault::record::Record;

/// Print one secret, and a line break.
#[derive(Debug, Args)]
pub struct Get {
    /// The profile
    #[arg(value_name = "ID")]
    id: String,
    /// Show it even on a terminal
    #[arg(long)]
    reveal: bool,
    /// Print what is there even if it is not what the vault's ledger names
    #[arg(long)]
    accept_rollback: bool,
}

pub(super) fn run(context: &mut Context, args: &Get) -> Result<u8> {
    let profile = context.profile_id(&args.id)?;
    if context.env.stdout_tty && !args.reveal {
        // What is not there needs no --reveal.
        if let Ok(vault) = context.vault()
            && !ids::is_there(&vault, &context.agent()?, &profile)?
        {
            return Err(ids::not_found(&vault, &context.agent()?, &profile));
        }
        return fail(Code::NotRevealed, format!("the secret of {profile} would be shown on a terminal"));
    }
    out::refuse_closed()?;
    harden::large_buffers_apart();
    let vault = context.vault()?;
    let mut session = context.session(&vault)?;
    let agent = context.agent()?;
    let record = reading(&vault, &mut session, |session| {
        let Some(found) = vault.agent(&agent)? else { return Ok(None) };
        let reader = vault.reader(found, session.keys())?;
        match reader.record(&profile) {
            Err(error) if args.accept_rollback && error.code() != Code::Locked => {
                let found = reader.found_anyhow(&profile)?.ok_or_else(|| error.clone())?;
                context.warn(&format!("{}; this is what is there", error.what()));
                Ok(Some(found.record))
            }
            Ok(None) if args.accept_rollback => {
                let found = reader.found_anyhow(&profile)?;
                if found.is_some() {
                    context.warn(&format!(
                        "the ledger does not know the record of {profile}, or says that it was removed; this is what is there"
                    ));
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
        context.warn(&format!("{profile} expired {}", relative(at, now)));
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
    written.map_err(|_| Error::new(Code::Internal, "the JSON document cannot be written"))?;
    document.push(b'\n');
    Ok(document)
}

/// What a person can do about a record that is not the ledger's.
fn with_way_out(error: Error, profile: &ProfileId) -> Error {
    if error.code() != Code::Tampered {
        return error;
    }
    let what = error.what().to_owned();
    Error::new(Code::Tampered, what).with_remedy(format!(
        "restore the newer file or paste the credential again; to print what is there: strongroom get {} --accept-rollback",
        profile.word()
    ))
}
