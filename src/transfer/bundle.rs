//! The contents of a bundle: profiles for another machine, as JSON inside an age file.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::bundle_history;
use super::candidate::{Candidate, Invalid, Parsed};
use super::details;
use super::expiry::{self, Zero};
use super::fields::{self, Fields};
use super::openclaw_entry as entry;
use super::openclaw_json::usable_id;
use super::rename::agree;
use super::value::{Checked, Problem, check};
use super::{ParseOptions, bounds};
use crate::error::{Code, Result};
use crate::json;
use crate::messages::transfer::{self as say, reason};
use crate::secret::{ExposeSecret, SecretString};
use crate::secret_format;
use crate::term::escape::is_unsafe;
use crate::vault::credential::{Credential, CredentialType, EXPIRES_MAX};
use crate::vault::id::{AgentName, ProfileId, quoted_in_full};
use crate::vault::record::Details;

pub use super::bundle_out::{Outgoing, write};

/// The format's name, which marks JSON as the contents of a bundle.
pub const MARK: &str = "strongroom-bundle";
pub(super) const VERSION: u32 = 1;

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

/// Returns whether a decrypted age file is a bundle, and not another format that was encrypted with age.
#[must_use]
pub fn is_bundle(plaintext: &[u8]) -> bool {
    serde_json::from_slice::<Head>(plaintext).is_ok_and(|head| head.format == MARK)
}

/// Parses the plaintext of a bundle.
///
/// # Errors
/// `BAD_DATA`, `DUPLICATE_KEY`, `NEWER_FORMAT`, `TOO_LARGE`, `USAGE` for a rename that matched no entry.
pub fn parse(plaintext: &[u8], options: &ParseOptions<'_>) -> Result<Parsed> {
    let what = "the bundle";
    bounds::check_json(plaintext, what)?;
    let head: Head = json::parse(plaintext, what)?;
    if head.version > VERSION {
        return Err(say::newer_bundle());
    }
    let read: In = serde_json::from_slice(plaintext).map_err(|error| json::located(&error, what))?;
    let (mut parsed, mut versions) = (Parsed::default(), 0);
    for (number, raw) in read.profiles.iter().enumerate() {
        let place = format!("profiles[{number}]");
        match candidate(raw, &place, options) {
            Ok((candidate, warnings)) => {
                let told = warnings.into_iter().map(|line| format!("{place} ({}): {line}", candidate.id));
                parsed.warnings.extend(told);
                versions += candidate.versions.len();
                if versions > bounds::ENTRIES_MAX {
                    return Err(say::too_many_versions(what, bounds::ENTRIES_MAX));
                }
                parsed.candidates.push(candidate);
            }
            Err((name, problem)) => {
                let place = name.map_or_else(|| place.clone(), |name| format!("{place} ({name})"));
                parsed.invalid.push(Invalid::new(place, problem));
            }
        }
    }
    super::finish(&mut parsed, what, options)?;
    Ok(parsed)
}

/// Reads a profile of a bundle, checked like one from any other source, because anyone who knows the recipient can make
/// a bundle. The error has the profile's name, if that may be shown.
fn candidate(
    raw: &RawValue,
    place: &str,
    options: &ParseOptions<'_>,
) -> std::result::Result<(Candidate, Vec<String>), (Option<String>, Problem)> {
    let no_form = || (None, Problem::new(Code::BadData, reason::not_a_profile()));
    let mut fields = fields::object(raw).ok_or_else(no_form)?;
    let name = fields::take_text(&mut fields, "profile").ok().flatten().ok_or_else(no_form)?;
    let name = name.expose_secret();
    let renamed = options.renames.and_then(|renames| renames.of(name));
    let id = match renamed.map_or_else(|| usable_id(name, name), |new| Ok((new, false))) {
        Ok((id, _)) => id,
        Err(reason) => {
            return Err((shown_name(name), Problem::new(Code::InvalidId, reason)));
        }
    };
    match profile(fields, id, name, place) {
        Ok(read) => Ok(read),
        Err(problem) => Err((shown_name(name), problem)),
    }
}

fn shown_name(name: &str) -> Option<String> {
    secret_format::may_be_shown(name).then(|| quoted_in_full(name))
}

fn profile(
    mut fields: Fields<'_>,
    id: ProfileId,
    name: &str,
    place: &str,
) -> std::result::Result<(Candidate, Vec<String>), Problem> {
    let agent = fields::take_text(&mut fields, "agent")?
        .map(|agent| agent.expose_secret().parse::<AgentName>())
        .transpose()
        .map_err(|_| Problem::new(Code::InvalidAgent, reason::not_an_agent()).at("agent"))?;
    let Contents { credential, details, created, updated, warnings } = contents(&mut fields, &id)?;
    let versions = bundle_history::take(&mut fields, &id, name)?;
    let place = place.to_owned();
    Ok((Candidate { agent, id, credential, details, created, updated, versions, place }, warnings))
}

/// What a profile and an earlier version have in common.
pub(super) struct Contents {
    pub(super) credential: Credential,
    pub(super) details: Details,
    pub(super) created: Option<i64>,
    pub(super) updated: Option<i64>,
    pub(super) warnings: Vec<String>,
}

