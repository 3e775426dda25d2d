//! Providers' keys in `.env` files and other lists of variables.

use std::collections::{BTreeMap, HashMap};

use super::value::{Checked, Problem, check};
use super::{Candidate, Invalid, Parsed, Skipped, bounds};
use crate::client::sources;
use crate::client::sources::dotenv_lines::{Lines, PassedOver, lines};
use crate::client::sources::dotenv_value::{Note, Value};
use crate::client::sources::stray_keys;
use crate::env_names;
use crate::error::{Code, Result};
use crate::messages::transfer::{self as say, reason};
use crate::secret::ExposeSecret;
use crate::secret_format;
use crate::vault::credential::Credential;
use crate::vault::id::{ProfileId, Provider};
use crate::vault::record::Details;

/// The most ignored lines that are named.
const LINES_SHOWN: usize = 5;

/// A variable that is set somewhere.
struct Set<'v> {
    name: &'v str,
    /// The line, if the source has lines.
    line: Option<usize>,
    value: Value,
    note: Option<Note>,
}

impl Set<'_> {
    fn at(&self) -> String {
        self.line.map(|line| format!(" (line {line})")).unwrap_or_default()
    }
}

pub(super) fn parse(bytes: &[u8], what: &str) -> Result<Parsed> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) if !bytes.contains(&0) => text,
        _ => {
            return Err(say::not_text(what));
        }
    };
    let Lines { assignments, passed_over, swallowed, too_many } = lines(text);
    if too_many {
        return Err(bounds::too_many(what));
    }
    let mut parsed = Parsed::default();
    tell_passed_over(&mut parsed, &passed_over, assignments.is_empty());
    let swallowed = swallowed.iter().map(|one| {
        let (name, by) = (stray_keys::shown(one.name), stray_keys::shown(one.by));
        say::swallowed(&name, one.line, &by)
    });
    parsed.warnings.extend(swallowed);
    let set = assignments.into_iter();
    take_all(
        &mut parsed,
        set.map(|one| Set { name: one.name, line: Some(one.line), value: one.value, note: one.note }),
    )?;
    Ok(parsed)
}

/// Takes the keys among variables, in any order. If a name is set more than once, the last value counts. The values are
/// literal: quotes and `#` have no meaning in them.
///
/// # Errors
/// `INTERNAL` only.
pub(super) fn take_variables<'v>(
    parsed: &mut Parsed,
    variables: impl IntoIterator<Item = (&'v str, &'v str)>,
) -> Result<()> {
    let variables = variables.into_iter();
    take_all(
        parsed,
        variables.map(|(name, text)| Set { name, line: None, value: Value::literal(text), note: None }),
    )
}

fn take_all<'v>(parsed: &mut Parsed, variables: impl Iterator<Item = Set<'v>>) -> Result<()> {
    let mut known: HashMap<&'static str, Vec<Set<'v>>> = HashMap::new();
    let mut others: BTreeMap<&'v str, Set<'v>> = BTreeMap::new();
    for set in variables {
        match env_names::known(set.name) {
            Some(name) => known.entry(name).or_default().push(set),
            None => {
                others.insert(set.name, set);
            }
        }
    }
    for row in env_names::TABLE {
        let mut first: Option<&'static str> = None;
        for name in row.names.iter().filter(|name| env_names::provider_of(name) == Some(row.provider)) {
            let Some((last, earlier)) = known.get(name).and_then(|set| set.split_last()) else { continue };
            let place = format!("{name}{}", last.at());
            if let Some(warning) = duplicates(&place, last, earlier) {
                parsed.warnings.push(warning);
            }
            if is_blank(&last.value) {
                parsed.warnings.extend(last.note.map(|note| format!("{place}: {}", note.told())));
                parsed.skipped.push(Skipped { place, reason: reason::empty().to_owned() });
            } else if let Some(first) = first {
                parsed.skipped.push(Skipped { place, reason: reason::shadowed_by(first) });
            } else {
                first = Some(name);
                add(parsed, row.provider, name, last, place)?;
            }
        }
    }
    tell_others(parsed, &others);
    Ok(())
}

