//! Reads the earlier versions of a profile in a bundle. A version has no id and no agent of its own.

use std::collections::BTreeSet;

use serde_json::value::RawValue;

use super::bundle::{Contents, contents};
use super::fields::{self, Fields};
use super::value::Problem;
use crate::error::Code;
use crate::messages::transfer::reason;
use crate::secret::ExposeSecret;
use crate::vault::history::{Imported, Version, prune};
use crate::vault::id::ProfileId;
use crate::vault::ledger::GENERATION_MAX;
use crate::vault::log::OPS_OF_AGENT;
use crate::vault::record::{Details, Record};
use crate::vault::store::Store;

/// Takes the earlier versions of a profile, the oldest first. `name` is the profile's name in the bundle, and `id` the
/// one that it gets.
pub(super) fn take(fields: &mut Fields<'_>, id: &ProfileId, name: &str) -> Result<Vec<Version>, Problem> {
    let own = fields::take(fields, "generation");
    let Some(raw) = fields::take(fields, "history") else { return Ok(Vec::new()) };
    let own = generation(own)?;
    let not_a_list = |_| Problem::new(Code::BadData, reason::not_a_list()).at("history");
    let items: Vec<&RawValue> = serde_json::from_str(raw.get()).map_err(not_a_list)?;
    if items.len() > prune::MAX {
        return Err(Problem::new(Code::TooLarge, reason::more_items_than(prune::MAX)).at("history"));
    }
    let (mut versions, mut seen) = (Vec::with_capacity(items.len()), BTreeSet::new());
    for (number, raw) in items.into_iter().enumerate() {
        let read = version(raw, id, name).and_then(|version| match version.record.generation {
            later if later >= own => Err(not_good(reason::not_earlier())),
            twice if !seen.insert(twice) => Err(not_good(reason::generation_twice())),
            _ => Ok(version),
        });
        versions.push(read.map_err(|problem| problem.within("history", number))?);
    }
    versions.sort_by_key(|version| version.record.generation);
    Ok(versions)
}

fn version(raw: &RawValue, id: &ProfileId, name: &str) -> Result<Version, Problem> {
    let mut fields = fields::object(raw).ok_or_else(|| Problem::new(Code::BadData, reason::not_object()))?;
    if fields::take_text(&mut fields, "profile")?.is_some_and(|of| of.expose_secret() != name) {
        return Err(Problem::new(Code::BadData, reason::of_another_profile()).at("profile"));
    }
    let generation = generation(fields::take(&mut fields, "generation"))?;
    let op = fields::take_text(&mut fields, "op")?;
    // A later version may write other kinds.
    let op = op.and_then(|op| OPS_OF_AGENT.iter().find(|known| **known == op.expose_secret()));
    // Those of a version would not be used.
    fields::take(&mut fields, "hosts");
    fields::take(&mut fields, "helpers");
    let Contents { credential, details, created, updated, .. } = contents(&mut fields, id)?;
    // A generation is at least the time of its writing.
    let updated = updated.unwrap_or_else(|| i64::try_from(generation).unwrap_or(i64::MAX));
    let record = Record {
        profile: id.clone(),
        generation,
        created: created.unwrap_or(updated),
        updated,
        rotated: None,
        replaces: None,
        by: None,
        credential,
        details: Details { username: details.username, note: details.note, ..Details::default() },
    };
    let imported = Some(Imported { op: op.map(|op| (*op).to_owned()) });
    Ok(Version { record, store: Store::default(), imported })
}

fn generation(raw: Option<&RawValue>) -> Result<u64, Problem> {
    let raw = raw.ok_or_else(|| not_good(reason::missing()))?;
    let number = raw.get().parse().ok().filter(|number| (1..=GENERATION_MAX).contains(number));
    number.ok_or_else(|| not_good(reason::not_a_generation()))
}

fn not_good(why: &'static str) -> Problem {
    Problem::new(Code::BadData, why).at("generation")
}

#[cfg(test)]
mod tests {
    use super::super::ParseOptions;
    use super::super::bundle::{Outgoing, parse, write};
    use super::super::candidate::Parsed;
    use super::*;
    use crate::secret::SecretString;
    use crate::vault::credential::{Credential, CredentialType};
    use crate::vault::id::AgentName;

    const VERSION: &str = r#""provider":"a","type":"token","secret":"made-up-earlier-secret""#;

