//! `rotate`: a profile's new secret, which comes as a paste does.

use clap::Args;

use super::Context;
use super::ends::End;
use super::get::not_found;
use super::lift;
use super::paste::{Stored, Value, not_by_passphrase, past, sealed_besides};
use super::store::choose;
use crate::error::{Code, Error, Result, fail};
use crate::secret::ExposeSecret;
use crate::shape;
use crate::vault::credential::CredentialType;
use crate::vault::generation::next_record;
use crate::vault::transaction::change::Change;
use crate::when::rfc3339;

/// Give a profile a new secret, and keep the rest of it.
#[derive(Debug, Args)]
pub struct Rotate {
    /// The profile
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    value: Value,
}

pub(super) fn run(context: &mut Context, args: &Rotate) -> Result<u8> {
    let profile = context.profile_id(&args.id)?;
    let end = args.value.ends.read(context.env.now())?;
    let vault = context.vault()?;
    let mut open = context.open(&vault)?;
    let agent = open.agent.clone();
    let before = match open.reader()? {
        Some(reader) => reader.record(&profile)?,
        None => None,
    };
    let before = before.ok_or_else(|| not_found(&vault, &agent, &profile))?;
    if before.credential.kind == CredentialType::OAuth {
        return Err(Error::new(
            Code::Usage,
            format!("{profile} is an OAuth sign-in, which no single secret replaces"),
        )
        .with_remedy("import the new sign-in with --include-oauth --on-conflict replace"));
    }
    let store = choose(&open, &profile, None)?;
    let provider = before.credential.provider.clone();
    let (secret, mut warnings) = args.value.read(
        context,
        &provider,
        &format!("new secret of {profile}"),
        not_by_passphrase(&open).as_deref(),
    )?;
    warnings.extend(shape::advise(&provider, before.credential.kind, secret.expose_secret()));

    let writer = open.writer("rotate")?;
    let found = writer.reader()?.found(&profile)?;
    let found = found.ok_or_else(|| not_found(&vault, &agent, &profile))?;
    let current = &found.record;
    if current.generation != before.generation {
        return fail(Code::Changed, format!("{profile} was changed while the new secret was read"));
    }
    let mut credential = current.credential.clone();
    credential.secret = secret;
    warnings.extend(past(end, writer.now));
    if end != End::Unsaid {
        credential.expires = end.instant();
    } else if let Some(past) = credential.expires.filter(|at| *at <= writer.now) {
        // A new token under the old, past expiry would not be handed out.
        let lifetime = past.saturating_sub(current.updated).max(0);
        credential.expires = (lifetime > 0).then(|| writer.now.saturating_add(lifetime));
        warnings.push(match credential.expires.map(rfc3339) {
            Some(at) => format!("the old expiry was past; with the same lifetime the new one is {at} (set it with --expires-in)"),
            None => "the old expiry was past and is dropped (set one with --expires-in)".to_owned(),
        });
    }
    let generations = writer.generations()?;
    let record = next_record(&profile, credential, Some(&found), &generations, writer.now)?;
    if current.credential.same_secret_as(&record.credential) {
        warnings.push(format!("this is the secret that {profile} had before; what it earned stays"));
    }
    let mut change = Change::default();
    change.put_given("rotate", record.clone(), store);
    let lifted = lift::of_stored(&mut change, &writer, Some(current), &record);
    let outcome = writer.commit(change)?;
    warnings.extend(lifted);
    warnings.extend(sealed_besides(&outcome));
    drop(writer);
    open.committed(&outcome);
    for warning in &warnings {
        context.warn(warning);
    }
    Stored { verb: "Rotated", record, warnings }.tell(context)
}
