//! A paste is one secret, or it is refused and the existing good key stays.

use crate::session::{Session, kept, setup_token};

const GOOD: &str = "sk-or-v1-made-up-and-good";

/// A made-up key with the length of an OpenRouter key.
fn key() -> String {
    format!("sk-or-v1-{}", "0123456789abcdef".repeat(4))
}

/// What people paste around or instead of a secret, and how it is refused. Each line names its source.
fn refused() -> Vec<(String, &'static str)> {
    let key = key();
    let mut all: Vec<(String, &str)> = [
        // pass(1), from its own page; gopass#438, gopass#2753, KIT-ILIAS-downloader#34.
        format!("{key}\nuser: me@example.com\nurl: https://openrouter.ai\n"),
        format!("{key}\n---\nproject: made-up\nregion: made-up\n"),
        format!("Secret: testpassword\n\n{key}\nPassword on line 2\n"),
        format!("{key}\nuser:me\n"),
        format!("{key}\n\nurl: www.example.com\nlogin: me\n"),
        format!("{key}\notpauth://totp/openrouter?secret=MADEUP\n"),
        format!("Name: name.of.entry\nUsername: me\nPassword: {key}\n"),
        // flyctl#137, cli-microsoft365#1552, dotenv-vault#280, npm, gh.
        format!("Update available 0.0.126 -> 0.0.127.\n{key}\n"),
        format!(
            "Command 'accesstoken get' is deprecated. Please use 'util accesstoken get' instead\n{key}\n"
        ),
        format!("Command 'accesstoken get' is deprecated. Please use 'util accesstoken get' instead {key}"),
        format!(" \u{203a}   Warning: update available from 1.22.1 to 1.23.0.\n{key}\n"),
        format!("{key}\nnpm notice\nnpm notice New major version of npm available! 9.8.1 -> 10.1.0\n"),
        format!("{key}\n\nA new release of gh is available: 2.1.0 -> 2.2.0\n"),
        // kamal#930 (op), Infisical#941, Infisical#2873.
        "[ERROR] 2024/09/11 11:57:08 You are not currently signed in. Please run `op signin --help`\n"
            .to_owned(),
        format!("Enter passphrase to unlock\n{key}\n"),
        format!("\u{250c}\u{2500}\u{2510}\n\u{2502} {key} \u{2502}\n\u{2514}\u{2500}\u{2518}\n"),
        // vault kv get; vault-ui#242 (colours), opa-aws-cloudformation-hook#35 (JSON of AWS).
        format!("====== Data ======\nKey      Value\n---      -----\nkey      {key}\n"),
        format!("{key}\u{1b}[0m\n"),
        format!("{{\"opa_auth_token\": \"{key}\"}}\n"),
        "An error occurred (ResourceNotFoundException) when calling the GetSecretValue operation\n"
            .to_owned(),
        "Error: not logged in\n".to_owned(),
        "sh: 1: op: not found\n".to_owned(),
        // testsprite-cli#93 and Open-Generative-AI#315: what a chat or a document does to a key.
        "sk-user-abc\u{2013}def".to_owned(),
        "\u{201c}sk-made-up\u{201d}".to_owned(),
        "`sk-made-up`".to_owned(),
        "\"sk-made-up".to_owned(),
        "sk-made\u{200b}-up".to_owned(),
        "sk-made\u{a0}up".to_owned(),
        "sk-made\u{ad}up".to_owned(),
        "sk-made-up\u{e0041}".to_owned(),
        // Two tokens.
        format!("{key}\n{}\n", key.replace("0123", "3210")),
        format!("{key}\n{key}\n"),
        format!("{key}\n{GOOD}\n"),
        format!("```\n{key}\n{GOOD}\n```\n"),
        format!("Here it is:\n```\n{key}\n```\n"),
        // The key of someone else, a user with a password, a command.
        "OPENAI_API_KEY=sk-made-up".to_owned(),
        "export OPENAI_API_KEY=sk-made-up".to_owned(),
        "Authorization: Basic bWU6bWFkZS11cA==".to_owned(),
        format!("curl -H 'Authorization: Bearer {key}'"),
    ]
    .into_iter()
    .map(|input| (input, "BAD_DATA"))
    .collect();
    // jq (actions/runner#478, pia-foss/manual-connections#208), JavaScript, Python (boto3#1587), Go, C, spreadsheets.
    for word in [
        "null\n",
        "\"null\"\n",
        "NULL",
        "undefined",
        "None\n",
        "nil",
        "<nil>",
        "NaN",
        "false",
        "true",
        "\"\"",
        "''",
        "{}",
        "[]",
        "(null)",
        "N/A",
        "#N/A",
        "<no value>",
        "<none>",
        "[object Object]",
        "Bearer null",
        "Bearer undefined",
        "KEY=null",
        "PIA_TOKEN=null",
        "api_key: null",
        "OPENROUTER_API_KEY=",
        "```\nnull\n```",
        "\u{feff}null",
    ] {
        all.push((word.to_owned(), "NOT_A_SECRET"));
    }
    all
}

#[test]
fn what_is_not_one_secret_changes_nothing() {
    let session = Session::new();
    session.paste("openrouter:default", GOOD);
    let before = kept(&session.home());
    for (n, (input, code)) in refused().into_iter().enumerate() {
        let arguments = if n % 4 == 0 {
            vec!["rotate", "openrouter:default"]
        } else {
            vec!["paste-api-key", "--provider", "openrouter"]
        };
        let ran = session.feed(&input, &arguments).failed(code, 65);
        assert!(
            !ran.stderr.contains("0123456789ab") && !ran.stderr.contains("made-up"),
            "{input:?}: {}",
            ran.stderr
        );
        assert!(ran.stdout.is_empty(), "{input:?}");
        assert_eq!(session.get("openrouter:default"), GOOD, "{input:?}");
    }
    assert!(kept(&session.home()) == before);
}

