//! Homes and files in unintended places: paths that no shell expanded, relative ones, links that lead
//! nowhere, the root directory, a home of another user's.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use crate::session::{RECEIVER, Ran, Session, ran};

const KEY: &str = "made-up-key-of-the-places";

fn session() -> Session {
    let session = Session::new();
    session.paste("openrouter:one", KEY);
    session
}

fn with(session: &Session, variables: &[(&str, &str)], arguments: &[&str]) -> Ran {
    let mut command = session.command(arguments);
    command.envs(variables.iter().copied());
    ran(command, b"").sane(KEY)
}

/// Checks that nothing was created under a name that a shell would have expanded.
#[track_caller]
fn nothing_was_made(session: &Session) {
    for entry in std::fs::read_dir(session.temp.path()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(!name.starts_with(['~', '$', '%']), "{name} was made");
    }
}

#[test]
fn a_variable_that_no_shell_expanded_is_refused_by_its_name() {
    let session = session();
    let whole = session.path("v");
    for (name, value) in [
        ("STRONGROOM_HOME", "~/v"),
        ("STRONGROOM_HOME", "~"),
        ("STRONGROOM_HOME", "$HOME/v"),
        ("STRONGROOM_HOME", "${HOME}/v"),
        ("STRONGROOM_HOME", "%h/v"),
        ("STRONGROOM_HOME", "~other/v"),
        ("STRONGROOM_KEY_FILE", "~/v"),
        ("STRONGROOM_PASSPHRASE_FILE", "~/v"),
        ("STRONGROOM_ANCHOR", "~/v"),
        ("XDG_DATA_HOME", "~/v"),
        ("XDG_CONFIG_HOME", "~/v"),
        ("XDG_STATE_HOME", "~/v"),
        ("HOME", "~"),
    ] {
        for arguments in [&["init"][..], &["list"], &["get", "openrouter:one"], &["doctor"]] {
            let refused = with(&session, &[(name, value)], arguments).failed("CONFIG", 78);
            assert!(refused.stderr.contains(name), "{name}={value}: {}", refused.stderr);
            if value == "~/v" {
                let remedy = format!("{name}={}", whole.display());
                assert!(refused.stderr.contains(&remedy), "{name}: {}", refused.stderr);
            }
        }
        nothing_was_made(&session);
    }
}

#[test]
fn an_argument_that_no_shell_expanded_is_refused_by_its_name() {
    let session = session();
    session.write("pass", "made-up correct horse");
    for (arguments, name) in [
        (&["list", "--home", "~/v"][..], "--home"),
        (&["list", "--home=~/v"], "--home"),
        (&["init", "--home", "$HOME/v"], "--home"),
        (&["init", "--home", "v", "--key-file", "~/k"], "--key-file"),
        (&["get", "openrouter:one", "--key-file", "~/k"], "--key-file"),
        (&["get", "openrouter:one", "--passphrase-file", "~/p"], "--passphrase-file"),
        (&["paste-api-key", "--provider", "groq", "--anchor", "~/a"], "--anchor"),
        (&["export", "--to", RECEIVER, "--out", "~/b"], "--out"),
        (&["export", "--passphrase", "--bundle-passphrase-file", "~/p"], "--bundle-passphrase-file"),
        (&["import", "~/bundle"], "PATH"),
        (&["import", "-", "--bundle-identity", "~/i"], "--bundle-identity"),
        (&["recover", "--recovery-key", "~/r"], "--recovery-key"),
        (&["rekey", "--new-key-file", "~/k", "--yes"], "--new-key-file"),
        (&["unlock-method", "add", "key-file", "--name", "x", "--new-key-file", "~/k"], "--new-key-file"),
        (&["unlock-method", "add", "passphrase", "--new-passphrase-file", "~/p"], "--new-passphrase-file"),
        (&["man", "~/man"], "DIR"),
    ] {
        let refused = session.feed(KEY, arguments).sane(KEY).failed("USAGE", 64);
        assert!(refused.stderr.contains(&format!("~ in {name}")) || refused.stderr.contains("$ in --home"));
        nothing_was_made(&session);
    }
    // A file with such a name still works.
    session.run(["export", "--to", RECEIVER, "--out", "./~b"]).ok();
    assert!(session.path("~b").exists());
}

