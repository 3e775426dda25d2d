//! Mistaken arguments: a directory instead of a key, a key instead of a name, one stream for two things. No remedy does
//! harm if it is pasted, and nothing that may be a secret is repeated.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use crate::session::{RECEIVER, Ran, Session, ran};

const SECRET: &str = "made-up-key";

fn said(ran: &Ran) -> String {
    format!("{}{}", ran.stdout, ran.stderr)
}

#[test]
fn no_remedy_for_what_is_no_key_file_changes_it() {
    let session = Session::new();
    session.paste("groq:one", SECRET);
    let key = session.key_file();
    let slash = format!("{}/", key.display());
    let recovery = session.run(["recovery-key"]).ok().stdout;
    session.write("bundle-key", recovery);
    session.run(["export", "--to", RECEIVER, "--out", "b.age"]).ok();
    for named in ["/etc", "/etc/", slash.as_str(), "/etc/passwd", "/dev/null", "/"] {
        for arguments in [
            &["--key-file", named, "get", "groq:one"][..],
            &["--passphrase-file", named, "get", "groq:one"],
            &["import", "b.age", "--bundle-identity", named],
            &["import", "b.age", "--bundle-passphrase-file", named],
            &["recover", "--recovery-key", named],
            &["unlock-method", "add", "passphrase", "--new-passphrase-file", named],
            &["unlock-method", "add", "key-file", "--name", "more", "--new-key-file", named],
        ] {
            let ran = session.run(arguments);
            let said = said(&ran);
            assert!([64, 65, 73, 77, 78].contains(&ran.status), "{arguments:?}: {said}");
            assert!(!said.contains("chmod") && !said.contains("chown"), "{arguments:?}: {said}");
        }
        let mut command = session.command(["get", "groq:one"]);
        command.env("STRONGROOM_KEY_FILE", named);
        let said = ran(command, b"").failed("UNSAFE_KEY_FILE", 78).stderr;
        assert!(!said.contains("chmod"), "{named}: {said}");
    }
    let told =
        session.run(["--key-file", "/etc/passwd", "get", "groq:one"]).failed("UNSAFE_KEY_FILE", 78).stderr;
    assert!(told.contains("install -m 600 /etc/passwd NEWFILE"), "{told}");
    let told = session.run(["--key-file", "/etc", "get", "groq:one"]).failed("UNSAFE_KEY_FILE", 78).stderr;
    assert!(told.contains("/etc is a directory"), "{told}");
    for named in ["/dev/stdout", "/dev/null", "/dev/fd/1"] {
        let told = said(&session.run(["rekey", "--new-key-file", named, "--yes"]));
        assert!(told.contains("name a file that does not exist yet"), "{told}");
    }
    // For a file of the user, the command is complete.
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o644)).unwrap();
    let told = session.run(["get", "groq:one"]).failed("UNSAFE_KEY_FILE", 78).stderr;
    assert!(told.contains(&format!("chmod 600 {}`;", key.display())), "{told}");
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).unwrap();
    session.run(["get", "groq:one"]).ok();
}

#[test]
fn no_file_is_made_under_the_name_of_a_directory() {
    let session = Session::new();
    session.paste("groq:one", SECRET);
    for arguments in [
        &["--home", "v2", "init", "--key-file", "new/"][..],
        &["rekey", "--new-key-file", "new/", "--yes"],
        &["unlock-method", "add", "key-file", "--name", "more", "--new-key-file", "new/"],
        &["export", "--to", RECEIVER, "--out", "new/"],
    ] {
        let told = session.run(arguments).failed("USAGE", 64).stderr;
        assert!(told.contains("ends with a slash"), "{told}");
    }
    let mut command = session.command(["--home", "v2", "init"]);
    command.env("STRONGROOM_KEY_FILE", session.path("new/"));
    let told = ran(command, b"").failed("UNSAFE_KEY_FILE", 78).stderr;
    assert!(told.contains("ends with a slash"), "{told}");
    assert!(!session.path("new").exists() && !session.path("v2").exists());
}