/// Returns the warning about a variable's earlier values, if they differ.
fn duplicates(place: &str, last: &Set<'_>, earlier: &[Set<'_>]) -> Option<String> {
    let same = |one: &Set<'_>| match (&one.value, &last.value) {
        (Value::Text(one), Value::Text(last)) => one.expose_secret() == last.expose_secret(),
        _ => false,
    };
    let differs = earlier.iter().any(|one| !same(one));
    differs.then(|| say::set_more_than_once(place))
}

/// Warns about the variables that look like keys but are not imported, and counts the others.
fn tell_others(parsed: &mut Parsed, others: &BTreeMap<&str, Set<'_>>) {
    let (mut named, mut more, mut ignored) = (Vec::new(), 0_usize, 0_usize);
    for other in others.values() {
        let value = match &other.value {
            Value::Text(text) => text.expose_secret(),
            Value::Reference(_) | Value::Refused(_) => "",
        };
        if !stray_keys::is_one(other.name, value) {
            ignored += 1;
        } else if named.len() < stray_keys::SHOWN_MOST {
            named.extend(stray_keys::told(other.name, value, &other.at()));
        } else {
            more += 1;
        }
    }
    parsed.warnings.append(&mut named);
    if more > 0 {
        parsed.warnings.push(say::more_stray_keys(more));
    }
    if ignored > 0 {
        parsed.warnings.push(say::ignored_variables(ignored));
    }
}

/// Refuses lines that are not assignments but seem to contain a key, and warns about the others. Refuses all of them if
/// there is no assignment at all (`alone`).
fn tell_passed_over(parsed: &mut Parsed, lines: &[PassedOver], alone: bool) {
    let refused = lines.iter().filter(|passed| passed.holds_key || alone);
    parsed.invalid.extend(refused.map(|passed| {
        let reason = reason::not_an_assignment(passed.holds_key);
        Invalid { place: format!("line {}", passed.line), code: Code::BadData, reason }
    }));
    if alone {
        return;
    }
    let others: Vec<_> = lines.iter().filter(|passed| !passed.holds_key).map(|passed| passed.line).collect();
    let shown: Vec<_> = others.iter().take(LINES_SHOWN).map(ToString::to_string).collect();
    if !others.is_empty() {
        parsed.warnings.push(say::ignored_lines(&shown.join(", "), others.len() - shown.len()));
    }
}

fn is_blank(value: &Value) -> bool {
    matches!(value, Value::Text(text) if text.expose_secret().chars().all(secret_format::is_space))
}

fn add(
    parsed: &mut Parsed,
    provider: &'static str,
    name: &'static str,
    set: &Set<'_>,
    place: String,
) -> Result<()> {
    let text = match &set.value {
        Value::Reference(reason) => {
            parsed.skipped.push(Skipped { place, reason: (*reason).to_owned() });
            return Ok(());
        }
        Value::Refused(reason) => {
            parsed.invalid.push(Invalid { place, code: Code::BadData, reason: (*reason).to_owned() });
            return Ok(());
        }
        Value::Text(text) => text.expose_secret(),
    };
    parsed.warnings.extend(set.note.map(|note| format!("{place}: {}", note.told())));
    take(parsed, provider, "default", name, text, place)
}

/// Adds a variable's value as a profile, if it is a secret.
pub(super) fn take(
    parsed: &mut Parsed,
    provider: &str,
    profile: &str,
    name: &str,
    text: &str,
    place: String,
) -> Result<()> {
    let Ok(provider) = provider.parse::<Provider>() else {
        return Err(say::invalid_provider_in_table());
    };
    if secret_format::is_local_marker(&provider, text) {
        let reason = reason::local_marker().to_owned();
        parsed.skipped.push(Skipped { place, reason });
        return Ok(());
    }
    match check(text) {
        Err(Problem { code, reason, .. }) => {
            parsed.invalid.push(Invalid { place, code, reason: reason.into_owned() });
        }
        Ok(Checked { secret, mut warnings }) => {
            let kind = sources::kind(name, secret.expose_secret());
            warnings.extend(secret_format::advise(&provider, kind, secret.expose_secret()));
            parsed.warnings.extend(warnings.into_iter().map(|line| format!("{place}: {line}")));
            parsed.candidates.push(Candidate {
                agent: None,
                id: ProfileId::new(&provider, profile)?,
                credential: Credential::new(kind, provider, secret),
                details: Details::default(),
                created: None,
                updated: None,
                versions: Vec::new(),
                place,
            });
        }
    }
    Ok(())
}
