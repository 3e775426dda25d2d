//! `.env` files and other lists of variables: those in which providers' keys are kept.

use std::collections::{BTreeMap, HashMap};

use super::value::{Checked, Problem, check};
use super::{Candidate, Invalid, Parsed, Skipped, bounds};
use crate::env_names;
use crate::error::{Code, Error, Result, fail};
use crate::secret::ExposeSecret;
use crate::shape;
use crate::sources;
use crate::sources::dotenv_lines::{Lines, PassedOver, lines};
use crate::sources::dotenv_value::{Note, Value};
use crate::sources::untaken;
use crate::vault::credential::Credential;
use crate::vault::id::{ProfileId, Provider};

/// So many variables that look like keys and are not taken are named.
const UNTAKEN_SHOWN: usize = 100;
/// So many lines that are passed over are named.
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
            return Err(Error::new(Code::BadData, format!("{what} is not a text file"))
                .with_remedy("name its format with --from, or import one of: openclaw, env, bundle"));
        }
    };
    let Lines { assignments, passed_over, swallowed, too_many } = lines(text);
    if too_many {
        return Err(bounds::too_many(what));
    }
    let mut parsed = Parsed::default();
    tell_passed_over(&mut parsed, &passed_over);
    let swallowed = swallowed.iter().map(|one| {
        let (name, by) = (untaken::shown(one.name), untaken::shown(one.by));
        format!(
            "{name} (line {}) is not taken: it stands within the value of {by}, as OpenClaw reads it",
            one.line
        )
    });
    parsed.warnings.extend(swallowed);
    let set = assignments.into_iter();
    take_all(
        &mut parsed,
        set.map(|one| Set { name: one.name, line: Some(one.line), value: one.value, note: one.note }),
    )?;
    Ok(parsed)
}

/// Takes the keys among variables that are set by their names, in any order; of a name that is set more than once
/// the last counts. The values stand for themselves: there are no quotes and no comments in them.
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
                parsed.skipped.push(Skipped { place, reason: "is empty, holds no secret".to_owned() });
            } else if let Some(first) = first {
                parsed.skipped.push(Skipped { place, reason: format!("shadowed by {first}") });
            } else {
                first = Some(name);
                add(parsed, row.provider, name, last, place)?;
            }
        }
    }
    tell_others(parsed, &others);
    Ok(())
}

/// Says what becomes of a variable's earlier values, if they are others.
fn duplicates(place: &str, last: &Set<'_>, earlier: &[Set<'_>]) -> Option<String> {
    let same = |one: &Set<'_>| match (&one.value, &last.value) {
        (Value::Text(one), Value::Text(last)) => one.expose_secret() == last.expose_secret(),
        _ => false,
    };
    let differs = earlier.iter().any(|one| !same(one));
    differs.then(|| {
        format!("{place} is set more than once, with different values; the last counts, as in OpenClaw")
    })
}

/// Names the variables that look like keys and are not taken, and counts the others.
fn tell_others(parsed: &mut Parsed, others: &BTreeMap<&str, Set<'_>>) {
    let (mut named, mut ignored) = (Vec::new(), 0_usize);
    for other in others.values() {
        let value = match &other.value {
            Value::Text(text) => text.expose_secret(),
            Value::Reference(_) | Value::Refused(_) => "",
        };
        match untaken::told(other.name, value, &other.at()) {
            Some(told) => named.push(told),
            None => ignored += 1,
        }
    }
    let more = named.len().saturating_sub(UNTAKEN_SHOWN);
    named.truncate(UNTAKEN_SHOWN);
    parsed.warnings.append(&mut named);
    if more > 0 {
        parsed.warnings.push(format!("{more} more variables look like keys and are not taken"));
    }
    if ignored > 0 {
        let noun = if ignored == 1 { "variable" } else { "variables" };
        parsed.warnings.push(format!("{ignored} other {noun} ignored"));
    }
}

/// Refuses lines that seem to hold a key and are no assignments, and tells of the others.
fn tell_passed_over(parsed: &mut Parsed, lines: &[PassedOver]) {
    let keys = lines.iter().filter(|passed| passed.holds_key);
    parsed.invalid.extend(keys.map(|passed| Invalid {
        place: format!("line {}", passed.line),
        code: Code::BadData,
        reason: "seems to hold a key, and is not of the form NAME=value".to_owned(),
    }));
    let others: Vec<_> = lines.iter().filter(|passed| !passed.holds_key).map(|passed| passed.line).collect();
    let shown: Vec<_> = others.iter().take(LINES_SHOWN).map(ToString::to_string).collect();
    match others.len().saturating_sub(shown.len()) {
        _ if others.is_empty() => {}
        0 => parsed
            .warnings
            .push(format!("not of the form NAME=value, and ignored: line {}", shown.join(", "))),
        more => parsed.warnings.push(format!(
            "not of the form NAME=value, and ignored: line {} and {more} more",
            shown.join(", ")
        )),
    }
}

