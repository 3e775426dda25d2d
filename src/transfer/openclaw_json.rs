//! OpenClaw's credential files: `auth-profiles.json`, the flat legacy map, `auth.json`, `oauth.json`.

use std::collections::HashSet;

use serde_json::value::RawValue;

use super::openclaw_entry::{self as entry, Entry, Fields};
use super::value::Problem;
use super::{Candidate, Invalid, ParseOptions, Parsed, Skipped, bounds};
use crate::env_names;
use crate::error::{Code, Error, Result, fail};
use crate::json;
use crate::secret::ExposeSecret;
use crate::shape;
use crate::vault::id::{ProfileId, Provider, quoted};

/// The version of `auth-profiles.json` that is understood.
const VERSION: u64 = 1;
/// The longest name outside its grammar that is shown.
const SHOWN_MAX: usize = 48;
/// Members of a file that are no credentials.
const NOT_ENTRIES: [&str; 5] = ["version", "order", "lastGood", "usageStats", "$schema"];
/// Members by which other programs' files give themselves away.
const FOREIGN: [(&str, &str); 7] = [
    ("claudeAiOauth", "Claude Code's credentials file"),
    ("mcpOAuth", "Claude Code's credentials file"),
    ("auth_mode", "Codex's auth.json"),
    ("OPENAI_API_KEY", "Codex's auth.json"),
    ("access_token", "an OAuth file of another program"),
    ("encrypted", "a Bitwarden export"),
    ("sops", "a file encrypted with sops"),
];

pub(super) fn parse(bytes: &[u8], what: &str, options: ParseOptions) -> Result<Parsed> {
    bounds::check_json(bytes, what)?;
    json::check(bytes, what)?;
    let root: &RawValue = serde_json::from_slice(bytes).map_err(|error| json::located(&error, what))?;
    let Some(root) = entry::object(root) else {
        return fail(Code::BadData, format!("{what} is not a JSON object"));
    };
    if let Some((_, whose)) = FOREIGN.iter().find(|(member, _)| root.contains_key(*member)) {
        return Err(Error::new(Code::BadData, format!("{what} is {whose}, which is not imported"))
            .with_remedy(
                "paste what it holds, one by one: strongroom paste-token, strongroom paste-api-key",
            ));
    }
    check_version(&root, what)?;
    let mut parsed = Parsed::default();
    let mut collector = Collector { parsed: &mut parsed, options, renews: false };
    if let Some(profiles) = root.get("profiles") {
        let Some(profiles) = entry::object(profiles) else {
            return fail(Code::BadData, format!("profiles in {what} is not a JSON object"));
        };
        for (index, (key, raw)) in profiles.iter().enumerate() {
            collector.add("profiles", index, key, profile_id(key), raw);
        }
    } else {
        for (index, (key, raw)) in root.iter().enumerate() {
            if !NOT_ENTRIES.contains(&key.as_str()) {
                collector.add("", index, key, default_id(key), raw);
            }
        }
    }
    let renews = collector.renews;
    if renews {
        let warning =
            "a refresh token that is used in two places logs one of them out: sign out where these came from";
        parsed.warnings.insert(0, warning.to_owned());
    }
    if let Some(raw) = root.get("order").filter(|raw| raw.get() != "null") {
        take_order(raw, &mut parsed);
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

fn profile_id(key: &str) -> Option<ProfileId> {
    key.parse().ok()
}

/// The id of an entry in a map of providers.
fn default_id(key: &str) -> Option<ProfileId> {
    if key.contains(':') {
        return key.parse().ok();
    }
    ProfileId::new(&key.parse::<Provider>().ok()?, "default").ok()
}

struct Collector<'a> {
    parsed: &'a mut Parsed,
    options: ParseOptions,
    renews: bool,
}

impl Collector<'_> {
    fn add(&mut self, parent: &str, index: usize, key: &str, id: Option<ProfileId>, raw: &RawValue) {
        let dot = if parent.is_empty() { "" } else { "." };
        let (place, id) = match id {
            Some(id) if !shape::looks_secret(key) && !shape::looks_random(id.provider().as_str()) => {
                (format!("{parent}{dot}{}", quoted(key)), id)
            }
            _ => {
                let place = if may_be_shown(key) {
                    format!("{parent}{dot}{}", quoted(key))
                } else {
                    format!("{parent}{}entry {}", if parent.is_empty() { "" } else { " " }, index + 1)
                };
                let problem = Problem::new(Code::InvalidId, "is not under a usable profile id");
                return self.refuse(place, problem);
            }
        };
        match entry::read(&id, raw, self.options) {
            Ok(Entry::Taken { credential, warnings, renews }) => {
                self.renews |= renews;
                self.parsed.warnings.extend(warnings.into_iter().map(|line| format!("{place}: {line}")));
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
            Err(problem) => self.refuse(place, problem),
        }
    }

    fn refuse(&mut self, place: String, problem: Problem) {
        let place = match problem.field {
            Some(field) => format!("{place}.{field}"),
            None => place,
        };
        self.parsed.invalid.push(Invalid { place, code: problem.code, reason: problem.reason.into_owned() });
    }
}

/// Whether a key that is no id may be shown. What stands where a name should be can be a secret,
/// so it is shown only where it begins like a provider that is known.
fn may_be_shown(key: &str) -> bool {
    let provider = key.split(':').next().unwrap_or_default().trim().to_ascii_lowercase();
    key.len() <= SHOWN_MAX && !shape::looks_secret(key) && !env_names::names_of(&provider).is_empty()
}

/// Takes the order over, of the ids that are imported.
fn take_order(raw: &RawValue, parsed: &mut Parsed) {
    let mut refuse = |place: String, reason: &str| {
        parsed.invalid.push(Invalid { place, code: Code::BadData, reason: reason.to_owned() });
    };
    let Some(orders) = entry::object(raw) else {
        return refuse("order".to_owned(), "is not a JSON object");
    };
    let known: HashSet<&str> = parsed.candidates.iter().map(|candidate| candidate.id.as_str()).collect();
    for (index, (key, raw)) in orders.iter().enumerate() {
        let provider = match key.parse::<Provider>() {
            Ok(provider) if !shape::looks_random(key) => provider,
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
            let Some(text) = entry::text(item) else {
                sound = false;
                break;
            };
            let text = text.expose_secret();
            if known.contains(text)
                && let Ok(id) = text.parse::<ProfileId>()
                && seen.insert(id.clone())
            {
                ids.push(id);
            }
        }
        if !sound {
            refuse(format!("order.{}", quoted(key)), "is not a list of profile ids");
        } else if !ids.is_empty() {
            parsed.order.insert(provider, ids);
        }
    }
}
