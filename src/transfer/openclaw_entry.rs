//! One credential in an OpenClaw file: its fields, in every spelling that OpenClaw has used.

use serde_json::value::RawValue;

use super::ParseOptions;
use super::expiry::{self, Zero};
use super::fields::{Fields, not_a_string, object, take, take_text, text};
use super::rename::agree;
use super::value::{Checked, Problem, check};
use crate::env_names;
use crate::error::Code;
use crate::messages::transfer::reason;
use crate::secret::{ExposeSecret, SecretString};
use crate::secret_format;
use crate::vault::credential::{Credential, CredentialType, FIELDS_MAX};
use crate::vault::id::{ProfileId, Provider};

/// The longest e-mail address or display name, in bytes.
const LABEL_MAX: usize = 320;

/// What became of a valid entry.
pub(super) enum Entry {
    Taken { credential: Box<Credential>, warnings: Vec<String>, renews: bool },
    Skipped(&'static str),
}

/// Reads the entry of a profile. `zero` is what a zero means as its expiry.
pub(super) fn read(
    id: &ProfileId,
    raw: &RawValue,
    options: ParseOptions<'_>,
    zero: Zero,
) -> Result<Entry, Problem> {
    let Some(mut fields) = object(raw) else {
        return Err(Problem::new(Code::BadData, reason::not_object()));
    };
    let Some(kind) = kind(&mut fields)? else {
        return Ok(Entry::Skipped(reason::aws_marker()));
    };
    if kind == CredentialType::OAuth && !options.include_oauth {
        return Ok(Entry::Skipped(reason::oauth_excluded()));
    }
    let provider = match take_text(&mut fields, "provider")? {
        None => id.provider(),
        Some(text) => provider(text.expose_secret())?,
    };
    let (names, reference): (&[&'static str], _) = match kind {
        CredentialType::ApiKey => (&["key", "apiKey", "api_key"], "keyRef"),
        CredentialType::Token => (&["token"], "tokenRef"),
        CredentialType::OAuth => (&["access"], "oauthRef"),
    };
    let Checked { secret, mut warnings } = match find_secret(&mut fields, names, reference)? {
        Found::Reference => return Ok(Entry::Skipped(reason::reference())),
        Found::Overridden => return Ok(Entry::Skipped(reason::overriding_reference())),
        Found::Value(_, text) if secret_format::is_local_marker(&provider, text.expose_secret()) => {
            return Ok(Entry::Skipped(reason::local_marker()));
        }
        // Only pi's `auth.json`, which is such a map, has these.
        Found::Value(_, text) if zero == Zero::Never && is_looked_up(text.expose_secret()) => {
            return Ok(Entry::Skipped(reason::looked_up_by_pi()));
        }
        Found::Value(name, text) => {
            if is_blank(&text) && expiry::is_zero(&fields) {
                return Err(Problem::new(Code::NotASecret, reason::signed_out()));
            }
            check(text.expose_secret()).map_err(|problem| problem.at(name))?
        }
    };
    agree(id, &provider)?;
    let mut credential = Credential::new(kind, provider, secret);
    credential.expires = expiry::take(&mut fields, zero, &mut warnings)?;
    credential.email = label(&mut fields, "email")?;
    credential.display_name = label(&mut fields, "displayName")?;
    credential.copy_to_agents = copy_to_agents(&mut fields)?;
    let renews = kind == CredentialType::OAuth && has_refresh(&fields)?;
    // Our own note of where a record is stored means nothing in another vault.
    fields.shift_remove("strongroom");
    credential.extra = fields.into_iter().map(|(name, raw)| (name, SecretString::from(raw.get()))).collect();
    check_size(&credential)?;
    warnings.extend(secret_format::advise(&credential.provider, kind, credential.secret.expose_secret()));
    Ok(Entry::Taken { credential: Box::new(credential), warnings, renews })
}

/// Returns whether pi looks a value up: a command after an exclamation mark, or the name of a known variable.
fn is_looked_up(text: &str) -> bool {
    let text = text.trim();
    text.strip_prefix('!').is_some_and(|command| command.contains(' ')) || env_names::known(text).is_some()
}

/// Refuses a credential that would not fit an encrypted record.
pub(super) fn check_size(credential: &Credential) -> Result<(), Problem> {
    if credential.size() > FIELDS_MAX {
        return Err(Problem::new(Code::TooLarge, reason::credential_too_large(FIELDS_MAX)));
    }
    Ok(())
}

pub(super) fn copy_to_agents(fields: &mut Fields<'_>) -> Result<Option<bool>, Problem> {
    match take(fields, "copyToAgents").map(RawValue::get) {
        None => Ok(None),
        Some("true") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        Some(_) => Err(Problem::new(Code::BadData, reason::not_a_bool()).at("copyToAgents")),
    }
}

fn is_blank(text: &SecretString) -> bool {
    text.expose_secret().chars().all(secret_format::is_space)
}

pub(super) fn provider(text: &str) -> Result<Provider, Problem> {
    match Provider::named(text) {
        Some(provider) if !secret_format::looks_random(text) => Ok(provider),
        _ => Err(Problem::new(Code::InvalidId, reason::not_a_provider()).at("provider")),
    }
}

/// Returns the type of an entry, or `None` for a marker for the AWS SDK.
fn kind(fields: &mut Fields<'_>) -> Result<Option<CredentialType>, Problem> {
    let spelled = |text: &SecretString, field| match text.expose_secret() {
        "api_key" | "apiKey" | "api-key" | "api" => Ok(Some(CredentialType::ApiKey)),
        "token" => Ok(Some(CredentialType::Token)),
        "oauth" => Ok(Some(CredentialType::OAuth)),
        "aws-sdk" => Ok(None),
        _ => Err(Problem::new(Code::BadData, reason::unknown_type()).at(field)),
    };
    let named = take_text(fields, "type")?.map(|text| spelled(&text, "type")).transpose()?;
    let mode = take_text(fields, "mode")?.map(|text| spelled(&text, "mode")).transpose()?;
    if let (Some(named), Some(mode)) = (named, mode)
        && named != mode
    {
        return Err(Problem::new(Code::BadData, reason::contradicts_type()).at("mode"));
    }
    if let Some(kind) = named.or(mode) {
        return Ok(kind);
    }
    let has =
        |names: &[&str]| names.iter().any(|name| fields.get(*name).is_some_and(|raw| raw.get() != "null"));
    if has(&["access", "refresh", "oauthRef"]) {
        Ok(Some(CredentialType::OAuth))
    } else if has(&["token", "tokenRef"]) {
        Ok(Some(CredentialType::Token))
    } else if has(&["key", "apiKey", "api_key", "keyRef"]) {
        Ok(Some(CredentialType::ApiKey))
    } else {
        Err(Problem::new(Code::BadData, reason::no_type_and_no_secret()))
    }
}

enum Found {
    Reference,
    Overridden,
    Value(&'static str, SecretString),
}

fn find_secret(
    fields: &mut Fields<'_>,
    names: &[&'static str],
    reference: &'static str,
) -> Result<Found, Problem> {
    let mut refers = false;
    if let Some(raw) = take(fields, reference) {
        if !is_reference(raw) {
            return Err(Problem::new(Code::BadData, reason::not_a_reference()).at(reference));
        }
        refers = true;
    }
    let mut found: Option<(&'static str, SecretString)> = None;
    for name in names {
        let Some(raw) = take(fields, name) else { continue };
        if raw.get().starts_with('{') && is_reference(raw) {
            refers = true;
            continue;
        }
        let value = text(raw).ok_or_else(|| not_a_string().at(name))?;
        match &found {
            Some((_, first)) if first.expose_secret() != value.expose_secret() => {
                return Err(Problem::new(Code::DuplicateKey, reason::contradicts_spelling()).at(name));
            }
            Some(_) => {}
            None => found = Some((name, value)),
        }
    }
    match found {
        Some((_, value)) if refers && !is_blank(&value) => Ok(Found::Overridden),
        _ if refers => Ok(Found::Reference),
        Some((name, value)) => Ok(Found::Value(name, value)),
        None => {
            let name = names.first().copied().unwrap_or(reference);
            Err(Problem::new(Code::BadData, reason::missing()).at(name))
        }
    }
}

/// Returns whether a value is `{"source": …, "id": …}`, with or without a provider.
fn is_reference(raw: &RawValue) -> bool {
    object(raw).is_some_and(|fields| fields.contains_key("source") && fields.contains_key("id"))
}

/// Takes a text that the index stores unencrypted.
pub(super) fn label(fields: &mut Fields<'_>, name: &'static str) -> Result<Option<String>, Problem> {
    let Some(text) = take_text(fields, name)? else { return Ok(None) };
    check_label(text.expose_secret()).map_err(|problem| problem.at(name))?;
    Ok(Some(text.expose_secret().to_owned()))
}

/// Refuses a text that may not be in the index.
fn check_label(text: &str) -> Result<(), Problem> {
    if text.len() > LABEL_MAX {
        return Err(Problem::new(Code::TooLarge, reason::longer_than(LABEL_MAX)));
    }
    if text.chars().any(|c| c.is_control() || secret_format::is_unseen(c)) {
        return Err(Problem::new(Code::BadData, reason::invisible_characters()));
    }
    if secret_format::looks_secret(text) {
        return Err(Problem::new(Code::BadData, reason::label_looks_secret()));
    }
    Ok(())
}

/// Returns whether there is a refresh token, which stays among the extra fields.
pub(super) fn has_refresh(fields: &Fields<'_>) -> Result<bool, Problem> {
    let Some(raw) = fields.get("refresh").filter(|raw| raw.get() != "null") else { return Ok(false) };
    let refresh = text(raw).ok_or_else(|| not_a_string().at("refresh"))?;
    if is_blank(&refresh) {
        return Ok(false);
    }
    check(refresh.expose_secret()).map_err(|problem| problem.at("refresh"))?;
    Ok(true)
}
