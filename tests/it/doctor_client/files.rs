//! Files that stop a client, that are held, old, or open to others; references; the program that the client runs.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{CONFIG, MAIN, all, codes, database, has, lacks, ours, store, to, write};
use crate::session::{Session, binary, setup_token};

#[test]
fn a_file_of_an_older_client_stops_a_newer_one_only_while_it_has_no_profiles() {
    let session = Session::empty();
    write(&session, MAIN, store(&[to("groq:one", "env", "default", "GROQ_API_KEY")]));
    assert_eq!(codes(&session), [""; 0]);
    database(&session, None, &[]);
    has(&session, "wrong", "CLIENT_MIGRATION_REQUIRED", &["auth-profiles.json", "mv -n ", "--dry-run"]);
    database(&session, Some("main"), &[]);
    has(&session, "wrong", "CLIENT_MIGRATION_REQUIRED", &[]);
    database(&session, None, &[to("groq:one", "env", "default", "GROQ_API_KEY")]);
    has(&session, "note", "CLIENT_OLD_STORE", &["auth-profiles.json", "mv -n "]);
    lacks(&session, "CLIENT_MIGRATION_REQUIRED");

    // The installed version counts before what the stores say.
    let session = Session::empty();
    write(&session, MAIN, store(&[]));
    let package = |version: &str| {
        write(
            &session,
            "lib/openclaw/package.json",
            json!({ "name": "openclaw", "version": version }).to_string(),
        );
        fs::set_permissions(session.path("lib/openclaw/package.json"), fs::Permissions::from_mode(0o644))
            .unwrap();
    };
    fs::create_dir_all(session.path("lib/openclaw")).unwrap();
    session.write_program("lib/openclaw/openclaw.mjs", "#!/bin/sh\n");
    fs::create_dir_all(session.path("path")).unwrap();
    symlink(session.path("lib/openclaw/openclaw.mjs"), session.path("path/openclaw")).unwrap();
    for (version, stops) in
        [("2026.6.1", false), ("2026.6.5", true), ("2026.9.6", true), ("2026.2.26", false)]
    {
        package(version);
        let mut command = session.command(["doctor", "--json"]);
        command.env("PATH", session.path("path"));
        let said = crate::session::ran(command, b"").stdout;
        assert_eq!(said.contains("CLIENT_MIGRATION_REQUIRED"), stops, "{version}: {said}");
    }
}

