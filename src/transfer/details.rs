//! Reads hosts, helpers, user name and note of a profile in a bundle, checked as if they were given by hand.

use serde_json::value::RawValue;

use super::fields::{self, Fields};
use super::value::Problem;
use crate::error::Code;
use crate::messages::transfer::reason;
use crate::secret::{ExposeSecret, SecretString};
use crate::vault::credential::{Credential, FIELDS_MAX};
use crate::vault::details::{self, Checked, HELPERS, HOSTS_MAX, Wrong, origin};
use crate::vault::record::Details;

/// Takes what a record has apart from its credential. Members that are missing stay unset.
pub(super) fn take(fields: &mut Fields<'_>) -> Result<Details, Problem> {
    let helper = |text: &str| details::helper(text).map(|()| text.to_owned());
    Ok(Details {
        hosts: names(fields, "hosts", HOSTS_MAX, origin::parse)?,
        username: text(fields, "username", details::username)?,
        helpers: names(fields, "helpers", HELPERS.len(), helper)?,
        note: text(fields, "note", details::note)?,
        ..Details::default()
    })
}

/// Refuses details that would not fit an encrypted record together with its credential.
pub(super) fn check_size(details: &Details, credential: &Credential) -> Result<(), Problem> {
    if *details != Details::default() && credential.size() + details.size() > FIELDS_MAX {
        return Err(Problem::new(Code::TooLarge, reason::credential_too_large(FIELDS_MAX)));
    }
    Ok(())
}

fn text(
    fields: &mut Fields<'_>,
    name: &'static str,
    check: fn(&str) -> Checked<()>,
) -> Result<Option<String>, Problem> {
    let Some(text) = fields::take_text(fields, name)? else { return Ok(None) };
    check(text.expose_secret()).map_err(|wrong| refused(wrong).at(name))?;
    Ok(Some(text.expose_secret().to_owned()))
}

/// Takes a list of names. An empty list is not the same as none, because without one a provider's own hosts count.
fn names(
    fields: &mut Fields<'_>,
    name: &'static str,
    max: usize,
    read: impl Fn(&str) -> Checked<String>,
) -> Result<Option<Vec<String>>, Problem> {
    let Some(raw) = fields::take(fields, name) else { return Ok(None) };
    let not_texts = || Problem::new(Code::BadData, reason::not_a_list_of_texts()).at(name);
    let items: Vec<&RawValue> = serde_json::from_str(raw.get()).map_err(|_| not_texts())?;
    if items.len() > max {
        return Err(Problem::new(Code::TooLarge, reason::more_items_than(max)).at(name));
    }
    let mut names = Vec::with_capacity(items.len());
    for item in items {
        let text: SecretString = fields::text(item).ok_or_else(not_texts)?;
        let read = read(text.expose_secret()).map_err(|wrong| refused(wrong).at(name))?;
        if !names.contains(&read) {
            names.push(read);
        }
    }
    Ok(Some(names))
}

fn refused(wrong: Wrong) -> Problem {
    match wrong {
        Wrong::Secret => Problem::new(Code::BadData, reason::looks_secret()),
        Wrong::Form(why) => Problem::new(Code::BadData, reason::not_accepted(why)),
    }
}