#[test]
fn a_name_of_several_words_is_a_name() {
    let session = Session::new();
    session.paste("groq:one", SECRET);
    for name in [
        "backup-laptop-2026-11-28T10-00-00-strongroom.age",
        "Strongroom-Backup-of-my-Laptop-2026-11-28-final.age",
    ] {
        session.run(["export", "--to", RECEIVER, "--out", name]).ok();
        assert!(session.path(name).is_file());
    }
    let store = "/nix/store/0c5b8vw40d11n4d1hvz1pkr3c1bkxq2a-key/k";
    session.run(["--key-file", store, "get", "groq:one"]).failed("NO_INPUT", 66);
    let told = session.run(["--key-file", "/tmp/key\n", "get", "groq:one"]).failed("USAGE", 64).stderr;
    assert!(told.contains("--key-file ends with a line break"), "{told}");
}

#[test]
fn what_is_no_name_and_may_be_a_password_is_not_repeated() {
    let session = Session::new();
    session.paste("groq:one", SECRET);
    for (text, secret) in [
        ("Tr0ub4dor&3", "Tr0ub4dor"),
        ("postgres://me:s3cretpw@db/x", "s3cretpw"),
        ("https://me:s3cretpw@db/x", "s3cretpw"),
        ("0f:1e:2d:3c:4b:5a:69:78", "0f:1e"),
        ("p@ss(w0rd)", "w0rd"),
    ] {
        for arguments in [
            &["--agent", text, "list"][..],
            &["get", text],
            &["remove", text, "--yes"],
            &["rename", "groq:one", text],
            &["paste-token", "--provider", text],
            &["order", "get", "--provider", text],
            &["export", text, "--to", RECEIVER, "--out", "b.age"],
        ] {
            let ran = session.feed(SECRET, arguments);
            let said = said(&ran);
            assert!(ran.status == 64 && !said.contains(secret), "{arguments:?}: {said}");
        }
        // The id itself is repeated, because the client finds its answer by it.
        let answer = session.resolve(&[text]);
        let message = answer["errors"][text]["message"].as_str().unwrap();
        assert!(!message.contains(secret), "{message}");
    }
    let told = session.run(["get", "Groq:one"]).failed("INVALID_ID", 64).stderr;
    assert!(told.contains("\"Groq:one\""), "a name with a mistake in it is repeated: {told}");
    for url in ["postgres://me:s3cretpw@db/x", "https://me:s3cretpw@db/x"] {
        let told = session.run(["--home", url, "list"]).failed("USAGE", 64).stderr;
        assert!(told.contains("a URL with a password") && !told.contains("s3cretpw"), "{told}");
        let mut command = session.command(["get", "groq:one"]);
        command.env("STRONGROOM_ANCHOR", url);
        let told = ran(command, b"").failed("USAGE", 64).stderr;
        assert!(!told.contains("s3cretpw"), "{told}");
    }
}

#[test]
fn a_key_is_neither_a_new_name_nor_a_session() {
    let session = Session::new();
    session.paste("groq:one", SECRET);
    for key in ["0123456789abcdef0123456789abcdef", "aB3dE5gH7jK9mN1pQ3sTuV5wX7yZ9aB1"] {
        let id = format!("groq:{key}");
        for arguments in [
            &["paste-token", "--provider", "groq", "--profile-id", &id][..],
            &["rename", "groq:one", &id],
            &["pin", "groq:one", "--session", key],
            &["report", "groq:one", "--success", "--session", key],
        ] {
            let told = session.feed(SECRET, arguments).failed("USAGE", 64);
            assert!(!said(&told).contains(key), "{}", said(&told));
        }
    }
    // Accounts and sessions of clients.
    session.paste("groq:550e8400-e29b-41d4-a716-446655440000", SECRET);
    session.paste("groq:org-AbCdEf0123456789AbCdEf01", SECRET);
    for name in ["550e8400e29b41d4a716446655440000", "agent:main:550e8400-e29b-41d4-a716-446655440000"] {
        session.run(["pin", "groq:one", "--session", name]).ok();
    }
}