/// A client starts it without a shell, and reads its answer.
#[test]
fn resolve_says_so_in_its_answer() {
    let session = session();
    for options in [["--home", "~/v"], ["--key-file", "~/k"]] {
        let answer = session.resolve_with(&options, &["openrouter:one"]);
        let error = &answer["errors"]["openrouter:one"];
        assert_eq!(error["code"], "USAGE", "{answer}");
        assert!(error["message"].as_str().unwrap().contains("not expanded"), "{answer}");
    }
}

#[test]
fn a_relative_home_in_a_variable_is_refused_with_the_whole_path() {
    let session = session();
    let there = std::fs::canonicalize(session.temp.path()).unwrap();
    for (name, value) in [("STRONGROOM_HOME", "./v"), ("HOME", "./h")] {
        let refused = with(&session, &[(name, value)], &["init"]).failed("CONFIG", 78);
        let whole = there.join(value.trim_start_matches("./"));
        assert!(refused.stderr.contains(&format!("{name}={}", whole.display())), "{}", refused.stderr);
    }
    // A single word could also be a passphrase, so it is not repeated.
    for (name, value) in [("STRONGROOM_HOME", "hunter2"), ("HOME", "hunter2")] {
        let refused = with(&session, &[(name, value)], &["init"]).sane("hunter2").failed("CONFIG", 78);
        assert!(refused.stderr.contains("write the full path, beginning with /"), "{}", refused.stderr);
    }
    assert!(!session.path("v").exists() && !session.path("h").exists());
    // Typed by a person, it is relative to the working directory, and shown in full.
    let made = session.run(["init", "--home", "v"]).ok();
    assert!(made.stdout.contains(&session.path("v").display().to_string()), "{}", made.stdout);
    // The specification says to ignore a relative XDG directory.
    with(&session, &[("XDG_DATA_HOME", "data")], &["list"]).ok();
}

#[test]
fn no_vault_is_made_in_the_root_directory() {
    let session = Session::empty();
    assert!(!Path::new("/.local/share/strongroom").exists(), "a vault is in the root directory");
    for arguments in [&["init"][..], &["list"], &["doctor"]] {
        let refused = with(&session, &[("HOME", "/")], arguments).failed("CONFIG", 78);
        assert!(
            refused.stderr.contains("HOME is /") && refused.stderr.contains("--home"),
            "{}",
            refused.stderr
        );
    }
    with(&session, &[("HOME", "/")], &["init", "--home", "v", "--key-file", "k"]).ok();
}

#[test]
fn a_home_that_is_a_file_or_not_set_is_told() {
    let session = Session::empty();
    let file = session.write("file", "");
    for arguments in [&["init"][..], &["list"]] {
        let refused =
            with(&session, &[("HOME", file.to_str().unwrap())], arguments).failed("UNSAFE_HOME", 78);
        assert!(
            refused.stderr.contains("HOME") && refused.stderr.contains("not a directory"),
            "{}",
            refused.stderr
        );
        with(&session, &[("HOME", "")], arguments).failed("CONFIG", 78);
    }
}

