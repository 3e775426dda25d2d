//! `.env` files: the variables in which providers' keys are kept.

use std::collections::HashMap;

use super::value::{Checked, Problem, check};
use super::{Candidate, Invalid, Parsed, Skipped, bounds};
use crate::env_names;
use crate::error::{Code, Error, Result, fail};
use crate::secret::ExposeSecret;
use crate::shape;
use crate::sources;
use crate::sources::dotenv_lines::{Assignment, Lines, Value, lines};
use crate::vault::credential::Credential;
use crate::vault::id::{ProfileId, Provider};

pub(super) fn parse(bytes: &[u8], what: &str) -> Result<Parsed> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) if !bytes.contains(&0) => text,
        _ => {
            return Err(Error::new(Code::BadData, format!("{what} is not a text file"))
                .with_remedy("name its format with --from, or import one of: openclaw, env, bundle"));
        }
    };
    let Lines { assignments, bad, too_many } = lines(text);
    if too_many {
        return Err(bounds::too_many(what));
    }
    let mut parsed = Parsed::default();
    parsed.invalid.extend(bad.into_iter().map(|(line, reason)| Invalid {
        place: format!("line {line}"),
        code: Code::BadData,
        reason: reason.to_owned(),
    }));
    let mut known: HashMap<&str, Vec<&Assignment<'_>>> = HashMap::new();
    let mut others = 0;
    for assignment in &assignments {
        match env_names::known(assignment.name) {
            Some(name) => known.entry(name).or_default().push(assignment),
            None => others += 1,
        }
    }
    for row in env_names::TABLE {
        let mut first: Option<&'static str> = None;
        for name in row.names.iter().filter(|name| env_names::provider_of(name) == Some(row.provider)) {
            let Some(set) = known.get(name) else { continue };
            let place = place(name, set);
            if set.iter().all(|assignment| is_blank(&assignment.value)) && set.len() == 1 {
                parsed.skipped.push(Skipped { place, reason: "is empty, holds no secret".to_owned() });
            } else if let Some(first) = first {
                parsed.skipped.push(Skipped { place, reason: format!("shadowed by {first}") });
            } else {
                first = Some(name);
                add(&mut parsed, row.provider, name, set, place)?;
            }
        }
    }
    if others > 0 {
        let noun = if others == 1 { "variable" } else { "variables" };
        parsed.warnings.push(format!("{others} other {noun} ignored"));
    }
    Ok(parsed)
}

fn is_blank(value: &Value) -> bool {
    matches!(value, Value::Text(text) if text.expose_secret().chars().all(shape::is_space))
}