#[test]
fn the_vaults_own_key_is_no_credential() {
    let session = Session::new();
    let file = std::fs::read_to_string(session.key_file()).unwrap();
    let key = file.lines().find(|line| line.starts_with("strongroom-key-v")).unwrap();
    for text in [file.as_str(), key, &format!("\"{key}\""), &format!("GROQ_API_KEY={key}")] {
        session.feed(text, ["paste-token", "--provider", "groq"]).failed("NOT_A_SECRET", 65);
    }
    session.write("keys.env", format!("GROQ_API_KEY={key}\n"));
    let entry = serde_json::json!({ "type": "api_key", "provider": "groq", "key": key });
    let store = serde_json::json!({ "version": 1, "profiles": { "groq:one": entry } });
    session.write("auth-profiles.json", store.to_string());
    for path in ["keys.env", "auth-profiles.json"] {
        let told = session.run(["import", path, "--yes"]).failed("IMPORT_INVALID", 65);
        assert!(said(&told).contains("is a Strongroom key"), "{}", said(&told));
    }
    assert!(!session.run(["list"]).ok().stdout.contains("groq:"));
}

#[test]
fn one_stream_has_one_reader() {
    let session = Session::new();
    session.paste("groq:one", SECRET);
    let key = std::fs::read(session.key_file()).unwrap();
    let with = |arguments: &[&str], variable: Option<&str>| {
        let mut command = session.command(arguments);
        if let Some(name) = variable {
            command.env(name, "-");
        }
        command.stdin(Stdio::piped());
        ran(command, &key)
    };
    let paste = ["paste-token", "--provider", "groq"];
    for variable in ["STRONGROOM_KEY_FILE", "STRONGROOM_PASSPHRASE_FILE"] {
        let told = with(&paste, Some(variable)).failed("USAGE", 64).stderr;
        assert!(told.contains(&format!("{variable} and the secret cannot both")), "{told}");
    }
    for (arguments, names) in [
        (
            &["onboard", "--anthropic-api-key", "-", "--key-file", "-"][..],
            ["--anthropic-api-key", "--key-file"],
        ),
        (&["doctor", "--explain-error", "-", "--key-file", "-"], ["--explain-error", "--key-file"]),
        (
            &["paste-token", "--provider", "groq", "--secret-fd", "3", "--key-file", "/dev/fd/3"],
            ["--secret-fd", "--key-file"],
        ),
        (
            &["paste-token", "--provider", "groq", "--secret-fd", "3", "--passphrase-fd", "3"],
            ["--secret-fd", "--passphrase-fd"],
        ),
    ] {
        let told = with(arguments, None).failed("USAGE", 64).stderr;
        assert!(
            names.iter().all(|name| told.contains(name)) && told.contains("cannot both be read"),
            "{told}"
        );
    }
    // A single one is read.
    assert_eq!(with(&["get", "groq:one"], Some("STRONGROOM_KEY_FILE")).ok().stdout, format!("{SECRET}\n"));
    let mut flag = session.command(paste.iter().chain(&["--key-file", session.key_file().to_str().unwrap()]));
    flag.env("STRONGROOM_KEY_FILE", "-").stdin(Stdio::piped());
    ran(flag, SECRET.as_bytes()).ok();
}

#[test]
fn an_anchor_that_knows_nothing_is_refused_without_a_promise() {
    let session = Session::new();
    let paste = ["paste-token", "--provider", "groq"];
    let flag = session.feed(SECRET, paste.iter().chain(&["--anchor", "new"])).failed("CONFIG", 78).stderr;
    assert!(flag.contains("named by --anchor") && !flag.contains("from now on"), "{flag}");
    let mut command = session.command(paste);
    command.env("STRONGROOM_ANCHOR", session.path("new")).stdin(Stdio::piped());
    let variable = ran(command, SECRET.as_bytes()).failed("CONFIG", 78).stderr;
    assert!(variable.contains("STRONGROOM_ANCHOR") && !variable.contains("--anchor"), "{variable}");
    assert!(!variable.contains("from now on"), "{variable}");
    assert!(!Path::new(&session.path("new")).exists());
    // The remedy.
    session.run(["doctor", "--repair", "--anchor", "new"]).ok();
    session.feed(SECRET, paste.iter().chain(&["--anchor", "new"])).ok();
}