    /// Reads a bundle of one profile, of generation 100, with these earlier versions.
    fn read(history: &str) -> Parsed {
        let text = format!(
            r#"{{"format":"strongroom-bundle","version":1,"profiles":[{{"profile":"a:b","provider":"a",
            "type":"token","secret":"made-up-secret","generation":100,"history":{history}}}]}}"#
        );
        parse(text.as_bytes(), &ParseOptions::default()).unwrap()
    }

    #[test]
    fn versions_survive_a_bundle_without_their_destinations() {
        let profile: ProfileId = "a:b".parse().unwrap();
        let record = |generation: u64, secret: &str| {
            let mut credential =
                Credential::new(CredentialType::Token, profile.provider(), SecretString::from(secret));
            credential.expires = Some(9);
            credential.extra.insert("big".into(), SecretString::from("12345678901234567890.10"));
            let details = Details {
                hosts: Some(vec!["https://x.io".into()]),
                helpers: Some(vec!["git".into()]),
                note: Some("mine".into()),
                username: Some("me".into()),
                ..Details::default()
            };
            let (profile, replaces, by) = (profile.clone(), None, None);
            Record {
                profile,
                generation,
                created: 1,
                updated: 2,
                rotated: None,
                replaces,
                by,
                credential,
                details,
            }
        };
        let version = |generation, op: Option<&str>| Version {
            record: record(generation, &format!("made-up-secret-{generation}")),
            store: Store::Keychain,
            imported: Some(Imported { op: op.map(ToOwned::to_owned) }),
        };
        let versions = vec![version(3, Some("paste")), version(5, None)];
        let outgoing = Outgoing {
            agent: AgentName::default(),
            record: record(7, "made-up-now"),
            versions: versions.clone(),
        };
        let plaintext = write(&[outgoing], 7).unwrap();
        let parsed = parse(plaintext.expose(), &ParseOptions::default()).unwrap();
        let back = &parsed.candidates[0].versions;
        assert_eq!(back.len(), 2);
        for (version, back) in versions.iter().zip(back) {
            assert!(back.record.credential.same_as(&version.record.credential));
            assert_eq!(back.record.generation, version.record.generation);
            assert_eq!((back.record.created, back.record.updated), (1, 2));
            assert_eq!(back.imported, version.imported);
            let details = &back.record.details;
            assert_eq!((&details.hosts, &details.helpers), (&None, &None));
            assert_eq!((details.note.as_deref(), details.username.as_deref()), (Some("mine"), Some("me")));
        }
    }

    #[test]
    fn a_made_up_history_is_refused_by_the_place_of_what_is_wrong() {
        let of = |generation: &str| format!(r#"[{{"generation":{generation},{VERSION}}}]"#);
        let twice = format!(r#"[{{"generation":5,{VERSION}}},{{"generation":5,{VERSION}}}]"#);
        let many = format!("[{}{{}}]", "{},".repeat(64));
        let with = |member: &str| format!(r#"[{{"generation":5,{VERSION},{member}}}]"#);
        for (history, field, code) in [
            (of("100"), "history[0].generation", Code::BadData),
            (of("4503599627370497"), "history[0].generation", Code::BadData),
            (of("18446744073709551616"), "history[0].generation", Code::BadData),
            (of("0"), "history[0].generation", Code::BadData),
            (of("-1"), "history[0].generation", Code::BadData),
            (of("1.5"), "history[0].generation", Code::BadData),
            (of(r#""5""#), "history[0].generation", Code::BadData),
            (of("null"), "history[0].generation", Code::BadData),
            (format!("[{{{VERSION}}}]"), "history[0].generation", Code::BadData),
            (twice, "history[1].generation", Code::BadData),
            (many, "history", Code::TooLarge),
            ("{}".to_owned(), "history", Code::BadData),
            (r#"["canary"]"#.to_owned(), "history[0]", Code::BadData),
            (with(r#""profile":"a:other""#), "history[0].profile", Code::BadData),
            (with(r#""op":5"#), "history[0].op", Code::BadData),
            (with(r#""note":"canary\u202e""#), "history[0].note", Code::BadData),
            (of("5").replace("earlier-secret", r"\u0000canary"), "history[0].secret", Code::BadData),
            (of("5").replace("made-up-earlier-secret", "***"), "history[0].secret", Code::NotASecret),
            (
                of("5").replace(r#""provider":"a""#, r#""provider":"b""#),
                "history[0].provider",
                Code::InvalidId,
            ),
        ] {
            let parsed = read(&history);
            assert!(parsed.candidates.is_empty(), "{history}");
            let invalid = &parsed.invalid[0];
            let place = format!(r#"profiles[0] ("a:b").{field}"#);
            assert_eq!((&invalid.place, invalid.code), (&place, code), "{history}");
            assert!(!invalid.reason.contains("canary"), "{}", invalid.reason);
        }
        // Without a generation of its own, the profile cannot be newer than its versions.
        let text = r#"{"format":"strongroom-bundle","version":1,"profiles":[{"profile":"a:b","provider":"a",
            "type":"token","secret":"made-up-secret","history":[]}]}"#;
        let parsed = parse(text.as_bytes(), &ParseOptions::default()).unwrap();
        assert_eq!(parsed.invalid[0].place, r#"profiles[0] ("a:b").generation"#);
    }

    #[test]
    fn what_a_version_lacks_is_made_up_for_and_an_unknown_change_is_dropped() {
        let parsed =
            read(&format!(r#"[{{"generation":5,"op":"canary",{VERSION}}},{{"generation":4,{VERSION}}}]"#));
        let versions = &parsed.candidates[0].versions;
        assert_eq!(versions.iter().map(|v| v.record.generation).collect::<Vec<_>>(), [4, 5]);
        assert_eq!((versions[1].record.updated, versions[1].record.created), (5, 5));
        assert_eq!(versions[1].imported, Some(Imported::default()));
    }

    #[test]
    fn all_versions_of_a_bundle_count_together() {
        let version = |generation: usize| format!(r#"{{"generation":{generation},{VERSION}}}"#);
        let history = (1..=64).map(version).collect::<Vec<_>>().join(",");
        let profile = |n: usize| {
            format!(
                r#"{{"profile":"a:b{n}","provider":"a","type":"token","secret":"made-up","generation":100,"history":[{history}]}}"#
            )
        };
        let profiles = (0..1_563).map(profile).collect::<Vec<_>>().join(",");
        let text = format!(r#"{{"format":"strongroom-bundle","version":1,"profiles":[{profiles}]}}"#);
        let error = parse(text.as_bytes(), &ParseOptions::default()).unwrap_err();
        assert_eq!(error.code(), Code::TooLarge);
    }
}
