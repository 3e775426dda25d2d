//! `.env` files, variable by variable.

use super::Parsed;
use super::dotenv::{parse, take_variables};
use crate::client::sources::dotenv_lines::lines;
use crate::client::sources::dotenv_value::Note;
use crate::error::Code;
use crate::secret::ExposeSecret;
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
        assert!(invalid.reason.starts_with("contains a "), "{value}: {}", invalid.reason);
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
    assert!(parsed.warnings[0].contains(warned) && parsed.warnings[0].starts_with("OPENAI_API_KEY (line 2)"));

    // A refused or empty value is not replaced by an earlier one.
    for (last, invalid, skipped) in [("${OTHER}", 1, 0), ("", 0, 1), ("made-***", 1, 0), ("op://a/b/c", 0, 1)]
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
    let parsed = read("OPENAI_API_KEY=made-up-1\nCODEX_API_KEY=made-up-2\nGH_TOKEN=\nGITHUB_TOKEN=made-up-3");
    let ids: Vec<_> = parsed.candidates.iter().map(|c| c.place.as_str()).collect();
    assert_eq!(ids, ["CODEX_API_KEY (line 2)", "GITHUB_TOKEN (line 4)"]);
    let reasons: Vec<_> = parsed.skipped.iter().map(|s| s.reason.as_str()).collect();
    assert_eq!(reasons, ["shadowed by CODEX_API_KEY", "empty, not a secret"]);
}

#[test]
fn a_value_that_ends_oddly_is_told() {
    for (text, secret, note) in [
        ("OPENAI_API_KEY=made-up-1#mine", "made-up-1", Note::Cut(25)),
        ("OPENAI_API_KEY=`made up`", "made up", Note::BackQuoted),
    ] {
        let parsed = read(text);
        assert_eq!(secrets(&parsed), [("openai:default", secret)], "{text}");
        assert_eq!(parsed.warnings[0], format!("OPENAI_API_KEY (line 1): {}", note.told()), "{text}");
    }
    for (text, note) in [
        ("A=\"made-up-1\nX=1", Some(Note::Unclosed)),
        ("A='made-up-1' mine", Some(Note::Unclosed)),
        ("A=\"made#up\nX=1", Some(Note::Cut(8))),
        ("A=#made-up", Some(Note::Cut(3))),
        ("A=made-up # mine", None),
        ("A='made#up'#mine", None),
        ("A=\"made\" up\"", None),
        ("A=`made-up`", None),
    ] {
        assert_eq!(lines(text).assignments[0].note, note, "{text}");
    }
    let parsed = read("OPENAI_API_KEY=#made-up-1");
    assert_eq!(parsed.skipped[0].reason, "empty, not a secret");
    assert!(parsed.warnings[0].ends_with(&Note::Cut(16).told()));
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
    let text = "hello there\n# OPENAI_API_KEY=made-up-1\nexport OPENAI_API_KEY\n\n1 + 1\nunset GROQ_API_KEY\n[a]\n{\n}\nX=1\n";
    let parsed = read(text);
    assert!(parsed.invalid.is_empty(), "{parsed:?}");
    assert_eq!(
        parsed.warnings[0],
        "ignored, because not of the form NAME=value: line 1, 5, 6, 7, 8 and 1 more"
    );
    // A file with nothing else is not a file of variables.
    assert_eq!(read("hello there\n1 + 1\n").invalid.len(), 2);
}

#[test]
fn a_key_within_another_value_is_told() {
    let text =
        "X=\"a\nexport OPENAI_API_KEY=made-up-1\nY=\"\nZ:\nXAI_API_KEY=made-up-2\nGROQ_API_KEY=made-up-3";
    let parsed = read(text);
    assert_eq!(secrets(&parsed), [("groq:default", "made-up-3")]);
    let said = |name, line, by| {
        format!("{name} (line {line}) is not imported: OpenClaw reads it as part of the value of {by}")
    };
    assert_eq!(parsed.warnings[..2], [said("OPENAI_API_KEY", 2, "X"), said("XAI_API_KEY", 5, "Z")]);
}

#[test]
fn others_that_look_like_keys_are_named_and_the_rest_is_counted() {
    let parsed = read(
        "PATH=/canary\nFOO_KEY=\nBAR_TOKEN=changeme\nX='a'b\nMY_OWN_KEY=made-up-1\nOPENAI_API_KEY_2=made-up-2",
    );
    assert_eq!(
        parsed.warnings,
        [
            "MY_OWN_KEY (line 5) looks like a key and is not imported; to store it: strongroom paste-api-key --provider my-own --profile-id my-own:my-own-key",
            "OPENAI_API_KEY_2 (line 6) looks like a key and is not imported; to store it: strongroom paste-api-key --provider openai --profile-id openai:key-2",
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
        ("OPENAI_API_KEY", "made-up$A#x"),
    ];
    take_variables(&mut parsed, variables).unwrap();
    let [candidate] = parsed.candidates.as_slice() else { panic!("{parsed:?}") };
    assert_eq!(candidate.place, "OPENAI_API_KEY");
    assert_eq!(candidate.credential.secret.expose_secret(), "made-up$A#x");
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