#[test]
fn a_new_key_file_is_not_made_where_others_can_replace_it() {
    let session = Session::new();
    session.paste("groq:one", SECRET);
    let shared = session.path("shared");
    std::fs::create_dir(&shared).unwrap();
    let set = |mode| std::fs::set_permissions(&shared, PermissionsExt::from_mode(mode)).unwrap();
    set(0o777);
    for arguments in [
        &["--home", "v2", "init", "--key-file", "shared/key"][..],
        &["--home", "v2", "init", "--key-file", "shared/new/key"],
        &["rekey", "--new-key-file", "shared/key", "--yes"],
        &["unlock-method", "add", "key-file", "--name", "more", "--new-key-file", "shared/key"],
    ] {
        let told = session.run(arguments).failed("UNSAFE_KEY_FILE", 78).stderr;
        assert!(told.contains("can be written by other users"), "{told}");
        assert!(!session.path("v2").exists(), "{arguments:?}");
    }
    // An existing one is found.
    std::fs::copy(session.key_file(), shared.join("key")).unwrap();
    let doctor = ["--key-file", "shared/key", "doctor"];
    let told = session.run(doctor).failed("FINDINGS", 65).stdout;
    assert!(told.contains("can be replaced"), "{told}");
    for mode in [0o755, 0o1777] {
        set(mode);
        session.run(doctor).ok();
    }
    session.run(["--home", "v2", "init", "--key-file", "shared/new/key"]).ok();
}

#[test]
fn the_form_of_a_value_is_told() {
    let session = Session::new();
    for (arguments, form) in [
        (&["list", "--lock-timeout", "x"][..], "30s"),
        (&["list", "--keychain-timeout", "1 day"], "30s"),
        (&["list", "--passphrase-fd", "abc"], "3<FILE"),
        (&["list", "--passphrase-fd", "-1"], "3<FILE"),
        (&["log", "-n", "abc"], "whole number"),
    ] {
        let told = session.run(arguments).failed("USAGE", 64).stderr;
        assert!(told.contains(form), "{arguments:?}: {told}");
    }
}

#[test]
fn small_mistakes_about_paths_are_told_as_what_they_are() {
    let session = Session::new();
    session.paste("groq:one", SECRET);
    let long = format!("./{}", "a".repeat(300));
    let told = session.run(["--key-file", &long, "get", "groq:one"]).failed("IO", 74).stderr;
    assert!(told.contains("too long") && !told.contains("--home"), "{told}");
    let page = session.run(["man", "-"]).ok().stdout;
    assert!(page.contains(".TH") && !session.path("-").exists());
    std::os::unix::fs::symlink("loop", session.path("loop")).unwrap();
    let told = said(&session.run(["--key-file", "loop", "get", "groq:one"]));
    assert!(told.contains("leads back to itself"), "{told}");
    session.write("file", "");
    let told = said(&session.run(["--home", "v2", "init", "--key-file", "file/key"]));
    assert!(told.contains("file is not a directory") && told.contains("move it away"), "{told}");
}

#[test]
fn a_removed_home_with_a_random_name_is_no_secret() {
    let session = Session::new();
    let gone = "/tmp/tmp.aB3xQ9zL1k/beside.Zq8Xk2/world.pL0oK9/two";
    session.run(["store", "prune", "--yes", gone]).failed("KEYCHAIN_UNAVAILABLE", 69);
    let key = "3q2+7wAbC/EfGh1jKlMn0pQrStU/WxYz4567890aBcE=";
    let refused = session.run(["store", "prune", "--yes", key]).failed("USAGE", 64);
    assert!(!said(&refused).contains("WxYz"));
}
