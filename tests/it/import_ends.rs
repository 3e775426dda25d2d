//! Expiry times of credentials: from every kind of imported file, and from the command line.

use crate::session::Session;

/// A file of OpenClaw with one token and these further fields.
fn file(fields: &str) -> String {
    format!(
        r#"{{"version":1,"profiles":{{"anthropic:x":{{"type":"token","provider":"anthropic","token":"sk-ant-oat01-madeup",{fields}}}}}}}"#
    )
}

fn expires_of(session: &Session, id: &str) -> Option<i64> {
    let list = session.run(["list", "--json"]).ok().json();
    let profiles = list["agents"][0]["profiles"].as_array().unwrap().clone();
    let found = profiles.iter().find(|one| one["profileId"] == id).unwrap_or_else(|| panic!("{list}"));
    found["expires"].as_i64().or_else(|| {
        assert!(found["expires"].is_null(), "{found}");
        None
    })
}

#[test]
fn an_expiry_is_taken_in_each_form_that_files_have() {
    for (fields, at) in [
        (r#""expires":1826725287117"#, 1_826_725_287_117),
        (r#""expires":1826725287117.0"#, 1_826_725_287_117),
        (r#""expires":1826725287117.42"#, 1_826_725_287_117),
        (r#""expires":1.826725287117e12"#, 1_826_725_287_117),
        (r#""expires":1826725287"#, 1_826_725_287_000),
        (r#""expires_at":"2025-01-01T00:00:00Z""#, 1_735_689_600_000),
        (r#""expiresAt":1826725287"#, 1_826_725_287_000),
        (r#""expiry":"2027-11-20T15:41:27.117+00:00""#, 1_826_725_287_117),
        (r#""expiry_date":"1826725287117""#, 1_826_725_287_117),
        (r#""expiration":"2027-11-20""#, 1_826_668_800_000),
        (r#""expires":1826725287117,"expires_at":1826725287"#, 1_826_725_287_000),
    ] {
        let session = Session::new();
        session.feed(file(fields), ["import", "-"]).ok();
        assert_eq!(expires_of(&session, "anthropic:x"), Some(at), "{fields}");
        assert_eq!(session.get("anthropic:x"), "sk-ant-oat01-madeup");
    }
    let session = Session::new();
    session.feed(file(r#""expires_at":"2025-01-01T00:00:00Z""#), ["import", "-"]).ok();
    assert_eq!(session.run(["status", "--check"]).status, 1, "a token of the past counts as expired");
}

#[test]
fn an_expiry_that_cannot_be_read_refuses_its_entry_by_name() {
    let session = Session::new();
    for (fields, member) in [
        (r#""expires_at":"soon""#, "expires_at"),
        (r#""expiresAt":0"#, "expiresAt"),
        (r#""expires_in":3600"#, "expires_in"),
        (r#""expiry":{"at":1}"#, "expiry"),
        (r#""expiry_date":-1"#, "expiry_date"),
        (r#""expires":1826725287117,"expiresAt":1826725287118"#, "expiresAt"),
        (r#""expires":true"#, "expires"),
    ] {
        let ran = session.feed(file(fields), ["import", "-"]).failed("IMPORT_INVALID", 65);
        assert!(
            ran.stderr.contains(&format!(r#"profiles."anthropic:x".{member} "#)),
            "{fields}: {}",
            ran.stderr
        );
    }
    session.run(["get", "anthropic:x"]).failed("NOT_FOUND", 66);
}

#[test]
fn zero_is_no_expiry_where_the_format_says_so() {
    let opencode = r#"{"github-copilot":{"type":"oauth","refresh":"gho_madeup00000000000000000000000000000","access":"gho_madeup00000000000000000000000000000","expires":0},"google":{"type":"api","key":"AIzaMadeUp00000000000000000000000000000"},"openai":{"type":"oauth","access":"eyJa.b.c","refresh":"rt_made","expires":1826725287117,"accountId":"x"},"https://x.example":{"type":"wellknown","key":"TOKEN","token":"made-up"}}"#;
    let session = Session::new();
    let ran = session.feed(opencode, ["import", "-"]).ok();
    assert!(
        ran.stdout.contains("entry 4") && ran.stdout.contains("opencode's sign-in to a server"),
        "{}",
        ran.stdout
    );
    assert_eq!(session.get("google:default"), "AIzaMadeUp00000000000000000000000000000");
    session.run(["get", "github-copilot:default"]).failed("NOT_FOUND", 66);
    session.feed(opencode, ["import", "-", "--include-oauth"]).ok();
    assert_eq!(expires_of(&session, "github-copilot:default"), None);
    assert_eq!(expires_of(&session, "google:default"), None);
    assert_eq!(expires_of(&session, "openai:default"), Some(1_826_725_287_117));

    let stub = r#"{"anthropic":{"type":"oauth","access":"","refresh":"","expires":0}}"#;
    let ran = session.feed(stub, ["import", "-", "--include-oauth"]).failed("IMPORT_INVALID", 65);
    assert!(ran.stderr.contains("signed out"), "{}", ran.stderr);
}

#[test]
fn the_command_line_takes_spans_dates_and_never() {
    let session = Session::new();
    let paste = |ends: &[&str]| {
        let command = ["paste-token", "--provider", "openrouter"];
        session.feed("made-up-secret-1", [&command[..], ends].concat())
    };
    for (ends, span) in [
        ("90s", 90_i64),
        ("15M", 15 * 60),
        ("12H", 12 * 3_600),
        ("365d", 365 * 86_400),
        ("2w", 14 * 86_400),
        ("1Y", 365 * 86_400),
    ] {
        paste(&["--expires-in", ends]).ok();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
        let left = expires_of(&session, "openrouter:manual").unwrap() - i64::try_from(now).unwrap();
        assert!((span * 1_000 - 60_000..=span * 1_000).contains(&left), "{ends}: {left}");
    }
    for (date, at) in [("2027-01-31", 1_801_353_600_000), ("2027-01-31T12:30:15Z", 1_801_398_615_000)] {
        paste(&["--expires-at", date]).ok();
        assert_eq!(expires_of(&session, "openrouter:manual"), Some(at), "{date}");
    }
    let told = paste(&["--expires-in", "NEVER"]).ok().stderr;
    assert!(!told.contains("used to expire"), "{told}");
    assert_eq!(expires_of(&session, "openrouter:manual"), None);
    let told = paste(&["--expires-at", "2020-01-01"]).ok().stderr;
    assert!(told.contains("this credential expired at"), "{told}");
    assert_eq!(expires_of(&session, "openrouter:manual"), Some(1_577_836_800_000));
    let rotate =
        |ends: &[&str]| session.feed("made-up-secret-2", [&["rotate", "openrouter:manual"], ends].concat());
    rotate(&["--expires-at", "2027-01-31"]).ok();
    assert_eq!(expires_of(&session, "openrouter:manual"), Some(1_801_353_600_000));
    rotate(&["--expires-in", "never"]).ok();
    assert_eq!(expires_of(&session, "openrouter:manual"), None);
    for ends in [
        &["--expires-in", "1d", "--expires-at", "2027-01-31"][..],
        &["--expires-at", "2027-02-30"],
        &["--expires-at", "31.01.2027"],
        &["--expires-at", "2027-01-31T12:00:00"],
        &["--expires-in", "1x"],
        &["--expires-in", "1.5d"],
        &["--expires-in", "-1d"],
    ] {
        paste(ends).failed("USAGE", 64);
    }
    let onboard = ["onboard", "--non-interactive", "--token", "-", "--token-provider", "groq"];
    session.feed("made-up-secret-3", [&onboard[..], &["--token-expires-at", "2027-01-31"]].concat()).ok();
    assert_eq!(expires_of(&session, "groq:manual"), Some(1_801_353_600_000));
    let add =
        ["models", "auth", "add", "--provider", "zai", "--method", "token", "--expires-at", "2027-01-31"];
    session.feed("made-up-secret-4", add).ok();
    assert_eq!(expires_of(&session, "zai:manual"), Some(1_801_353_600_000));
}