#[test]
fn a_link_that_leads_nowhere_is_called_that() {
    let session = Session::empty();
    let nowhere = session.path("not-there");
    for (name, home) in [("whole", "whole"), ("above", "above/v")] {
        symlink(&nowhere, session.path(name)).unwrap();
        for verb in ["init", "list", "doctor"] {
            let refused = session.run(["--home", home, verb]).failed("UNSAFE_HOME", 78);
            assert!(refused.stderr.contains("a link to something that does not exist"), "{}", refused.stderr);
            assert!(refused.stderr.contains(&format!("{name} is")), "{}", refused.stderr);
        }
    }
    assert!(!nowhere.exists());
    // The directory that the key file goes into, and the key file.
    std::fs::create_dir(session.path(".config")).unwrap();
    symlink(&nowhere, session.path(".config/strongroom")).unwrap();
    let refused = session.run(["init"]).failed("UNSAFE_FILE", 78);
    assert!(refused.stderr.contains("a link to something that does not exist"), "{}", refused.stderr);
    assert!(!session.home().exists(), "a vault without its key was made");
    std::fs::remove_file(session.path(".config/strongroom")).unwrap();
    session.run(["init"]).ok();
    std::fs::rename(session.key_file(), session.path("key")).unwrap();
    symlink(&nowhere, session.key_file()).unwrap();
    for arguments in [&["recipient"][..], &["recipient", "--key-file", ".config/strongroom/key"]] {
        let refused = session.run(arguments).failed("NO_INPUT", 66);
        assert!(refused.stderr.contains("a link to something that does not exist"), "{}", refused.stderr);
    }
    // A link that leads somewhere is from a dotfile manager.
    std::fs::remove_file(session.key_file()).unwrap();
    symlink(session.path("key"), session.key_file()).unwrap();
    session.run(["recipient"]).ok();
}

/// As under `sudo` with the user's own `HOME`, and as a user with the `HOME` of another.
#[test]
fn a_home_of_another_user_is_told_with_what_to_do() {
    let session = Session::empty();
    let root = rustix::process::geteuid().is_root();
    let theirs = if root {
        let theirs = session.path("theirs");
        std::fs::create_dir(&theirs).unwrap();
        std::os::unix::fs::chown(&theirs, Some(65534), Some(65534)).unwrap();
        theirs.to_str().unwrap().to_owned()
    } else {
        "/usr".to_owned()
    };
    let refused = with(&session, &[("HOME", &theirs)], &["init"]).failed("UNSAFE_HOME", 78);
    for part in ["belongs to", "HOME", "--home", "run the command as that user"] {
        assert!(refused.stderr.contains(part), "{part}: {}", refused.stderr);
    }
    // No remedy may take over what belongs to another user.
    assert!(!refused.stderr.contains("chown"), "{}", refused.stderr);
}

#[test]
fn a_home_that_is_not_there_and_cannot_be_made_is_told() {
    let session = Session::empty();
    if rustix::process::geteuid().is_root() {
        println!("root can make it; the ordinary user's run shows this");
        return;
    }
    let refused = with(&session, &[("HOME", "/nonexistent/other")], &["init"]).sane(KEY);
    assert_eq!(refused.status, 78, "{}", refused.stderr);
    assert!(
        refused.stderr.contains("permission denied") && refused.stderr.contains("HOME"),
        "{}",
        refused.stderr
    );
}

#[test]
fn every_home_is_told_as_it_can_be_opened_and_pasted() {
    for name in ["jos\u{e9}", "日本", "a b", "it's", "a\nb", "a\u{202e}b"] {
        let session = session();
        let home = session.path(name);
        std::fs::rename(session.home(), &home).unwrap();
        let home_is = [("STRONGROOM_HOME", home.to_str().unwrap())];
        let listed = with(&session, &home_is, &["list", "--json"]).ok().json();
        assert_eq!(listed["home"].as_str(), home.to_str());
        let index = listed["agents"][0]["storePath"].as_str().unwrap();
        assert!(Path::new(index).is_file(), "{index}");

        std::fs::set_permissions(&home, std::fs::Permissions::from_mode(0o777)).unwrap();
        let refused = with(&session, &home_is, &["list"]).failed("UNSAFE_HOME", 78);
        assert_eq!(refused.stderr.contains(name), !name.starts_with("a\n") && !name.contains('\u{202e}'));
        let remedy = refused.stderr.split("others: ").nth(1).unwrap().split("; if").next().unwrap();
        assert!(Command::new("sh").args(["-c", remedy]).status().unwrap().success(), "{remedy}");
        with(&session, &home_is, &["list"]).ok();
    }
}