fn place(name: &str, set: &[&Assignment<'_>]) -> String {
    match set {
        [one] => format!("{name} (line {})", one.line),
        [one, two] => format!("{name} (lines {} and {})", one.line, two.line),
        [one, two, ..] => format!("{name} (lines {}, {} and more)", one.line, two.line),
        [] => name.to_owned(),
    }
}

fn add(
    parsed: &mut Parsed,
    provider: &'static str,
    name: &'static str,
    set: &[&Assignment<'_>],
    place: String,
) -> Result<()> {
    let [assignment] = set else {
        let reason = "is set more than once".to_owned();
        parsed.invalid.push(Invalid { place, code: Code::DuplicateKey, reason });
        return Ok(());
    };
    let text = match &assignment.value {
        Value::Reference(reason) => {
            parsed.skipped.push(Skipped { place, reason: (*reason).to_owned() });
            return Ok(());
        }
        Value::Bad(reason) => {
            parsed.invalid.push(Invalid { place, code: Code::BadData, reason: (*reason).to_owned() });
            return Ok(());
        }
        Value::Text(text) => text.expose_secret(),
    };
    take(parsed, provider, "default", name, text, place)
}

/// Takes the keys among variables that are set by their names.
///
/// # Errors
/// `INTERNAL` only.
pub(super) fn take_variables<'v>(
    parsed: &mut Parsed,
    variables: impl IntoIterator<Item = (&'v str, &'v str)>,
) -> Result<()> {
    for (name, text) in variables {
        if let Some(provider) = env_names::known(name).and_then(env_names::provider_of) {
            take(parsed, provider, "default", name, text, name.to_owned())?;
        }
    }
    Ok(())
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

    fn secrets(text: &str) -> Vec<(String, String)> {
        let parsed = read(text);
        assert!(parsed.invalid.is_empty(), "{parsed:?}");
        parsed
            .candidates
            .iter()
            .map(|c| (c.id.to_string(), c.credential.secret.expose_secret().to_owned()))
            .collect()
    }

    fn one(text: &str) -> String {
        match secrets(text).as_slice() {
            [(_, secret)] => secret.clone(),
            other => panic!("{text:?}: {other:?}"),
        }
    }

    #[test]
    fn every_way_to_write_a_value_is_understood() {
        for (text, secret) in [
            ("OPENAI_API_KEY=made-up-1", "made-up-1"),
            ("export OPENAI_API_KEY=made-up-1\n", "made-up-1"),
            ("\texport\tOPENAI_API_KEY = made-up-1  # mine\r\n", "made-up-1"),
            ("OPENAI_API_KEY=made#up-1", "made#up-1"),
            ("OPENAI_API_KEY=\"made-up-1\" # mine", "made-up-1"),
            ("OPENAI_API_KEY='made-up-1'", "made-up-1"),
            ("OPENAI_API_KEY='made\\n\"$x'", "made\\n\"$x"),
            ("OPENAI_API_KEY=\"ma\\\"de\\\\u\\$p\\q-1\"", "ma\"de\\u$p\\q-1"),
            ("OPENAI_API_KEY=\"made\nup\r\n-1\"\nX=1", "made\nup\n-1"),
            ("OPENAI_API_KEY='made\nOPENAI_API_KEY=up'\n", "made\nOPENAI_API_KEY=up"),
            ("OPENAI_API_KEY=\"made\\nup\"", "made\nup"),
            ("OPENAI_API_KEY=\"made-\\\nup-1\"", "made-up-1"),
            ("# OPENAI_API_KEY=not\n\nOPENAI_API_KEY=made-up-1", "made-up-1"),
            ("OPENAI_API_KEY=pa$$word", "pa$$word"),
            ("export OPENAI_API_KEY\nOPENAI_API_KEY=a=b==", "a=b=="),
        ] {
            assert_eq!(one(text), secret, "{text:?}");
        }
    }

    #[test]
    fn a_line_ends_with_either_character_or_both() {
        let expected = [
            ("groq:default".to_owned(), "made-up-1".to_owned()),
            ("openai:default".to_owned(), "made-up-2".to_owned()),
        ];
        for text in [
            "GROQ_API_KEY=made-up-1\rOPENAI_API_KEY=made-up-2\r",
            "GROQ_API_KEY=made-up-1\r\nOPENAI_API_KEY=made-up-2",
            "\u{feff}GROQ_API_KEY='made-up-1'\r# a comment\r\rOPENAI_API_KEY=\"made-up-2\" # mine\r",
            "X='a\rb'\rGROQ_API_KEY=made-up-1\n\rOPENAI_API_KEY=made-up-2",
        ] {
            let mut read = secrets(text);
            read.sort();
            assert_eq!(read, expected, "{text:?}");
        }
        assert!(read("\rX=1\r\nGROQ_API_KEY=made-up-1").candidates[0].place.ends_with("(line 3)"));
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
    fn references_are_passed_by() {
        for value in [
            "${OTHER}",
            "\"a${OTHER}\"",
            "$OTHER",
            "$(pass show x)",
            "\"$(pass show x)\"",
            "`pass show x`",
            "\"`pass show x`\"",
            "op://a/b/c",
            "\"op://a/b/c\"",
            "'op://a/b/c'",
        ] {
            let parsed = read(&format!("OPENAI_API_KEY={value}"));
            assert_eq!(
                (parsed.skipped.len(), parsed.candidates.len(), parsed.invalid.len()),
                (1, 0, 0),
                "{value}"
            );
        }
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
    fn what_is_wrong_is_said_with_its_line() {
        for (text, place, code) in [
            ("canary secret", "line 1", Code::BadData),
            ("X=1\n1canary=2", "line 2", Code::BadData),
            ("\nexport =canary", "line 2", Code::BadData),
            ("OPENAI_API_KEY=\"canary", "line 1", Code::BadData),
            ("X='canary\nOPENAI_API_KEY=made-up-1", "line 1", Code::BadData),
            ("OPENAI_API_KEY='a'canary", "OPENAI_API_KEY (line 1)", Code::BadData),
            ("OPENAI_API_KEY=canary***", "OPENAI_API_KEY (line 1)", Code::NotASecret),
            ("OPENAI_API_KEY='${CANARY}'", "OPENAI_API_KEY (line 1)", Code::NotASecret),
            ("A=\"\n\n\"\nOPENAI_API_KEY=canary\u{1b}x", "OPENAI_API_KEY (line 4)", Code::BadData),
            ("OPENAI_API_KEY=a\nX=1\nOPENAI_API_KEY=a", "OPENAI_API_KEY (lines 1 and 3)", Code::DuplicateKey),
        ] {
            let parsed = read(text);
            let invalid = parsed.invalid.first().unwrap_or_else(|| panic!("{text:?}"));
            assert_eq!((invalid.place.as_str(), invalid.code), (place, code), "{text:?}");
            assert!(!format!("{parsed:?}").to_lowercase().contains("canary"), "{parsed:?}");
        }
        for bytes in [&b"OPENAI_API_KEY=\xffcanary"[..], b"SQLite format 3\0canary"] {
            let error = parse(bytes, "the file").unwrap_err();
            assert_eq!(error.what(), "the file is not a text file");
        }
    }

    #[test]
    fn other_variables_are_counted_only() {
        let parsed = read("PATH=/canary\nOPENCLAW_API_KEY=canary\nX='a'b\nOPENAI_API_KEY=made-up-1");
        assert_eq!(parsed.warnings, ["3 other variables ignored"]);
        assert!(parsed.invalid.is_empty());
    }

    #[test]
    fn ollamas_marker_is_no_key() {
        assert_eq!(read("OLLAMA_API_KEY=ollama-local").skipped.len(), 1);
    }
}
