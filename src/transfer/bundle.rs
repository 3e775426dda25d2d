//! The contents of a bundle: profiles for another machine, as JSON inside an age file.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::bounds;
use super::candidate::{Candidate, Invalid, Parsed};
use super::openclaw_entry::{ENTRY_MAX, check_label};
use crate::error::{Code, Error, Result, fail};
use crate::json;
use crate::secret::{self, Buffer, ExposeSecret, SecretString};
use crate::vault::credential::{Credential, CredentialType, EXPIRES_MAX, SECRET_MAX};
use crate::vault::id::{AgentName, ProfileId};
use crate::vault::record::Record;

/// What marks the contents as a bundle's.
pub const MARK: &str = "strongroom-bundle";
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Out<'a> {
    format: &'a str,
    version: u32,
    created: i64,
    profiles: Vec<OutProfile<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OutProfile<'a> {
    agent: &'a str,
    profile: &'a str,
    provider: &'a str,
    r#type: &'a str,
    created: i64,
    updated: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    copy_to_agents: Option<bool>,
    #[serde(serialize_with = "secret::serialize")]
    secret: &'a SecretString,
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    extra: IndexMap<&'a str, &'a RawValue>,
}

#[derive(Deserialize)]
struct Head {
    format: String,
    version: u32,
}

#[derive(Deserialize)]
struct In<'a> {
    #[serde(borrow)]
    profiles: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InProfile {
    #[serde(default)]
    agent: Option<String>,
    profile: String,
    provider: String,
    r#type: String,
    #[serde(default)]
    created: Option<i64>,
    #[serde(default)]
    updated: Option<i64>,
    #[serde(default)]
    expires: Option<i64>,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default)]
    copy_to_agents: Option<bool>,
    #[serde(deserialize_with = "secret::deserialize")]
    secret: SecretString,
    #[serde(default)]
    extra: IndexMap<String, Box<RawValue>>,
}

/// The plaintext of a bundle.
///
/// # Errors
/// `INTERNAL`.
pub fn write(records: &[(AgentName, Record)], now: i64) -> Result<Buffer> {
    let internal = |_| Error::new(Code::Internal, "the bundle cannot be written");
    let mut profiles = Vec::with_capacity(records.len());
    let mut size = 256;
    for (agent, record) in records {
        let credential = &record.credential;
        let extra = credential
            .extra
            .iter()
            .map(|(key, value)| Ok((key.as_str(), serde_json::from_str(value.expose_secret())?)))
            .collect::<serde_json::Result<IndexMap<_, &RawValue>>>()
            .map_err(internal)?;
        size += 512 + credential.secret.expose_secret().len();
        size += extra.values().map(|raw| raw.get().len() + 64).sum::<usize>();
        profiles.push(OutProfile {
            agent: agent.as_str(),
            profile: record.profile.as_str(),
            provider: credential.provider.as_str(),
            r#type: credential.kind.as_str(),
            created: record.created,
            updated: record.updated,
            expires: credential.expires,
            email: credential.email.as_deref(),
            display_name: credential.display_name.as_deref(),
            copy_to_agents: credential.copy_to_agents,
            secret: &credential.secret,
            extra,
        });
    }
    let mut plaintext = Buffer::with_capacity(size);
    serde_json::to_writer(&mut plaintext, &Out { format: MARK, version: VERSION, created: now, profiles })
        .map_err(internal)?;
    Ok(plaintext)
}

/// Whether an opened age file holds a bundle, and not another format that somebody sealed.
#[must_use]
pub fn is_bundle(plaintext: &[u8]) -> bool {
    serde_json::from_slice::<Head>(plaintext).is_ok_and(|head| head.format == MARK)
}

/// The candidates in a bundle's plaintext.
///
/// # Errors
/// `BAD_DATA`, `DUPLICATE_KEY`, `NEWER_FORMAT`, `TOO_LARGE`.
pub fn parse(plaintext: &[u8]) -> Result<Parsed> {
    let what = "the bundle";
    bounds::check_json(plaintext, what)?;
    let head: Head = json::parse(plaintext, what)?;
    if head.version > VERSION {
        return fail(Code::NewerFormat, "the bundle was made by a newer strongroom");
    }
    let read: In = serde_json::from_slice(plaintext).map_err(|error| json::located(&error, what))?;
    let mut parsed = Parsed::default();
    for (number, raw) in read.profiles.iter().enumerate() {
        let place = format!("profiles[{number}]");
        match candidate(raw, &place) {
            Ok(candidate) => parsed.candidates.push(candidate),
            Err((code, reason)) => {
                parsed.invalid.push(Invalid { place, code, reason: reason.to_owned() });
            }
        }
    }
    Ok(parsed)
}

