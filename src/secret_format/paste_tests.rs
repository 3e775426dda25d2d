use super::*;
use crate::error::Code;

fn secret_of(pasted: &str) -> String {
    match normalise(pasted.as_bytes(), None) {
        Ok(normalised) => normalised.secret.expose_secret().to_owned(),
        Err(error) => panic!("{pasted:?}: {error}"),
    }
}

#[track_caller]
fn code_of(pasted: &[u8]) -> Code {
    let error = normalise(pasted, None).map(|taken| taken.secret.expose_secret().to_owned()).unwrap_err();
    let text = format!("{error} {error:?} {}", error.remedy());
    assert!(!text.contains("canary"), "{text}");
    error.code()
}

/// Returns a made-up key of 73 characters.
fn key() -> String {
    format!("sk-or-v1-{}", "0123456789abcdef".repeat(4))
}

#[test]
fn white_space_around_goes() {
    for pasted in
        ["abcdef\n", "\r\nabcdef\r\n\r\n", " abcdef\t", "\u{feff}abcdef", "\u{feff}\n\u{a0}abcdef\u{3000}\n"]
    {
        assert_eq!(secret_of(pasted), "abcdef", "{pasted:?}");
    }
}

#[test]
fn a_wrapped_token_is_taken_whole() {
    let key = key();
    let (one, two) = key.split_at(40);
    for pasted in [
        format!("{one}\n{two}"),
        format!("{one}\r\n{two}\r\n"),
        format!("  {one}  \n  {two}  \n"),
        format!("{one} {two}"),
        format!("{one}    {two}\n"),
        format!("\"{one}\n{two}\""),
        format!("```\n{one}\n{two}\n```"),
        format!("```text\r\n{one}{two}\r\n```\r\n"),
        format!("~~~\n{one}{two}\n~~~"),
    ] {
        assert_eq!(secret_of(&pasted), key, "{pasted:?}");
        assert!(!normalise(pasted.as_bytes(), None).unwrap().warnings.is_empty(), "{pasted:?}");
    }
}

/// Tries what programs print around a secret, or instead of one. The originals are in the trackers and pages of `pass`,
/// `gh`, `op`, `npm`, `vault`, `aws`, `doppler`, `gopass`, `gcloud`, `az`; the values are made up.
#[test]
fn what_is_not_one_secret_is_refused() {
    let key = key();
    for pasted in [
        format!("{key}\nuser: me@example.com\nurl: https://openrouter.ai"),
        format!("{key}\nme@example.com"),
        format!("{key}\nhttps://openrouter.ai"),
        format!("{key}\notpauth://totp/openrouter?secret=MADEUP"),
        format!("{key}\nlogin:me"),
        format!("{key}\n---\nnotes"),
        format!("{key}\n\n\nbought 2026-01-01"),
        format!("{key}\nopenrouter"),
        format!("{key}\n{}", key.replace("0123", "3210")),
        format!("{key}\n{key}"),
        format!("{key} {key}"),
        format!("{key} active"),
        format!("{key}  2026-11-28  active"),
        format!("openrouter {key}"),
        format!("# created by: me\n{key}"),
        format!("Logged in as me\n{key}"),
        format!("npm notice New minor version of npm available! 10.1.0 -> 10.2.0\n{key}"),
        format!("{key}\n\nUpdate available: 1.0.0 -> 2.0.0"),
        format!("Update available 0.0.126 -> 0.0.127.\n{key}"),
        format!("{key}\nA new release of gh is available: 2.1 -> 2.2\nhttps://github.com/cli/cli"),
        format!("==== Data ====\nKey      Value\n---      -----\nkey      {key}"),
        format!("Key      Value\nkey      {key}"),
        format!("┌──────┐\n│ {key} │\n└──────┘"),
        format!("Secret: my-login\n\n{key}\nuser: me"),
        format!("Downloading 10%\rDownloading 100%\r{key}"),
        format!("[ERROR] 2026/11/28 11:00:00 could not read secret\n{key}"),
        format!("{key}\nexit status 1"),
        format!("{{\n  \"key\": \"{key}\"\n}}"),
        format!("[\n\"{key}\"\n]"),
        format!("Here is your key:\n```\n{key}\n```"),
        format!("```\n{key}"),
        format!("```\n{key}\nuser: me\n```"),
        format!("`{key}`"),
        "Error: not logged in".to_owned(),
        "You are not signed in".to_owned(),
        "command not found: op".to_owned(),
        "sh: 1: pass: not found".to_owned(),
        "Permission denied".to_owned(),
        "Access denied".to_owned(),
        "HTTP 401".to_owned(),
        "Unauthorized\naccess".to_owned(),
        "[ERROR] 2026/11/28 11:00:00 You are not currently signed in.".to_owned(),
        "Unable to locate credentials. You can configure credentials by running \"aws configure\"."
            .to_owned(),
        "Error: openrouter is not in the password store.".to_owned(),
        "made up".to_owned(),
        "made-up key-2".to_owned(),
        "canary-one\ncanary-two".to_owned(),
        "sk-ant-oat01-\u{201c}canary\u{201d}".to_owned(),
        "sk\u{2013}canary\u{2014}0".to_owned(),
    ] {
        assert_eq!(code_of(pasted.as_bytes()), Code::BadData, "{pasted:?}");
    }
}