#[test]
fn the_same_holds_for_every_way_in() {
    let session = Session::new();
    session.paste("openrouter:default", GOOD);
    let token = setup_token("GOOD");
    session.feed(&token, ["paste-token", "--provider", "anthropic", "--profile-id", "default"]).ok();
    let lines = format!("{}\nuser: me\n", key());
    for (input, code) in [(lines.as_str(), "BAD_DATA"), ("null\n", "NOT_A_SECRET")] {
        session
            .feed(input, ["models", "auth", "add", "--provider", "openrouter", "--method", "api-key"])
            .failed(code, 65);
        session.feed(input, ["onboard", "--openrouter-api-key", "-"]).failed(code, 65);
        session
            .feed(input, ["onboard", "--token", "-", "--token-profile-id", "anthropic:default"])
            .failed(code, 65);
        session
            .feed(input, ["paste-token", "--provider", "anthropic", "--profile-id", "default"])
            .failed(code, 65);
        session.write("in", input);
        let mut shell = std::process::Command::new("/bin/sh");
        let binary = crate::session::binary();
        shell.args(["-c", "exec \"$0\" paste-api-key --provider openrouter --secret-fd 3 3<in"]).arg(binary);
        shell.env_clear().env("HOME", session.temp.path()).current_dir(session.temp.path());
        shell.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::piped());
        shell.stderr(std::process::Stdio::piped());
        crate::session::ran(shell, b"").failed(code, 65);
        assert_eq!(session.get("openrouter:default"), GOOD);
        assert_eq!(session.get("anthropic:default"), token);
    }
}

/// Returns a token as a window of this width shows it.
fn at(width: usize, token: &str) -> Vec<&str> {
    token.as_bytes().chunks(width).map(|line| std::str::from_utf8(line).unwrap()).collect()
}

#[test]
fn one_secret_is_taken_whole_and_what_is_around_it_is_told() {
    let session = Session::new();
    let key = key();
    let token = setup_token("tail");
    for (input, expected, warns) in [
        (format!("{key}\n"), &key, false),
        (format!("\u{feff}{key}\r\n"), &key, false),
        (format!("\n  {key}  \n\n"), &key, false),
        (at(40, &key).join("\n"), &key, true),
        (at(80, &token).join("\n"), &token, true),
        (at(80, &token).join("\r\n"), &token, true),
        (at(54, &token).join("  \n  "), &token, true),
        (at(80, &token).join(" "), &token, true),
        (format!("```\n{key}\n```\n"), &key, true),
        (format!("~~~ text\n{}\n~~~", at(30, &key).join("\n")), &key, true),
        (format!("\"{key}\","), &key, true),
        (format!("'{key}';"), &key, true),
        (format!("{key};\n"), &key, true),
        (format!("Bearer {key}\n"), &key, true),
        (format!("Bearer Bearer {key}\n"), &key, true),
        (format!("Authorization: Bearer {key}"), &key, true),
        (format!("x-api-key: {key}"), &key, true),
        (format!("OPENROUTER_API_KEY={key}"), &key, true),
        (format!("export OPENROUTER_API_KEY=\"{key}\";\n"), &key, true),
    ] {
        let ran = session.feed(&input, ["paste-api-key", "--provider", "openrouter"]).ok();
        assert_eq!(&session.get("openrouter:default"), expected, "{input:?}");
        let told = ran.stderr.contains("removed the ");
        assert_eq!(told, warns, "{input:?}: {}", ran.stderr);
    }
    let utf16: Vec<u8> = format!("\u{feff}{key}\r\n").encode_utf16().flat_map(u16::to_le_bytes).collect();
    session.feed(&utf16, ["paste-api-key", "--provider", "openrouter", "--profile-id", "wide"]).ok();
    assert_eq!(session.get("openrouter:wide"), key);
    session.feed(&utf16[2..], ["paste-api-key", "--provider", "openrouter"]).failed("BAD_DATA", 65);
}

#[test]
fn an_import_takes_the_scheme_off_and_refuses_nothing_by_name() {
    let session = Session::new();
    let key = key();
    let import = |secret: &str| {
        let file = serde_json::json!({ "version": 1, "profiles": {
            "openrouter:x": { "type": "api_key", "provider": "openrouter", "key": secret } } });
        session.write("auth-profiles.json", file.to_string());
        session.run(["import", "auth-profiles.json", "--on-conflict", "replace"])
    };
    let ran = import(&format!("Bearer {key}")).ok();
    assert!(ran.stdout.contains("removed the word Bearer before the value"), "{} {}", ran.stdout, ran.stderr);
    assert_eq!(session.get("openrouter:x"), key);
    for nothing in
        ["null", "undefined", "\"\"", "{}", "<nil>", "Bearer null", "None", "\u{201c}made-up\u{201d}"]
    {
        let ran = import(nothing).failed("IMPORT_INVALID", 65);
        assert!(
            format!("{}{}", ran.stdout, ran.stderr).contains("openrouter:x"),
            "{nothing}: {}",
            ran.stderr
        );
        assert_eq!(session.get("openrouter:x"), key);
    }
}
