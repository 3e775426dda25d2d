//! Ids of imported entries: as the client makes them, renamed, or refused by name; and files without credentials.

use crate::session::{Session, snapshot};

const KEY: &str = "made-up-key-0001";

fn entry(id: &str, provider: &str) -> String {
    format!(r#""{id}":{{"type":"api_key","provider":"{provider}","key":"{KEY}"}}"#)
}

fn file(entries: &[String]) -> String {
    format!(r#"{{"version":1,"profiles":{{{}}}}}"#, entries.join(","))
}

#[test]
fn capitals_of_a_provider_are_lowered_with_a_note() {
    let session = Session::new();
    let ran = session.feed(file(&[entry("OpenAI:default", "openai")]), ["import", "-"]).ok();
    assert!(
        ran.stdout.contains("changed to lower case") && ran.stdout.contains("openai:default"),
        "{}",
        ran.stdout
    );
    assert_eq!(session.get("openai:default"), KEY);
    session.feed(r#"{"Z.AI":{"key":"made-up-key-0002"}}"#, ["import", "-"]).ok();
    assert_eq!(session.get("z.ai:default"), "made-up-key-0002");
}

#[test]
fn a_bad_id_is_named_with_its_reason_and_renamed_or_left() {
    let session = Session::new();
    let source = file(&[entry("openai-codex:John Doe", "openai-codex"), entry("groq:good", "groq")]);
    let before = snapshot(session.temp.path());
    let ran = session.feed(&source, ["import", "-"]).failed("IMPORT_INVALID", 65);
    assert!(
        ran.stderr.contains(r#"profiles."openai-codex:John Doe" has no valid id: its name contains a space"#),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("--rename OLD=NEW"), "{}", ran.stderr);
    assert!(snapshot(session.temp.path()) == before);

    session.feed(&source, ["import", "-", "--skip-invalid"]).ok();
    assert_eq!(session.get("groq:good"), KEY);
    let rename = ["import", "-", "--rename", "openai-codex:John Doe=openai-codex:john"];
    let ran = session.feed(&source, rename).ok();
    assert!(
        ran.stdout
            .contains(r#"add        main/openai-codex:john (api_key) from profiles."openai-codex:John Doe""#),
        "{}",
        ran.stdout
    );
    assert_eq!(session.get("openai-codex:john"), KEY);
}

#[test]
fn every_bad_id_is_named_escaped_with_its_own_reason() {
    let session = Session::new();
    let long = format!("openai:{}", "n".repeat(320));
    let bad = [
        (r"openai:\u001b[2Jx", r#"profiles."openai:\u{1b}[2Jx""#, r#"its name contains "\u{1b}""#),
        (r#"openai:a\"b"#, r#"profiles."openai:a\"b""#, r#"its name contains "\"""#),
        ("openai:jörg@x.io", r#"profiles."openai:jörg@x.io""#, "its name contains"),
        ("openai:", r#"profiles."openai:""#, "nothing follows the colon"),
        ("openai:-x", r#"profiles."openai:-x""#, "does not begin with a letter or digit"),
        ("open ai:x", r#"profiles."open ai:x""#, "is not a provider"),
        ("default", r#"profiles."default""#, "has no provider and colon"),
        ("openai:constructor", r#"profiles."openai:constructor""#, "reserved"),
        (long.as_str(), &format!(r#"profiles."{long}""#), "longer than 320 bytes"),
    ];
    let entries: Vec<_> = bad.iter().map(|(id, ..)| entry(id, "openai")).collect();
    let ran = session.feed(file(&entries), ["import", "-"]).sane("made-up-key").failed("IMPORT_INVALID", 65);
    for (id, place, reason) in bad {
        let line = ran.stderr.lines().find(|line| line.contains(place));
        assert!(line.is_some_and(|line| line.contains(reason)), "{id}: {}", ran.stderr);
    }
    // An entry can be renamed by the name that the message shows.
    let renames = [r"openai:\u{1b}[2Jx=openai:a", r"openai:jörg@x.io=openai:joerg@x.io", "default=openai:b"];
    let mut import = vec!["import", "-", "--skip-invalid"];
    import.extend(renames.iter().flat_map(|rename| ["--rename", rename]));
    session.feed(file(&entries), import).ok();
    for id in ["openai:a", "openai:joerg@x.io", "openai:b"] {
        assert_eq!(session.get(id), KEY);
    }
}

#[test]
fn what_the_client_writes_has_an_id_here() {
    let session = Session::new();
    let id = "openai-codex:a-very-long-address.with.many.parts.and.a.plus+tag@some-quite-long-subdomain.example-company-name.co.uk";
    let source = format!(
        r#"{{"version":1,"profiles":{{"{id}":{{"type":"oauth","provider":"openai-codex","access":"a","refresh":"b","expires":1826725287117}}}}}}"#
    );
    session.feed(source, ["import", "-", "--include-oauth"]).ok();
    assert_eq!(session.get(id), "a");
    for address in ["o'brien@x.io", "a/b=c@x.io", "x!#$%&'*+-/=?^_`{|}~y@x.io"] {
        session.feed(file(&[entry(&format!("openai:{address}"), "openai")]), ["import", "-"]).ok();
        assert_eq!(session.get(&format!("openai:{address}")), KEY);
    }
    session.run(["verify"]).ok();
}

#[test]
fn an_id_says_the_provider_that_it_is_for() {
    let session = Session::new();
    for (id, provider) in [("openrouter:free", "anthropic"), ("openai:a", "groq")] {
        let ran = session.feed(file(&[entry(id, provider)]), ["import", "-"]).failed("IMPORT_INVALID", 65);
        assert!(ran.stderr.contains(&format!(r#"profiles."{id}".provider is {provider}"#)), "{}", ran.stderr);
    }
    let rename = ["import", "-", "--rename", "openai:a=groq:a"];
    session.feed(file(&[entry("openai:a", "openai")]), rename).failed("IMPORT_INVALID", 65);
    // Providers that the client knows under two names.
    session.feed(file(&[entry("openai-codex:a", "openai")]), ["import", "-"]).ok();
    session.feed("GROQ_API_KEY=made-up-key-0003", ["import", "-", "--rename", "groq:default=groq:work"]).ok();
    assert_eq!(session.get("groq:work"), "made-up-key-0003");
    session
        .feed("GROQ_API_KEY=made-up-key-0003", ["import", "-", "--rename", "groq:default=openai:x"])
        .failed("IMPORT_INVALID", 65);
}

#[test]
fn renames_that_cannot_be_are_refused() {
    let session = Session::new();
    let source = file(&[entry("groq:a", "groq")]);
    for (rename, code) in [
        ("groq:a", "USAGE"),
        ("groq:a=", "USAGE"),
        ("groq:a=b", "USAGE"),
        ("groq:a=groq:b c", "INVALID_ID"),
        ("groq:other=groq:b", "USAGE"),
    ] {
        session.feed(&source, ["import", "-", "--rename", rename]).failed(code, 64);
    }
    session.run(["get", "groq:a"]).failed("NOT_FOUND", 66);
    // Two entries are not merged silently.
    let two = file(&[entry("groq:a", "groq"), entry("groq:b", "groq").replace(KEY, "made-up-key-0004")]);
    session.feed(two, ["import", "-", "--rename", "groq:a=groq:b"]).failed("IMPORT_INVALID", 65);
    // The order is renamed too.
    let source = r#"{"version":1,"profiles":{"groq:a":{"key":"made-up-key-0001"},"groq:my b":{"key":"made-up-key-0002"}},"order":{"groq":["groq:my b","groq:a"]}}"#;
    session.feed(source, ["import", "-", "--rename", "groq:my b=groq:b"]).ok();
    let order = session.run(["order", "get", "--provider", "groq"]).ok().stdout;
    assert!(order.find("groq:b").unwrap() < order.find("groq:a").unwrap(), "{order}");
}

#[test]
fn nothing_imported_is_no_success() {
    let session = Session::new();
    let bad = file(&[entry("groq:my key", "groq")]);
    session.feed(&bad, ["import", "-", "--skip-invalid"]).failed("IMPORT_INVALID", 65);
    for empty in ["", "\n", "\u{feff}", "{}", r#"{"version":1,"profiles":{}}"#, "# a comment", "PATH=/bin"] {
        session.feed(empty, ["import", "-"]).failed("NO_INPUT", 66);
        session.feed(empty, ["import", "-", "--dry-run"]).failed("NO_INPUT", 66);
    }
}

#[test]
fn a_flat_object_of_variables_is_read_as_a_list_of_them() {
    let session = Session::new();
    let doppler = r#"{"OPENAI_API_KEY":"sk-proj-made-up","GROQ_API_KEY":"gsk_madeup","DOPPLER_PROJECT":"x"}"#;
    session.feed(doppler, ["import", "-"]).ok();
    assert_eq!(session.get("openai:default"), "sk-proj-made-up");
    assert_eq!(session.get("groq:default"), "gsk_madeup");
    for (source, id, secret) in [
        (
            r#"{"XAI_API_KEY":"made-up-key-0001","PORT":3000,"DEBUG":true,"EMPTY":null}"#,
            "xai:default",
            "made-up-key-0001",
        ),
        (
            r#"{"ZAI_API_KEY":{"computed":"made-up-key-0002","note":""},"DOPPLER_CONFIG":{"computed":"dev"}}"#,
            "zai:default",
            "made-up-key-0002",
        ),
        (
            r#" [ {"key":"MISTRAL_API_KEY","value":"made-up-key-0003","type":"shared"}, {"key":"X","value":""}]"#,
            "mistral:default",
            "made-up-key-0003",
        ),
    ] {
        session.feed(source, ["import", "-"]).ok();
        assert_eq!(session.get(id), secret);
    }
    session.feed(r#"[{"a":1}]"#, ["import", "-"]).failed("BAD_DATA", 65);
    for codex in [
        r#"{"auth_mode":"chatgpt","OPENAI_API_KEY":null,"tokens":{"id_token":"eyJ","access_token":"eyJ"}}"#,
        r#"{"OPENAI_API_KEY":"sk-proj-made-up","tokens":{"access_token":"eyJ"},"last_refresh":"2026-11-01T10:00:00Z"}"#,
        r#"{"auth_mode":"apikey","OPENAI_API_KEY":"sk-proj-made-up"}"#,
    ] {
        let ran = session.feed(codex, ["import", "-"]).failed("BAD_DATA", 65);
        assert!(ran.stderr.contains("Codex"), "{}", ran.stderr);
    }
}

#[test]
fn what_pi_looks_up_is_no_key() {
    let session = Session::new();
    let pi = r#"{"anthropic":{"type":"api_key","key":"!op read 'op://a/b/c'"},"openai":{"type":"api_key","key":"OPENAI_API_KEY"},"groq":{"type":"api_key","key":"made-up-key-0001"}}"#;
    let ran = session.feed(pi, ["import", "-"]).ok();
    assert_eq!(ran.stdout.matches("that pi looks up").count(), 2, "{}", ran.stdout);
    assert_eq!(session.get("groq:default"), "made-up-key-0001");
    session.run(["get", "anthropic:default"]).failed("NOT_FOUND", 66);
}

#[test]
fn utf16_with_a_mark_is_read_and_without_one_is_told() {
    let session = Session::new();
    let utf16 = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let big = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_be_bytes).collect() };
    session.feed(utf16("\u{feff}GROQ_API_KEY=made-up-key-0001\r\n"), ["import", "-"]).ok();
    assert_eq!(session.get("groq:default"), "made-up-key-0001");
    let json = file(&[entry("openai:a", "openai")]);
    session.feed(big(&format!("\u{feff}{json}")), ["import", "-"]).ok();
    assert_eq!(session.get("openai:a"), KEY);
    for bytes in [utf16("GROQ_API_KEY=made-up-key-0001\r\n"), big(&json)] {
        let ran = session.feed(bytes, ["import", "-"]).failed("BAD_DATA", 65);
        assert!(ran.stderr.contains("UTF-16") && ran.stderr.contains("iconv"), "{}", ran.stderr);
    }
    let mut odd = utf16("\u{feff}GROQ_API_KEY=made-up-key-0001");
    odd.pop();
    session.feed(odd, ["import", "-"]).failed("BAD_DATA", 65);
}
