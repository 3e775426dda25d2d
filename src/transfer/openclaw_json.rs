//! OpenClaw's credential files: `auth-profiles.json`, the flat legacy map, `auth.json`, `oauth.json`.

use std::collections::{HashMap, HashSet};

use indexmap::IndexMap;
use serde_json::value::RawValue;

use super::expiry::Zero;
use super::fields::{self, Fields};
use super::openclaw_entry::{self as entry, Entry};
use super::value::Problem;
use super::{
    Candidate, Invalid, ParseOptions, Parsed, ProviderOrder, Skipped, bounds, dotenv, variables_json,
};
use crate::error::{Code, Result};
use crate::json;
use crate::messages::transfer::{self as say, reason};
use crate::secret::ExposeSecret;
use crate::secret_format;
use crate::vault::id::{PROFILE_ID_MAX, ProfileId, Provider, is_of_name, quoted, quoted_in_full};
use crate::vault::record::Details;

/// The version of `auth-profiles.json` that is read.
const VERSION: u64 = 1;
/// Members of a file that are not credentials.
const NOT_ENTRIES: [&str; 5] = ["version", "order", "lastGood", "usageStats", "$schema"];
/// Members by which other programs' files are recognized.
const FOREIGN: [(&str, &str); 8] = [
    ("claudeAiOauth", "Claude Code's credentials file"),
    ("mcpOAuth", "Claude Code's credentials file"),
    ("auth_mode", "Codex's auth.json"),
    ("OPENAI_API_KEY", "Codex's auth.json"),
    ("tokens", "Codex's auth.json"),
    ("access_token", "an OAuth file of another program"),
    ("encrypted", "a Bitwarden export"),
    ("sops", "a file encrypted with sops"),
];

pub(super) fn parse(bytes: &[u8], what: &str, options: ParseOptions<'_>) -> Result<Parsed> {
    read(bytes, what, options).map(|(parsed, _)| parsed)
}

/// Returns also the ids of the candidates, by their names in the file.
pub(super) fn read(
    bytes: &[u8],
    what: &str,
    options: ParseOptions<'_>,
) -> Result<(Parsed, HashMap<String, ProfileId>)> {
    bounds::check_json(bytes, what)?;
    json::check(bytes, what)?;
    let root: &RawValue = serde_json::from_slice(bytes).map_err(|error| json::located(&error, what))?;
    let list = variables_json::of_list(root);
    let Some(root) = fields::object(root).or_else(|| list.as_ref().map(|_| Fields::default())) else {
        return Err(say::not_an_object(what));
    };
    if let Some(variables) = list.or_else(|| variables_json::of_object(&root)) {
        let mut parsed = Parsed::default();
        let variables = variables.iter().map(|(name, text)| (name.as_str(), text.expose_secret()));
        dotenv::take_variables(&mut parsed, variables)?;
        options.rename(&mut parsed);
        return Ok((parsed, HashMap::new()));
    }
    if let Some((_, whose)) = FOREIGN.iter().find(|(member, _)| root.contains_key(*member)) {
        return Err(say::foreign_file(what, whose));
    }
    check_version(&root, what)?;
    let mut parsed = Parsed::default();
    let mut collector = Collector { parsed: &mut parsed, options, renews: false, ids: HashMap::new() };
    if let Some(profiles) = root.get("profiles") {
        let Some(profiles) = fields::object(profiles) else {
            return Err(say::not_an_object(format_args!("profiles in {what}")));
        };
        for (index, (key, raw)) in profiles.iter().enumerate() {
            let place = place_of("profiles", index, key);
            collector.add(place, (key, key), raw, Zero::Unknown);
        }
    } else {
        for (index, (key, raw)) in root.iter().enumerate() {
            if !NOT_ENTRIES.contains(&key.as_str()) {
                // The files of opencode and pi are such maps, in which zero means that there is no expiry.
                collector.add(place_of("", index, key), (key, &default_id(key)), raw, Zero::Never);
            }
        }
    }
    let (renews, ids) = (collector.renews, collector.ids);
    if renews {
        parsed.warnings.insert(0, say::refresh_token_used_twice());
    }
    if let Some(raw) = root.get("order").filter(|raw| raw.get() != "null") {
        take_order(raw, &ids, &mut parsed);
    }
    Ok((parsed, ids))
}

/// Refuses a newer version. In a flat map too, `version` can only be the version, because a provider's entry would be
/// an object.
fn check_version(root: &Fields<'_>, what: &str) -> Result<()> {
    let Some(raw) = root.get("version").filter(|raw| raw.get() != "null") else { return Ok(()) };
    match raw.get().parse::<u64>() {
        Ok(VERSION) => Ok(()),
        Ok(version) if version > VERSION => Err(say::newer_version(what, version, VERSION)),
        _ => Err(say::wrong_version(what, VERSION)),
    }
}

/// Returns the id of an entry in a map of providers.
fn default_id(key: &str) -> String {
    if key.contains(':') { key.to_owned() } else { format!("{key}:default") }
}

/// Says where in a file an entry is.
fn place_of(parent: &str, index: usize, key: &str) -> String {
    let (dot, space) = if parent.is_empty() { ("", "") } else { (".", " ") };
    if secret_format::may_be_shown(key) {
        format!("{parent}{dot}{}", quoted_in_full(key))
    } else {
        format!("{parent}{space}entry {}", index + 1)
    }
}

struct Collector<'a> {
    parsed: &'a mut Parsed,
    options: ParseOptions<'a>,
    renews: bool,
    /// The ids of imported entries, by their names in the file.
    ids: HashMap<String, ProfileId>,
}

