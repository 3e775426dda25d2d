//! OpenClaw's credential files: `auth-profiles.json`, the flat legacy map, `auth.json`, `oauth.json`.

use std::collections::{HashMap, HashSet};

use serde_json::value::RawValue;

use super::expiry::Zero;
use super::fields::{self, Fields};
use super::openclaw_entry::{self as entry, Entry};
use super::value::Problem;
use super::{Candidate, Invalid, ParseOptions, Parsed, Skipped, bounds, dotenv, variables};
use crate::error::{Code, Error, Result, fail};
use crate::json;
use crate::secret::ExposeSecret;
use crate::secret_format;
use crate::vault::id::{PROFILE_ID_MAX, ProfileId, Provider, is_of_name, quoted, quoted_in_full};

/// The version of `auth-profiles.json` that is understood.
const VERSION: u64 = 1;
/// Members of a file that are no credentials.
const NOT_ENTRIES: [&str; 5] = ["version", "order", "lastGood", "usageStats", "$schema"];
/// Members by which other programs' files give themselves away.
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
    bounds::check_json(bytes, what)?;
    json::check(bytes, what)?;
    let root: &RawValue = serde_json::from_slice(bytes).map_err(|error| json::located(&error, what))?;
    let list = variables::of_list(root);
    let Some(root) = fields::object(root).or_else(|| list.as_ref().map(|_| Fields::default())) else {
        return fail(Code::BadData, format!("{what} is not a JSON object"));
    };
    if let Some(variables) = list.or_else(|| variables::of_object(&root)) {
        let mut parsed = Parsed::default();
        let variables = variables.iter().map(|(name, text)| (name.as_str(), text.expose_secret()));
        dotenv::take_variables(&mut parsed, variables)?;
        options.rename(&mut parsed);
        return Ok(parsed);
    }
    if let Some((_, whose)) = FOREIGN.iter().find(|(member, _)| root.contains_key(*member)) {
        return Err(Error::new(Code::BadData, format!("{what} is {whose}, which is not imported"))
            .with_remedy(
                "paste what it holds, one by one: strongroom paste-token, strongroom paste-api-key",
            ));
    }
    check_version(&root, what)?;
    let mut parsed = Parsed::default();
    let mut collector = Collector { parsed: &mut parsed, options, renews: false, ids: HashMap::new() };
    if let Some(profiles) = root.get("profiles") {
        let Some(profiles) = fields::object(profiles) else {
            return fail(Code::BadData, format!("profiles in {what} is not a JSON object"));
        };
        for (index, (key, raw)) in profiles.iter().enumerate() {
            let place = place_of("profiles", index, key);
            collector.add(place, (key, key), raw, Zero::Unknown);
        }
    } else {
        for (index, (key, raw)) in root.iter().enumerate() {
            if !NOT_ENTRIES.contains(&key.as_str()) {
                // The files of opencode and pi are such maps, and write a zero for no end.
                collector.add(place_of("", index, key), (key, &default_id(key)), raw, Zero::Never);
            }
        }
    }
    let (renews, ids) = (collector.renews, collector.ids);
    if renews {
        let warning =
            "a refresh token that is used in two places logs one of them out: sign out where these came from";
        parsed.warnings.insert(0, warning.to_owned());
    }
    if let Some(raw) = root.get("order").filter(|raw| raw.get() != "null") {
        take_order(raw, &ids, &mut parsed);
    }
    Ok(parsed)
}

/// Refuses a newer version. In a flat map `version` can only be the version, too: a provider's
/// entry would be an object.
fn check_version(root: &Fields<'_>, what: &str) -> Result<()> {
    let Some(raw) = root.get("version").filter(|raw| raw.get() != "null") else { return Ok(()) };
    match raw.get().parse::<u64>() {
        Ok(VERSION) => Ok(()),
        Ok(version) if version > VERSION => {
            fail(Code::NewerFormat, format!("{what} has version {version}; version {VERSION} is understood"))
        }
        _ => fail(Code::BadData, format!("version in {what} is not {VERSION}")),
    }
}

/// The id of an entry in a map of providers.
fn default_id(key: &str) -> String {
    if key.contains(':') { key.to_owned() } else { format!("{key}:default") }
}

/// Where an entry stands in a file, in words.
fn place_of(parent: &str, index: usize, key: &str) -> String {
    let (dot, space) = if parent.is_empty() { ("", "") } else { (".", " ") };
    if may_be_shown(key) {
        format!("{parent}{dot}{}", quoted_in_full(key))
    } else {
        format!("{parent}{space}entry {}", index + 1)
    }
}