/// Takes what a profile and an earlier version have in common.
pub(super) fn contents(fields: &mut Fields<'_>, id: &ProfileId) -> std::result::Result<Contents, Problem> {
    let missing = |field| Problem::new(Code::BadData, reason::missing()).at(field);
    let provider = fields::take_text(fields, "provider")?.ok_or_else(|| missing("provider"))?;
    let provider = entry::provider(provider.expose_secret())?;
    agree(id, &provider)?;
    let kind = fields::take_text(fields, "type")?.ok_or_else(|| missing("type"))?;
    let kind = CredentialType::parse(kind.expose_secret())
        .ok_or_else(|| Problem::new(Code::BadData, reason::unknown_type()).at("type"))?;
    let secret = fields::take_text(fields, "secret")?.ok_or_else(|| missing("secret"))?;
    let Checked { secret, mut warnings } =
        check(secret.expose_secret()).map_err(|problem| problem.at("secret"))?;
    // No vault of ours would contain one of these.
    if secret.expose_secret().contains(is_unsafe) {
        return Err(Problem::new(Code::BadData, reason::control_character()).at("secret"));
    }
    let mut credential = Credential::new(kind, provider, secret);
    credential.expires = expiry::take(fields, Zero::Unknown, &mut warnings)?;
    credential.email = entry::label(fields, "email")?;
    credential.display_name = entry::label(fields, "displayName")?;
    credential.copy_to_agents = entry::copy_to_agents(fields)?;
    let details = details::take(fields)?;
    let (created, updated) = (instant(fields, "created")?, instant(fields, "updated")?);
    let extra = match fields::take(fields, "extra") {
        None => Fields::default(),
        Some(raw) => fields::object(raw)
            .ok_or_else(|| Problem::new(Code::BadData, reason::not_object()).at("extra"))?,
    };
    if kind == CredentialType::OAuth {
        entry::has_refresh(&extra)?;
    }
    credential.extra = extra.into_iter().map(|(key, value)| (key, SecretString::from(value.get()))).collect();
    entry::check_size(&credential)?;
    details::check_size(&details, &credential)?;
    Ok(Contents { credential, details, created, updated, warnings })
}