fn is_blank(value: &Value) -> bool {
    matches!(value, Value::Text(text) if text.expose_secret().chars().all(shape::is_space))
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

/// Takes a variable's value as a profile, where it is one.
pub(super) fn take(
    parsed: &mut Parsed,
    provider: &str,
    profile: &str,
    name: &str,
    text: &str,
    place: String,
) -> Result<()> {
    let Ok(provider) = provider.parse::<Provider>() else {
        return fail(Code::Internal, "the table of variables names a provider that is none");
    };
    if shape::is_local_marker(&provider, text) {
        let reason = "a marker for a local service, holds no secret".to_owned();
        parsed.skipped.push(Skipped { place, reason });
        return Ok(());
    }
    match check(text) {
        Err(Problem { code, reason, .. }) => {
            parsed.invalid.push(Invalid { place, code, reason: reason.into_owned() });
        }
        Ok(Checked { secret, mut warnings }) => {
            let kind = sources::kind(name, secret.expose_secret());
            warnings.extend(shape::advise(&provider, kind, secret.expose_secret()));
            parsed.warnings.extend(warnings.into_iter().map(|line| format!("{place}: {line}")));
            parsed.candidates.push(Candidate {
                agent: None,
                id: ProfileId::new(&provider, profile)?,
                credential: Credential::new(kind, provider, secret),
                created: None,
                updated: None,
                place,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::credential::CredentialType;

    fn read(text: &str) -> Parsed {
        parse(text.as_bytes(), "the file").unwrap()
    }

    fn secrets(parsed: &Parsed) -> Vec<(&str, &str)> {
        assert!(parsed.invalid.is_empty(), "{parsed:?}");
        parsed.candidates.iter().map(|c| (c.id.as_str(), c.credential.secret.expose_secret())).collect()
    }

    #[test]
    fn names_give_provider_and_type() {
        let parsed = read(
            "GH_TOKEN=made-up-1\nCLAUDE_CODE_OAUTH_TOKEN=made-up-2\nHF_TOKEN=made-up-3\nMINIMAX_API_KEY=made-up-4",
        );
        let said: Vec<_> = parsed
            .candidates
            .iter()
            .map(|c| (c.id.as_str(), c.credential.kind.as_str(), c.place.as_str()))
            .collect();
        assert_eq!(
            said,
            [
                ("anthropic:default", "token", "CLAUDE_CODE_OAUTH_TOKEN (line 2)"),
                ("github-copilot:default", "token", "GH_TOKEN (line 1)"),
                ("huggingface:default", "api_key", "HF_TOKEN (line 3)"),
                ("minimax:default", "api_key", "MINIMAX_API_KEY (line 4)"),
            ]
        );
        let parsed = read("ANTHROPIC_API_KEY=sk-ant-oat01-made-up");
        assert_eq!(parsed.candidates[0].credential.kind, CredentialType::Token);
    }

    #[test]
    fn references_to_another_vault_are_passed_by() {
        for value in ["op://a/b/c", "\"op://a/b/c\"", "'op://a/b/c'", "`op://a/b/c`"] {
            let parsed = read(&format!("OPENAI_API_KEY={value}"));
            let counts = (parsed.skipped.len(), parsed.candidates.len(), parsed.invalid.len());
            assert_eq!(counts, (1, 0, 0), "{value}");
        }
    }

    #[test]
    fn what_a_shell_would_fill_in_is_refused_by_name_and_the_rest_goes_on() {
        for value in [
            "${OTHER}",
            "\"a${OTHER}\"",
            "a${OTHER:-b}",
            "$OTHER",
            "made-$OTHER-up",
            "\"made-\\$OTHER\"",
            "$(pass show x)",
            "\"$(pass show x)\"",
            "\"`pass show x`\"",
            "made`pass`",
        ] {
            let parsed = read(&format!("OPENAI_API_KEY={value}\nGROQ_API_KEY=made-up-1"));
            let [invalid] = parsed.invalid.as_slice() else { panic!("{value}: {parsed:?}") };
            assert_eq!(invalid.place, "OPENAI_API_KEY (line 1)", "{value}");
            assert!(invalid.reason.starts_with("holds a "), "{value}: {}", invalid.reason);
            assert_eq!(parsed.candidates.len(), 1, "{value}");
        }
        for (value, secret) in [
            ("'made$OTHER-up'", "made$OTHER-up"),
            ("`made$(up)`", "made$(up)"),
            ("pa$$word", "pa$$word"),
            ("made-up$", "made-up$"),
            ("made$1up", "made$1up"),
        ] {
            let parsed = read(&format!("OPENAI_API_KEY={value}"));
            assert_eq!(secrets(&parsed), [("openai:default", secret)]);
        }
    }

    #[test]
    fn the_last_of_several_counts_and_others_are_told() {
        let (same, warned) =
            ("OPENAI_API_KEY=made-up-1\nX=1\nOPENAI_API_KEY='made-up-1' # mine\n", "set more than once");
        let parsed = read(same);
        assert_eq!(secrets(&parsed), [("openai:default", "made-up-1")]);
        assert_eq!(parsed.warnings, ["1 other variable ignored"]);
        assert_eq!(parsed.candidates[0].place, "OPENAI_API_KEY (line 3)");

        let parsed = read("OPENAI_API_KEY=made-up-1\nOPENAI_API_KEY=made-up-2");
        assert_eq!(secrets(&parsed), [("openai:default", "made-up-2")]);
        assert!(
            parsed.warnings[0].contains(warned) && parsed.warnings[0].starts_with("OPENAI_API_KEY (line 2)")
        );

        // What is refused or empty is not replaced by what stands before it.
        for (last, invalid, skipped) in
            [("${OTHER}", 1, 0), ("", 0, 1), ("made-***", 1, 0), ("op://a/b/c", 0, 1)]
        {
            let parsed = read(&format!("OPENAI_API_KEY=made-up-1\nOPENAI_API_KEY={last}"));
            assert!(parsed.candidates.is_empty(), "{last}");
            assert_eq!((parsed.invalid.len(), parsed.skipped.len()), (invalid, skipped), "{last}");
            assert!(parsed.warnings[0].contains(warned), "{last}");
        }
        let parsed = read("OPENAI_API_KEY=${OTHER}\nOPENAI_API_KEY=made-up-2");
        assert_eq!(secrets(&parsed), [("openai:default", "made-up-2")]);
    }

    #[test]
    fn the_stronger_name_wins_and_empty_ones_do_not_count() {
        let parsed =
            read("OPENAI_API_KEY=made-up-1\nCODEX_API_KEY=made-up-2\nGH_TOKEN=\nGITHUB_TOKEN=made-up-3");
        let ids: Vec<_> = parsed.candidates.iter().map(|c| c.place.as_str()).collect();
        assert_eq!(ids, ["CODEX_API_KEY (line 2)", "GITHUB_TOKEN (line 4)"]);
        let reasons: Vec<_> = parsed.skipped.iter().map(|s| s.reason.as_str()).collect();
        assert_eq!(reasons, ["shadowed by CODEX_API_KEY", "is empty, holds no secret"]);
    }

    #[test]
    fn a_value_that_ends_oddly_is_taken_with_a_word() {
        for (text, secret, note) in [
            ("OPENAI_API_KEY=made-up-1#mine", "made-up-1", Note::Cut),
            ("OPENAI_API_KEY=\"made-up-1\nX=1", "\"made-up-1", Note::Unclosed),
            ("OPENAI_API_KEY='made-up-1' mine", "'made-up-1' mine", Note::Unclosed),
            ("OPENAI_API_KEY=`pass show x`", "pass show x", Note::BackQuoted),
        ] {
            let parsed = read(text);
            assert_eq!(secrets(&parsed), [("openai:default", secret)], "{text}");
            assert_eq!(parsed.warnings[0], format!("OPENAI_API_KEY (line 1): {}", note.told()), "{text}");
        }
        let parsed = read("OPENAI_API_KEY=#made-up-1");
        assert_eq!(parsed.skipped[0].reason, "is empty, holds no secret");
        assert!(parsed.warnings[0].ends_with(Note::Cut.told()));
        assert_eq!(read("OPENAI_API_KEY=made-up-1 # mine").warnings.len(), 0);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        for (text, place, code) in [
            ("OPENAI_API_KEY sk-proj-canary-0123456789", "line 1", Code::BadData),
            ("X=1\nset -gx OPENAI_API_KEY canary-0123456789", "line 2", Code::BadData),
            ("$env:OPENAI_API_KEY='sk-proj-canary-0123456789'", "line 1", Code::BadData),
            ("- OPENAI_API_KEY=canary-0123456789", "line 1", Code::BadData),
            ("\nsk-proj-canary-0123456789\n", "line 2", Code::BadData),
            ("OPENAI_API_KEY=canary***", "OPENAI_API_KEY (line 1)", Code::NotASecret),
            ("OPENAI_API_KEY='${CANARY}'", "OPENAI_API_KEY (line 1)", Code::NotASecret),
            ("A=\"\n\n\"\nOPENAI_API_KEY=canary\u{1b}x", "OPENAI_API_KEY (line 4)", Code::BadData),
        ] {
            let parsed = read(text);
            let invalid = parsed.invalid.first().unwrap_or_else(|| panic!("{text:?}: {parsed:?}"));
            assert_eq!((invalid.place.as_str(), invalid.code), (place, code), "{text:?}");
            assert!(!format!("{parsed:?}").to_lowercase().contains("canary"), "{parsed:?}");
        }
        for bytes in [&b"OPENAI_API_KEY=\xffcanary"[..], b"SQLite format 3\0canary"] {
            let error = parse(bytes, "the file").unwrap_err();
            assert_eq!(error.what(), "the file is not a text file");
        }
    }

    #[test]
    fn lines_that_are_none_are_counted() {
        let text = "hello there\n# OPENAI_API_KEY=made-up-1\nexport OPENAI_API_KEY\n\n1 + 1\nunset GROQ_API_KEY\n[a]\n{\n}\n";
        let parsed = read(text);
        assert!(parsed.invalid.is_empty(), "{parsed:?}");
        assert_eq!(
            parsed.warnings,
            ["not of the form NAME=value, and ignored: line 1, 5, 6, 7, 8 and 1 more"]
        );
    }

    #[test]
    fn a_key_within_another_value_is_told() {
        let parsed =
            read("X=\"a\nexport OPENAI_API_KEY=made-up-1\nY=\"\nGROQ_API_KEY:\nXAI_API_KEY=made-up-2");
        assert_eq!(secrets(&parsed), [("groq:default", "XAI_API_KEY=made-up-2")]);
        let said = |name, line, by| {
            format!(
                "{name} (line {line}) is not taken: it stands within the value of {by}, as OpenClaw reads it"
            )
        };
        assert_eq!(
            parsed.warnings[..2],
            [said("OPENAI_API_KEY", 2, "X"), said("XAI_API_KEY", 5, "GROQ_API_KEY")]
        );
    }

    #[test]
    fn others_that_look_like_keys_are_named_and_the_rest_is_counted() {
        let parsed = read(
            "PATH=/canary\nFOO_KEY=\nBAR_TOKEN=changeme\nX='a'b\nMY_OWN_KEY=made-up-1\nOPENAI_API_KEY_2=made-up-2",
        );
        assert_eq!(
            parsed.warnings,
            [
                "MY_OWN_KEY (line 5) looks like a key and is not taken; to take it: strongroom paste-api-key --provider my-own --profile-id my-own:my-own-key",
                "OPENAI_API_KEY_2 (line 6) looks like a key and is not taken; to take it: strongroom paste-api-key --provider openai --profile-id openai:key-2",
                "4 other variables ignored",
            ]
        );
        assert!(parsed.invalid.is_empty());
    }

    #[test]
    fn variables_without_lines_are_taken_alike() {
        let mut parsed = Parsed::default();
        let variables = [
            ("OPENAI_API_KEY", "made-up-1"),
            ("GROQ_API_KEY", " op://a/b "),
            ("XAI_API_KEY", "op://a/b"),
            ("my \u{1b}KEY", "sk-proj-made-up-0123456789"),
            ("OPENAI_API_KEY", "'made-up$2'#"),
        ];
        take_variables(&mut parsed, variables).unwrap();
        let [candidate] = parsed.candidates.as_slice() else { panic!("{parsed:?}") };
        assert_eq!(candidate.place, "OPENAI_API_KEY");
        assert_eq!(candidate.credential.secret.expose_secret(), "'made-up$2'#");
        assert_eq!((parsed.skipped.len(), parsed.invalid.len()), (1, 1), "{parsed:?}");
        assert!(
            parsed.warnings[1].starts_with(r#""my \u{1b}KEY" holds what looks like a key"#),
            "{:?}",
            parsed.warnings
        );
    }

    #[test]
    fn ollamas_marker_is_no_key() {
        assert_eq!(read("OLLAMA_API_KEY=ollama-local").skipped.len(), 1);
    }
}