struct Collector<'a> {
    parsed: &'a mut Parsed,
    options: ParseOptions<'a>,
    renews: bool,
    /// The ids of what was taken, by how the file calls them.
    ids: HashMap<String, ProfileId>,
}

impl Collector<'_> {
    /// Takes an entry, which stands under a key and is to have an id.
    fn add(&mut self, place: String, (key, id): (&str, &str), raw: &RawValue, zero: Zero) {
        if zero == Zero::Never && is_wellknown(raw) {
            let reason = "a server's own sign-in of opencode, which holds no provider's key".to_owned();
            return self.parsed.skipped.push(Skipped { place, reason });
        }
        let renamed = self.options.renames.and_then(|renames| renames.of(key).or_else(|| renames.of(id)));
        let id = match renamed.map_or_else(|| usable_id(key, id), |new| Ok((new, false))) {
            Ok((id, lowered)) => {
                if lowered {
                    let told =
                        format!("{place}: the provider's capitals were lowered, as the client does: {id}");
                    self.parsed.warnings.push(told);
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
                    created: None,
                    updated: None,
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

/// Whether an entry is one of opencode's for a server: its key is an address.
fn is_wellknown(raw: &RawValue) -> bool {
    fields::object(raw)
        .and_then(|fields| fields::text(fields.get("type")?))
        .is_some_and(|kind| kind.expose_secret() == "wellknown")
}

/// The id of an entry, and whether its provider had to be lowered; or what is wrong with it.
pub(super) fn usable_id(key: &str, id: &str) -> std::result::Result<(ProfileId, bool), String> {
    if secret_format::looks_secret(key) {
        return Err("is under a name that looks like a secret".to_owned());
    }
    let provider_is_random = |id: &ProfileId| {
        id.provider().as_str() != "default" && secret_format::looks_random(id.provider().as_str())
    };
    match id.parse::<ProfileId>().map(|id| (id, false)).or_else(|error| match ProfileId::named(id) {
        Some(id) => Ok((id, true)),
        None => Err(error),
    }) {
        Ok((id, _)) if provider_is_random(&id) => Err("is under a name that looks like a secret".to_owned()),
        Ok(found) => Ok(found),
        Err(_) => Err(format!("is under no usable id: {}", why_no_id(id))),
    }
}

/// What keeps a text from being a profile's id.
fn why_no_id(id: &str) -> String {
    let Some((provider, name)) = id.split_once(':') else {
        return "it has no provider and colon before the name".to_owned();
    };
    if id.len() > PROFILE_ID_MAX {
        return format!("it is longer than {PROFILE_ID_MAX} bytes");
    }
    if Provider::named(provider).is_none() {
        return "what stands before the colon is no provider".to_owned();
    }
    if name.is_empty() {
        return "nothing stands after the colon".to_owned();
    }
    let illegal = name.chars().find(|c| !(c.is_ascii() && is_of_name(u8::try_from(*c).unwrap_or(0))));
    match illegal {
        Some(' ') => "its name holds a space".to_owned(),
        Some(c) => format!("its name holds {}", quoted(&c.to_string())),
        None if name.starts_with(|c: char| !c.is_ascii_alphanumeric()) => {
            "its name does not begin with a letter or digit".to_owned()
        }
        None => "that name is reserved".to_owned(),
    }
}

/// Whether a key may be shown: if it looks like no secret, and is no address, which may hold one.
pub(super) fn may_be_shown(key: &str) -> bool {
    !key.contains("://")
        && !secret_format::looks_secret(key)
        && !key.split(':').any(secret_format::looks_random)
}

/// Takes the order over, of the ids that are imported.
fn take_order(raw: &RawValue, known: &HashMap<String, ProfileId>, parsed: &mut Parsed) {
    let mut refuse = |place: String, reason: &str| {
        parsed.invalid.push(Invalid { place, code: Code::BadData, reason: reason.to_owned() });
    };
    let Some(orders) = fields::object(raw) else {
        return refuse("order".to_owned(), "is not a JSON object");
    };
    for (index, (key, raw)) in orders.iter().enumerate() {
        let provider = match Provider::named(key) {
            Some(provider) if !secret_format::looks_random(key) => provider,
            _ => {
                refuse(format!("order entry {}", index + 1), "is not under a provider name");
                continue;
            }
        };
        let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(raw.get()) else {
            refuse(format!("order.{}", quoted(key)), "is not a list of profile ids");
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
            refuse(format!("order.{}", quoted(key)), "is not a list of profile ids");
        } else if !ids.is_empty() {
            parsed.order.insert(provider, ids);
        }
    }
}