#[test]
fn what_is_certain_goes_with_a_warning() {
    for (pasted, many) in [
        ("\"abcdef\"", 1),
        ("'abcdef'", 1),
        (" \" abcdef \" \n", 1),
        ("abcdef;", 1),
        ("Bearer abcdef-0", 1),
        ("Authorization: Bearer abcdef-0", 1),
        ("export MY_KEY=\"abcdef-0\";", 3),
    ] {
        let normalised = normalise(pasted.as_bytes(), None).unwrap();
        assert_eq!(normalised.secret.expose_secret().trim_end_matches("-0"), "abcdef", "{pasted}");
        assert_eq!(normalised.warnings.len(), many, "{pasted}");
    }
    for pasted in [
        "\"canary'",
        "\"canary",
        "canary\"",
        "me:canary\"",
        "KEY=\"canary",
        "\"canary\"\"canary\"",
        "`canary`",
        "\u{2018}canary\u{2019}",
        "can\u{201d}ary",
    ] {
        assert_eq!(code_of(pasted.as_bytes()), Code::BadData, "{pasted}");
    }
}

#[test]
fn nothing_is_refused_as_nothing() {
    for pasted in ["", " \n", "\r\n\r\n", "\u{feff}"] {
        assert_eq!(code_of(pasted.as_bytes()), Code::NoInput, "{pasted:?}");
    }
    for pasted in [
        "null\n",
        "\"null\"",
        "NULL",
        "undefined",
        "None",
        "nil",
        "NaN",
        "false",
        "True",
        "\"\"",
        "' '",
        "{}",
        "[]",
        "(null)",
        "<nil>",
        "N/A",
        "<no value>",
        "[object Object]",
        "Bearer null",
        "API_KEY=null",
        "export OPENAI_API_KEY=",
        "```\nnull\n```",
    ] {
        assert_eq!(code_of(pasted.as_bytes()), Code::NotASecret, "{pasted:?}");
    }
}

#[test]
fn what_cannot_be_seen_is_refused() {
    for pasted in [
        "canary\0secret",
        "canary\u{1b}[200~secret",
        "\u{1b}[32mcanary\u{1b}[0m",
        "canary\u{202e}secret",
        "canary\u{7f}",
        "canary\u{e000}",
        "canary\u{fffd}",
        "canary\u{200d}secret",
        "canary\u{200b}secret",
        "canary\u{200b}",
        "canary\u{feff}secret",
        "\u{feff}\u{feff}canary",
        "canary\u{ad}secret",
        "canary\u{2060}secret",
        "canary\u{a0}secret",
        "canary\u{3000}secret",
        "canary\u{2028}secret",
        "canary\u{b}secret",
        "canary\u{85}secret",
        "canary\u{fe0f}",
        "canary\u{e0041}",
        "canary\u{2800}",
        "canary\u{34f}secret",
        "canary\u{2066}secret",
    ] {
        assert_eq!(code_of(pasted.as_bytes()), Code::BadData, "{pasted:?}");
    }
    assert_eq!(code_of(b"canary\xff"), Code::BadData);
}

#[test]
fn utf16_is_read_if_it_is_marked_and_told_if_not() {
    for (mark, unit) in
        [(true, u16::to_le_bytes as fn(u16) -> [u8; 2]), (true, u16::to_be_bytes), (false, u16::to_le_bytes)]
    {
        let text = if mark { "\u{feff}sk-canary-0\r\n" } else { "sk-canary-0\r\n" };
        let bytes: Vec<u8> = text.encode_utf16().flat_map(unit).collect();
        if mark {
            assert_eq!(normalise(&bytes, None).unwrap().secret.expose_secret(), "sk-canary-0");
        } else {
            assert_eq!(code_of(&bytes), Code::BadData);
            assert!(normalise(&bytes, None).unwrap_err().what().contains("UTF-16"));
        }
    }
    assert_eq!(code_of(b"\xff\xfea"), Code::BadData);
}

#[test]
fn wrapped_values_are_refused() {
    for pasted in [
        "ANTHROPIC_API_KEY=canary-secret",
        "$env:OPENAI_API_KEY=\"canary-secret\"",
        "setx OPENAI_API_KEY canary-secret",
        "bearer\ncanary-secret",
        "curl -H 'x-api-key: canary-secret'",
        "{\"key\":\"canary-secret\"}",
        "-----BEGIN PRIVATE KEY-----\ncanary-secret",
    ] {
        assert_eq!(code_of(pasted.as_bytes()), Code::BadData, "{pasted:?}");
    }
    assert_eq!(secret_of("Bearerabc"), "Bearerabc");
    assert_eq!(secret_of("abc=="), "abc==");
}

#[test]
fn masks_are_refused() {
    assert_eq!(code_of(b"canary***"), Code::NotASecret);
    assert_eq!(code_of(b"op://canary/x"), Code::NotASecret);
}

#[test]
fn the_size_is_bounded_without_white_space() {
    let longest = format!("sk-{}", "b".repeat(SECRET_MAX - 3));
    let lines: Vec<_> =
        longest.as_bytes().chunks(80).map(|line| std::str::from_utf8(line).unwrap()).collect();
    assert_eq!(secret_of(&lines.join(" \n")).len(), SECRET_MAX);
    assert_eq!(code_of("b".repeat(SECRET_MAX + 1).as_bytes()), Code::TooLarge);
}