#[test]
fn references_that_cannot_be_resolved_are_named() {
    let session = Session::new();
    session.paste("groq:one", "made-up-key-1");
    let connected = json!({ "secrets": { "providers": {
        "strongroom": { "source": "exec", "command": binary(), "args": ["resolve"] },
        "files": { "source": "file", "path": "/made/up" } } } });
    write(&session, CONFIG, connected.to_string());
    let reference =
        |alias: &str, id: &str| to("x:y", if alias == "files" { "file" } else { "exec" }, alias, id);
    for (profile, code, said) in [
        (reference("strongroom", "main/groq:one"), None, ""),
        (reference("strongroom", "groq:one"), None, ""),
        (reference("strongroom", "providers/groq/apiKey"), None, ""),
        (reference("files", "/x"), None, ""),
        (to("x:y", "env", "default", "X"), None, ""),
        (to("x:y", "store", "default", "X"), None, ""),
        (
            reference("strongroom", "main/groq:gone"),
            Some("CLIENT_UNRESOLVED_REF"),
            "strongroom connect openclaw",
        ),
        (reference("strongroom", "ops/groq:one"), Some("CLIENT_UNRESOLVED_REF"), "strongroom undo ID"),
        (reference("strongroom", "providers/mistral/apiKey"), Some("CLIENT_UNRESOLVED_REF"), "x:y"),
        (reference("strongroom", "not an id"), Some("CLIENT_UNRESOLVED_REF"), "x:y"),
        (reference("other", "x"), Some("CLIENT_UNKNOWN_PROVIDER"), "the secret provider other, which"),
        (
            to("x:y", "file", "strange", "/x"),
            Some("CLIENT_UNKNOWN_PROVIDER"),
            "openclaw.json does not have: x:y",
        ),
        (to("x:y", "env", "mine", "X"), Some("CLIENT_UNKNOWN_PROVIDER"), "secrets.providers"),
    ] {
        for in_database in [false, true] {
            let _ = fs::remove_dir_all(session.path(".openclaw/agents"));
            if in_database {
                database(&session, Some("main"), std::slice::from_ref(&profile));
            } else {
                write(&session, MAIN, store(std::slice::from_ref(&profile)));
            }
            if let Some(code) = code {
                has(&session, "wrong", code, &["x:y", said]);
            } else {
                lacks(&session, "CLIENT_UNRESOLVED_REF");
                lacks(&session, "CLIENT_UNKNOWN_PROVIDER");
            }
        }
    }
    let _ = fs::remove_dir_all(session.path(".openclaw/agents"));
    write(&session, MAIN, store(&[ours("groq:one")]));
    for (config, is_unknown) in [
        (Some("{}"), true),
        (Some("{ secrets: { $include: './more' } }"), false),
        (Some("{ torn"), false),
        (None, true),
    ] {
        match config {
            Some(text) => drop(write(&session, CONFIG, text)),
            None => fs::remove_file(session.path(CONFIG)).unwrap(),
        }
        let found = codes(&session);
        assert_eq!(
            found.contains(&"wrong CLIENT_UNKNOWN_PROVIDER".to_owned()),
            is_unknown,
            "{config:?}: {found:?}"
        );
    }
    let secret = setup_token("ALIAS");
    write(&session, MAIN, store(&[to("x:y", "exec", &secret, "x")]));
    let found = all(&session, &[]);
    assert!(
        found.iter().any(|one| one.1 == "CLIENT_UNKNOWN_PROVIDER" && !one.2.contains("sk-ant")),
        "{found:?}"
    );
    fs::remove_dir_all(session.home()).unwrap();
    write(&session, MAIN, store(&[ours("groq:one")]));
    has(&session, "wrong", "CLIENT_UNRESOLVED_REF", &["there is no vault here", "strongroom onboard"]);
}