impl Collector<'_> {
    /// Adds the entry of a key, which is to have an id.
    fn add(&mut self, place: String, (key, id): (&str, &str), raw: &RawValue, zero: Zero) {
        if zero == Zero::Never && is_wellknown(raw) {
            let reason = reason::opencode_server_sign_in().to_owned();
            return self.parsed.skipped.push(Skipped { place, reason });
        }
        let renamed = self.options.renames.and_then(|renames| renames.of(key).or_else(|| renames.of(id)));
        let id = match renamed.map_or_else(|| usable_id(key, id), |new| Ok((new, false))) {
            Ok((id, lowered)) => {
                if lowered {
                    self.parsed.warnings.push(say::provider_lowered(&place, &id));
                }
                id
            }
            Err(reason) => {
                let problem = Problem::new(Code::InvalidId, reason);
                return self.parsed.invalid.push(Invalid::new(place, problem));
            }
        };
        match entry::read(&id, raw, self.options, zero) {
            Ok(Entry::Taken { credential, warnings, renews }) => {
                self.renews |= renews;
                self.parsed.warnings.extend(warnings.into_iter().map(|line| format!("{place}: {line}")));
                self.ids.insert(key.to_owned(), id.clone());
                self.parsed.candidates.push(Candidate {
                    agent: None,
                    id,
                    credential: *credential,
                    details: Details::default(),
                    created: None,
                    updated: None,
                    versions: Vec::new(),
                    place,
                });
            }
            Ok(Entry::Skipped(reason)) => {
                self.parsed.skipped.push(Skipped { place, reason: reason.to_owned() });
            }
            Err(problem) => self.parsed.invalid.push(Invalid::new(place, problem)),
        }
    }
}

/// Returns whether an entry is opencode's sign-in to a server, whose key is an address.
fn is_wellknown(raw: &RawValue) -> bool {
    fields::object(raw)
        .and_then(|fields| fields::text(fields.get("type")?))
        .is_some_and(|kind| kind.expose_secret() == "wellknown")
}

/// Returns the id of an entry and whether its provider was changed to lower case, or what is wrong with it.
pub(super) fn usable_id(key: &str, id: &str) -> std::result::Result<(ProfileId, bool), String> {
    if secret_format::looks_secret(key) {
        return Err(reason::name_looks_secret().to_owned());
    }
    let provider_is_random = |id: &ProfileId| {
        id.provider().as_str() != "default" && secret_format::looks_random(id.provider().as_str())
    };
    match id.parse::<ProfileId>().map(|id| (id, false)).or_else(|error| match ProfileId::named(id) {
        Some(id) => Ok((id, true)),
        None => Err(error),
    }) {
        Ok((id, _)) if provider_is_random(&id) => Err(reason::name_looks_secret().to_owned()),
        Ok(found) => Ok(found),
        Err(_) => Err(reason::no_valid_id(&why_no_id(id))),
    }
}

/// Returns why a text is not a profile id.
fn why_no_id(id: &str) -> String {
    let Some((provider, name)) = id.split_once(':') else {
        return reason::id_without_colon();
    };
    if id.len() > PROFILE_ID_MAX {
        return reason::id_too_long(PROFILE_ID_MAX);
    }
    if Provider::named(provider).is_none() {
        return reason::id_without_provider();
    }
    if name.is_empty() {
        return reason::id_without_name();
    }
    let illegal = name.chars().find(|c| !(c.is_ascii() && is_of_name(u8::try_from(*c).unwrap_or(0))));
    match illegal {
        Some(' ') => reason::id_with_character("a space"),
        Some(c) => reason::id_with_character(quoted(&c.to_string())),
        None if name.starts_with(|c: char| !c.is_ascii_alphanumeric()) => reason::id_with_bad_start(),
        None => reason::id_reserved(),
    }
}

/// Imports the order of the ids that are imported.
fn take_order(raw: &RawValue, known: &HashMap<String, ProfileId>, parsed: &mut Parsed) {
    let mut refuse = |place: String, reason: &str| {
        parsed.invalid.push(Invalid { place, code: Code::BadData, reason: reason.to_owned() });
    };
    let Some(orders) = fields::object(raw) else {
        return refuse("order".to_owned(), reason::not_object());
    };
    let mut taken = IndexMap::new();
    for (index, (key, raw)) in orders.iter().enumerate() {
        let provider = match Provider::named(key) {
            Some(provider) if !secret_format::looks_random(key) => provider,
            _ => {
                refuse(format!("order entry {}", index + 1), reason::order_without_provider());
                continue;
            }
        };
        let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(raw.get()) else {
            refuse(format!("order.{}", quoted(key)), reason::order_without_ids());
            continue;
        };
        let mut ids: Vec<ProfileId> = Vec::new();
        let mut seen = HashSet::new();
        let mut sound = true;
        for item in items {
            let Some(text) = fields::text(item) else {
                sound = false;
                break;
            };
            let text = text.expose_secret();
            if let Some(id) = known.get(text)
                && seen.insert(id.clone())
            {
                ids.push(id.clone());
            }
        }
        if !sound {
            refuse(format!("order.{}", quoted(key)), reason::order_without_ids());
        } else if !ids.is_empty() {
            // Of two spellings of a provider, the client takes the later one.
            taken.insert(provider, ids);
        }
    }
    let orders = taken.into_iter().map(|(provider, ids)| ProviderOrder { agent: None, provider, ids });
    parsed.orders.extend(orders);
}