fn instant(fields: &mut Fields<'_>, name: &'static str) -> std::result::Result<Option<i64>, Problem> {
    let at = fields::take(fields, name).map(|raw| raw.get().parse::<i64>());
    at.transpose()
        .ok()
        .filter(|at| at.is_none_or(|at| (0..=EXPIRES_MAX).contains(&at)))
        .ok_or_else(|| Problem::new(Code::BadData, reason::not_an_instant()).at(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::record::Record;

    fn record() -> Record {
        let profile: ProfileId = "openai-codex:me".parse().unwrap();
        let mut credential =
            Credential::new(CredentialType::OAuth, profile.provider(), SecretString::from("canary-access"));
        credential.expires = Some(9);
        credential.extra.insert("refresh".into(), SecretString::from("\"canary-refresh\""));
        let (generation, created, updated) = (4, 1, 2);
        let details = Details {
            hosts: Some(vec!["https://x.io".into()]),
            username: Some("me".into()),
            helpers: Some(vec!["git".into()]),
            note: Some("two\nlines".into()),
            ..Default::default()
        };
        let (replaces, by, rotated) = (None, None, None);
        Record { profile, generation, created, updated, rotated, replaces, by, credential, details }
    }

    fn outgoing(agent: &AgentName, record: &Record) -> Outgoing {
        Outgoing { agent: agent.clone(), record: record.clone(), versions: Vec::new() }
    }

    #[test]
    fn profiles_survive_a_bundle() {
        let (agent, record) = ("ops".parse::<AgentName>().unwrap(), record());
        let plaintext = write(&[outgoing(&agent, &record)], 7).unwrap();
        assert!(is_bundle(plaintext.expose()));
        let parsed = parse(plaintext.expose(), &ParseOptions::default()).unwrap();
        let candidate = &parsed.candidates[0];
        assert_eq!((&candidate.agent, &candidate.id), (&Some(agent), &record.profile));
        assert!(candidate.credential.same_as(&record.credential));
        assert_eq!((candidate.created, candidate.updated), (Some(1), Some(2)));
        assert_eq!(candidate.details, record.details);
    }

    #[test]
    fn what_is_beside_the_secret_is_checked_as_if_given_by_hand() {
        let read = |members: &str| {
            let text = format!(
                r#"{{"format":"strongroom-bundle","version":1,"profiles":[{{"profile":"a:b","provider":"a",
                "type":"token","secret":"made-up-secret",{members}}}]}}"#
            );
            parse(text.as_bytes(), &ParseOptions::default()).unwrap()
        };
        let parsed = read(r#""hosts":["HTTPS://X.io:443","https://x.io"],"helpers":[],"note":null"#);
        let details = &parsed.candidates[0].details;
        assert_eq!(details.hosts.as_deref(), Some(&["https://x.io".to_owned()][..]));
        assert_eq!((details.helpers.as_deref(), &details.note), (Some(&[][..]), &None));
        let many = format!(r#""hosts":[{}"https://x.io"]"#, r#""https://x.io","#.repeat(16));
        let long = format!(r#""note":"{}""#, "no ".repeat(400));
        for (members, field, code) in [
            (r#""hosts":"https://x.io""#, "hosts", Code::BadData),
            (r#""hosts":["https://x.io",5]"#, "hosts", Code::BadData),
            (r#""hosts":["https://canary@x.io"]"#, "hosts", Code::BadData),
            (r#""hosts":["https://x.io/canary"]"#, "hosts", Code::BadData),
            (r#""hosts":["https://x.io\u001b[2J"]"#, "hosts", Code::BadData),
            (r#""hosts":["sk-ant-api03-canary-canary-canary"]"#, "hosts", Code::BadData),
            (&many, "hosts", Code::TooLarge),
            (r#""helpers":["canary"]"#, "helpers", Code::BadData),
            (r#""helpers":{"git":true}"#, "helpers", Code::BadData),
            (r#""username":"canary\u001b[2J""#, "username", Code::BadData),
            (r#""username":"""#, "username", Code::BadData),
            (r#""username":["me"]"#, "username", Code::BadData),
            (r#""note":"canary\u202e""#, "note", Code::BadData),
            (&long, "note", Code::BadData),
        ] {
            let parsed = read(members);
            assert!(parsed.candidates.is_empty(), "{members}");
            let invalid = &parsed.invalid[0];
            let place = format!(r#"profiles[0] ("a:b").{field}"#);
            assert_eq!((&invalid.place, invalid.code), (&place, code), "{members}");
            assert!(!invalid.reason.contains("canary"), "{}", invalid.reason);
        }
    }

    #[test]
    fn a_made_up_bundle_is_checked_like_any_other_source() {
        let read = |profile: &str| {
            let text = format!(r#"{{"format":"strongroom-bundle","version":1,"profiles":[{profile}]}}"#);
            parse(text.as_bytes(), &ParseOptions::default()).unwrap()
        };
        let secret = |secret: &str| {
            format!(r#"{{"profile":"a:b","provider":"a","type":"token","secret":"{secret}"}}"#)
        };
        for escape in [r"\u001b[31m", r"\u0000", r"\r", r"\n", r"\u009b", r"\u202e", r"\ufeff", r"\u2028"] {
            let parsed = read(&secret(&format!("made{escape}up")));
            assert_eq!(parsed.invalid.len(), 1, "{escape}");
            assert_eq!(parsed.invalid[0].place, r#"profiles[0] ("a:b").secret"#);
        }
        assert_eq!(read(&secret("***")).invalid[0].code, Code::NotASecret);
        for (profile, place, code) in [
            (
                r#""profile":"openrouter:free","provider":"anthropic""#,
                r#"profiles[0] ("openrouter:free").provider"#,
                Code::InvalidId,
            ),
            (r#""profile":"a:b c","provider":"a""#, r#"profiles[0] ("a:b c")"#, Code::InvalidId),
            (
                r#""profile":"a:b","provider":"a","email":"x\u001b[2J""#,
                r#"profiles[0] ("a:b").email"#,
                Code::BadData,
            ),
            (
                r#""profile":"a:b","provider":"a","expires_at":"soon""#,
                r#"profiles[0] ("a:b").expires_at"#,
                Code::BadData,
            ),
            (
                r#""profile":"a:b","provider":"a","agent":"Main""#,
                r#"profiles[0] ("a:b").agent"#,
                Code::InvalidAgent,
            ),
            (
                r#""profile":"a:b","provider":"a","created":"x""#,
                r#"profiles[0] ("a:b").created"#,
                Code::BadData,
            ),
        ] {
            let parsed = read(&format!(r#"{{{profile},"type":"token","secret":"made-up-secret"}}"#));
            assert_eq!((parsed.invalid[0].place.as_str(), parsed.invalid[0].code), (place, code));
        }
    }

    #[test]
    fn bad_profiles_are_all_named_and_none_is_quoted() {
        let text = r#"{"format":"strongroom-bundle","version":1,"profiles":[
            {"profile":"sk-ant-canary-canary","provider":"a","type":"token","secret":"canary"},
            {"profile":"a:b","provider":"a","type":"canary","secret":"canary"},
            {"profile":"a:b","provider":"a","type":"token","secret":5},
            {"profile":"a:b","provider":"a","type":"token","secret":" "},
            {"profile":"a:b","provider":"a","type":"token","expires":-1,"secret":"canary"}]}"#;
        let parsed = parse(text.as_bytes(), &ParseOptions::default()).unwrap();
        assert_eq!((parsed.candidates.len(), parsed.invalid.len()), (0, 5));
        assert!(!format!("{:?}", parsed.invalid).contains("canary"));
        let newer = text.replace("\"version\":1", "\"version\":2");
        assert_eq!(parse(newer.as_bytes(), &ParseOptions::default()).unwrap_err().code(), Code::NewerFormat);
    }
}
