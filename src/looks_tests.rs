use super::*;

#[test]
fn names_are_told_from_secrets() {
    for text in ["sk-canary-secret", "anthropic:sk-ant-oat01-abc", "eyJhbGciOiJub25lIn0"] {
        assert!(looks_secret(text), "{text}");
    }
    for text in
        ["anthropic:default", "openai-codex:550e8400-e29b-41d4-a716-446655440000", "me@example.com", ""]
    {
        assert!(!looks_secret(text), "{text}");
    }
}

#[test]
fn a_secret_in_the_place_of_an_id_gets_a_handle() {
    let secret = "sk-ant-oat01-made-up-made-up";
    let shown = masked("anthropic:sk-ant-oat01-made-up-made-up").into_owned();
    assert!(!shown.contains(secret) && has_handle(&shown), "{shown}");
    assert_eq!(shown.len(), "anthropic:~01234567".len());
    let text = format!("ü {secret}… \"groq:{secret}\" and \u{2019}{secret}.");
    let shown = masked(&text);
    assert!(!shown.contains(secret) && shown.starts_with("ü ~") && shown.contains("… \"groq:~"), "{shown}");
    for text in [
        "anthropic:default",
        "begins with sk-ant-oat01- and is 108 long",
        "/srv/sk-models-of-last-year/strongroom",
        "openai-codex:550e8400-e29b-41d4-a716-446655440000",
        "SHA-256: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    ] {
        assert_eq!(masked(text), text);
    }
    assert!(!has_handle("anthropic:default") && !has_handle("anthropic:a~01234567"));
}

#[test]
fn what_stands_in_place_of_a_name_is_told() {
    for (text, what) in [
        ("AGE-SECRET-KEY-1MADEUP", "an age identity"),
        (" age-secret-key-1madeup", "an age identity"),
        ("strongroom-key-v1:bWFkZSB1cA", "a key"),
        ("age1nc56nflfx0v4hr03d3c8lss97w5slu0er67tef3nusjgh3dffyhsd4un3j", "an age recipient"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----", "the text of a file"),
        ("{\"key\":\"made up\"}", "the text of a file"),
        ("made\nup", "the text of a file"),
        ("GROQ_API_KEY=made-up", "an assignment"),
        ("export GROQ_API_KEY=made-up", "an assignment"),
        ("sk-ant-oat01-made-up-made-up", "a key"),
    ] {
        assert_eq!(instead(text), Some(what), "{text}");
        assert!(!may_be_repeated(text), "{text}");
    }
    for text in ["anthropic:default", "365d", "a=", "me@example.com", "[x]", "age1"] {
        assert_eq!(instead(text), None, "{text}");
        assert!(may_be_repeated(text), "{text}");
    }
    assert!(!may_be_repeated("correct horse"));
}

#[test]
fn of_what_is_no_name_only_a_misspelt_one_is_repeated() {
    for text in ["Anthropic", "anthropic:", "main.work", "groq:a:b", "-x", "12:34:56", "anthropic:../x"] {
        assert!(may_be_misspelt(text), "{text}");
    }
    for text in ["Tr0ub4dor&3", "postgres://me:made-up@db/x", "0f:1e:2d:3c:4b:5a:69:78", "a b", "ü", "a/b"] {
        assert!(!may_be_misspelt(text), "{text}");
    }
}

#[test]
fn a_new_name_is_no_key() {
    for text in ["0123456789abcdef0123456789abcdef", "aB3dE5gH7jK9mN1pQ3sTuV5wX7yZ9aB1"] {
        assert!(is_drawn(text), "{text}");
    }
    for text in [
        "550e8400e29b41d4a716446655440000",
        "550e8400-e29b-41d4-a716-446655440000",
        "org-AbCdEf0123456789AbCdEf01",
        "123456789012345678901",
        "my-project-of-november-2026-and-later",
        "0123456789abcdef01234567",
    ] {
        assert!(!is_drawn(text), "{text}");
    }
}

#[test]
fn a_secret_is_no_path() {
    for text in [
        "age1nc56nflfx0v4hr03d3c8lss97w5slu0er67tef3nusjgh3dffyhsd4un3j",
        "AGE-SECRET-KEY-1MADEUPMADEUPMADEUPMADEUPMADEUPMADEUPMADEUPMADEUPMADEUP",
        "strongroom-key-v1:bWFkZSB1cCBtYWRlIHVwIG1hZGUgdXAgbWFkZSB1cCA/+A",
        "# Strongroom key\nstrongroom-key-v1:bWFkZSB1cA\n",
        " strongroom-key-v1:bWFkZSB1cA",
        "sk-ant-oat01-made-up-made-up",
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "3q2+7wAbC/EfGh1jKlMn0pQrStU/WxYz4567890aBcE=",
        "/q2+7wAbC/EfGh1jKlMn0pQrStU/WxYz4567890aBcE=",
        "STRONGROOM_KEY=made-up",
        "correct horse battery staple",
        "postgres://me:made-up@db/x",
        "/tmp/key\n",
        "hunter2\n",
    ] {
        let error = refuse_as_path(Path::new(text), "STRONGROOM_KEY_FILE").unwrap_err();
        assert_eq!(error.code().name(), "USAGE");
        let said = format!("{} {}", error.what(), error.remedy());
        assert!(!said.contains(text.trim()), "{said}");
    }
    for path in [
        "/etc/strongroom/key",
        "key",
        "age1",
        "age1/key",
        "./sk-keys/key",
        "~/.config/strongroom/key",
        "my new backup.age",
        "new vault",
        "/tmp/a=b",
        "/tmp/0123456789abcdef0123456789abcdef/key",
        "./0123456789abcdef0123456789abcdef",
        "backup-laptop-2026-11-28T10-00-00-strongroom.age",
        "Strongroom-Backup-of-my-Laptop-2026-11-28-final.age",
        "/nix/store/0c5b8vw40d11n4d1hvz1pkr3c1bkxq2a-key/k",
        "https://example.com/x",
    ] {
        assert!(refuse_as_path(Path::new(path), "--key-file").is_ok(), "{path}");
    }
}