#[test]
fn a_lock_that_was_left_or_is_held_for_long_is_named() {
    let session = Session::empty();
    fs::create_dir_all(session.path(MAIN).parent().unwrap()).unwrap();
    let lock = format!("{MAIN}.lock");
    let own = std::process::id();
    for (text, said) in [
        (r#"{"pid":2147483646,"createdAt":"2026-01-01T00:00:00.000Z"}"#.to_owned(), Some("which is gone")),
        (
            format!(r#"{{"pid":{own},"createdAt":"2026-01-01T00:00:00.000Z","starttime":1}}"#),
            Some("which is gone"),
        ),
        (format!(r#"{{"pid":{own},"createdAt":"2026-01-01T00:00:00.000Z"}}"#), Some("ps -fp ")),
        (format!(r#"{{"pid":{own}}}"#), None),
        (String::new(), None),
    ] {
        write(&session, &lock, &text);
        match said {
            Some(said) => has(&session, "note", "CLIENT_STALE_LOCK", &[said, "auth-profiles.json.lock"]),
            None => lacks(&session, "CLIENT_STALE_LOCK"),
        }
    }
    let hour_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    fs::File::open(session.path(&lock)).unwrap().set_modified(hour_ago).unwrap();
    has(&session, "note", "CLIENT_STALE_LOCK", &["was left"]);
}

#[test]
fn a_copy_of_the_index_that_is_older_is_named() {
    let session = Session::new();
    session.paste("groq:one", "made-up-key-1");
    write(&session, MAIN, store(&[]));
    write(&session, CONFIG, "{}");
    lacks(&session, "CLIENT_STALE_INDEX");
    session.run(["connect", "openclaw", "--yes"]).ok();
    lacks(&session, "CLIENT_STALE_INDEX");
    let connected = fs::read_to_string(session.path(MAIN)).unwrap();
    session.paste("groq:two", "made-up-key-2");
    lacks(&session, "CLIENT_STALE_INDEX");
    let newer = fs::read_to_string(session.path(MAIN)).unwrap();
    let wrong = |text: &str, said: &str| {
        write(&session, MAIN, text);
        has(&session, "wrong", "CLIENT_STALE_INDEX", &[said, "strongroom connect openclaw"]);
    };
    wrong(&connected, "it lacks groq:two");
    wrong(&store(&[]), "it lacks groq:one, groq:two");
    wrong(
        &newer.replace("\"generation\":", "\"generation\":1"),
        "it has older entries of groq:one, groq:two",
    );
    // The client writes its file in a form of its own.
    let spaceless = serde_json::from_str::<Value>(&newer).unwrap().to_string();
    write(&session, MAIN, spaceless);
    lacks(&session, "CLIENT_STALE_INDEX");
    // One that was copied by hand, without a connection.
    session.run(["disconnect", "openclaw", "--yes"]).ok();
    write(&session, MAIN, store(&[]));
    lacks(&session, "CLIENT_STALE_INDEX");
    wrong(&connected, "it lacks groq:two");
}

#[test]
fn files_that_others_can_read_are_named() {
    let session = Session::empty();
    let database = database(&session, None, &[]);
    write(&session, MAIN, store(&[]));
    let files = [
        (database.clone(), "wrong"),
        (session.path(MAIN), "wrong"),
        (write(&session, &format!("{MAIN}.migrated-x"), store(&[])), "wrong"),
        (write(&session, CONFIG, "{}"), "note"),
        (write(&session, ".openclaw/.env", "PORT=1\n"), "note"),
    ];
    lacks(&session, "CLIENT_EXPOSED");
    for (path, level) in files {
        for mode in [0o644, 0o640, 0o604, 0o660] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            has(&session, level, "CLIENT_EXPOSED", &[path.to_str().unwrap(), "chmod 600 "]);
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        lacks(&session, "CLIENT_EXPOSED");
    }
}

#[test]
fn a_resolver_that_the_client_would_refuse_is_named() {
    let session = Session::new();
    fs::create_dir_all(session.path("bin")).unwrap();
    let own = session.path("bin/strongroom");
    crate::session::copy_binary(&own);
    let link = session.path("link");
    symlink(&own, &link).unwrap();
    let configure = |command: &Path, more: &str| {
        let command = command.to_str().unwrap();
        let text = format!(
            "{{ secrets: {{ providers: {{ strongroom: {{ source: 'exec', command: '{command}'{more} }} }} }} }}"
        );
        write(&session, CONFIG, text);
    };
    let mode = |mode| fs::set_permissions(&own, fs::Permissions::from_mode(mode)).unwrap();
    for (command, bits, said) in [
        (&own, 0o755, None),
        (&own, 0o700, None),
        (&own, 0o775, Some("is writable by other users")),
        (&own, 0o757, Some("is writable by other users")),
        (&link, 0o755, Some("is a symbolic link")),
        (&session.path("bin"), 0o755, Some("is not a regular file")),
        (&session.path("gone"), 0o755, Some("does not exist")),
        (&PathBuf::from("strongroom"), 0o755, Some("is not an absolute path")),
    ] {
        configure(command, "");
        mode(bits);
        match said {
            Some(said) => {
                has(&session, "wrong", "CLIENT_RESOLVER_REFUSED", &[said, "strongroom connect openclaw"]);
            }
            None => lacks(&session, "CLIENT_RESOLVER_REFUSED"),
        }
    }
    mode(0o755);
    configure(&link, ", allowSymlinkCommand: true");
    has(&session, "note", "CLIENT_RESOLVER_REFUSED", &["is a symbolic link"]);
}