fn candidate(raw: &RawValue, place: &str) -> std::result::Result<Candidate, (Code, &'static str)> {
    let read: InProfile = serde_json::from_str(raw.get())
        .map_err(|_| (Code::BadData, "does not have the form of a profile"))?;
    let id: ProfileId = read.profile.parse().map_err(|_| (Code::InvalidId, "has an invalid profile id"))?;
    let agent = read
        .agent
        .map(|agent| agent.parse::<AgentName>())
        .transpose()
        .map_err(|_| (Code::InvalidAgent, "has an invalid agent name"))?;
    let provider = read.provider.parse().map_err(|_| (Code::InvalidId, "has an invalid provider"))?;
    let kind = CredentialType::parse(&read.r#type).ok_or((Code::BadData, "has an unknown type"))?;
    if read.expires.is_some_and(|at| !(1..=EXPIRES_MAX).contains(&at)) {
        return Err((Code::BadData, "has an expiry that is no instant"));
    }
    let secret = read.secret.expose_secret();
    if secret.trim().is_empty() || secret.len() > SECRET_MAX {
        return Err((Code::BadData, "has a secret that is empty or too long"));
    }
    let extra: usize = read.extra.iter().map(|(name, raw)| name.len() + raw.get().len()).sum();
    if secret.len() + extra > ENTRY_MAX {
        return Err((Code::TooLarge, "takes too many bytes with all of its fields"));
    }
    for label in [&read.email, &read.display_name].into_iter().flatten() {
        if check_label(label).is_err() {
            return Err((Code::BadData, "has an email or a name that may not stand in the index"));
        }
    }
    let mut credential = Credential::new(kind, provider, read.secret);
    credential.expires = read.expires;
    credential.email = read.email;
    credential.display_name = read.display_name;
    credential.copy_to_agents = read.copy_to_agents;
    credential.extra = read
        .extra
        .into_iter()
        .map(|(key, value)| (key, SecretString::from(Box::<str>::from(value))))
        .collect();
    Ok(Candidate {
        agent,
        id,
        credential,
        created: read.created,
        updated: read.updated,
        place: place.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        let profile: ProfileId = "openai-codex:me".parse().unwrap();
        let mut credential =
            Credential::new(CredentialType::OAuth, profile.provider(), SecretString::from("canary-access"));
        credential.expires = Some(9);
        credential.extra.insert("refresh".into(), SecretString::from("\"canary-refresh\""));
        let (generation, created, updated) = (4, 1, 2);
        let details = crate::vault::record::Details::default();
        Record { profile, generation, created, updated, replaces: None, by: None, credential, details }
    }

    #[test]
    fn profiles_survive_a_bundle() {
        let (agent, record) = ("ops".parse::<AgentName>().unwrap(), record());
        let plaintext = write(&[(agent.clone(), record.clone())], 7).unwrap();
        assert!(is_bundle(plaintext.expose()));
        let parsed = parse(plaintext.expose()).unwrap();
        let candidate = &parsed.candidates[0];
        assert_eq!((&candidate.agent, &candidate.id), (&Some(agent), &record.profile));
        assert!(candidate.credential.same_as(&record.credential));
        assert_eq!((candidate.created, candidate.updated), (Some(1), Some(2)));
    }

    #[test]
    fn bad_profiles_are_all_named_and_none_is_quoted() {
        let text = r#"{"format":"strongroom-bundle","version":1,"profiles":[
            {"profile":"canary","provider":"a","type":"token","secret":"canary"},
            {"profile":"a:b","provider":"a","type":"canary","secret":"canary"},
            {"profile":"a:b","provider":"a","type":"token","secret":5},
            {"profile":"a:b","provider":"a","type":"token","secret":" "},
            {"profile":"a:b","provider":"a","type":"token","expires":-1,"secret":"canary"}]}"#;
        let parsed = parse(text.as_bytes()).unwrap();
        assert_eq!((parsed.candidates.len(), parsed.invalid.len()), (0, 5));
        assert!(!format!("{:?}", parsed.invalid).contains("canary"));
        let newer = text.replace("\"version\":1", "\"version\":2");
        assert_eq!(parse(newer.as_bytes()).unwrap_err().code(), Code::NewerFormat);
    }
}
