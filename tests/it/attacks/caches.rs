//! The unlock cache ends when it should, and serves only those it is meant for.

use std::process::{Command, Stdio};

use super::seen;
use crate::faults::say;
use crate::keyring;
use crate::session::{Ran, Session, binary, ran};
use crate::unlock_cache::{SECRET, Vault, keyctl};

/// A shell with the binary as `$0`, in the session's environment.
fn shell(session: &Session, tool: &[&str], script: &str) -> Ran {
    let mut command = Command::new(tool[0]);
    command.args(&tool[1..]).args(["/bin/sh", "-c", script]).arg(binary());
    command.env_clear().env("HOME", session.temp.path()).env("PATH", "/usr/bin:/bin");
    command.env("XDG_RUNTIME_DIR", session.temp.path()).current_dir(session.temp.path());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    ran(command, b"")
}

/// U reads the keyring: after a rekey, the old keys are no longer there.
#[test]
fn a_rekey_leaves_no_cache() {
    if !keyring::is_there() {
        return;
    }
    let vault = Vault::unlocked();
    keyctl(&["search", "@u", "user", &vault.name()]).ok();
    vault.by_passphrase(["rekey", "--yes"]).ok();
    let found = keyctl(&["search", "@u", "user", &vault.name()]);
    assert_ne!(found.status, 0, "the given-up vault key is in the keyring still: {}", found.stdout);
    vault.is_locked();
}

/// A cache is found by the home's path; `lock` after a move still means this vault.
#[test]
fn lock_ends_the_cache_of_a_home_that_was_moved() {
    if !keyring::is_there() {
        return;
    }
    let vault = Vault::unlocked();
    let moved = vault.path("moved");
    std::fs::rename(vault.home(), &moved).unwrap();
    vault.run(["--home", "moved", "lock"]).ok();
    std::fs::rename(&moved, vault.home()).unwrap();
    vault.is_locked();
}

/// Runs in its own user namespace, which has its own keyrings, because other tests have caches too.
#[test]
fn lock_all_ends_every_cache_of_the_user() {
    if !keyring::is_there() {
        return;
    }
    let session = Session::empty();
    session.write("pass", "made-up horse, made-up battery\n");
    let script = r#"
        set -e
        for home in one two; do
            "$0" --home "$home" init --unlock passphrase --passphrase-file pass >&2
            printf made-up-secret | "$0" --home "$home" --passphrase-file pass paste-api-key --provider groq >&2
            "$0" --home "$home" --passphrase-file pass unlock >&2
            "$0" --home "$home" get groq:default
        done
        "$0" lock --all >&2
        for home in one two; do
            if "$0" --home "$home" get groq:default; then exit 3; fi
        done
        echo locked
    "#;
    let done = shell(&session, &["unshare", "-Ur", "--"], script);
    if done.stderr.contains("unshare failed") || done.stderr.contains("Operation not permitted") {
        return say("lock --all: this machine gives no user namespace: not tested");
    }
    assert_eq!(done.ok().stdout, "made-up-secret\nmade-up-secret\nlocked\n");
}

/// `unlock --session` serves only the processes of one kernel keyring session.
#[test]
fn a_cache_for_a_session_is_none_outside_it() {
    if !keyring::is_there() {
        return;
    }
    let vault = Vault::new();
    let script = r#"
        "$0" --passphrase-file pass unlock --session >&2 && "$0" get openrouter:one || exit 1
        keyctl session - "$0" get openrouter:one && exit 2
        exit 0
    "#;
    let done = shell(&vault, &["keyctl", "session", "-"], script);
    vault.is_locked();
    assert!(done.status == 0 && done.stdout.trim_end() == SECRET, "{} {}", done.stdout, done.stderr);
}

/// A cache for one agent opens nothing of another agent, and nothing of the vault itself.
#[test]
fn a_cache_for_one_agent_opens_no_other() {
    if !keyring::is_there() {
        return;
    }
    let vault = Vault::new();
    let paste = ["--passphrase-file", "pass", "--agent", "other", "paste-api-key", "--provider", "groq"];
    vault.feed("made-up-of-other", paste).ok();
    vault.by_passphrase(["unlock", "--agent", "main"]).ok();
    let other = vault.run(["--agent", "other", "get", "groq:default"]).sane("made-up-of-other");
    other.failed("LOCKED", 77);
    let answer = vault.resolve(&["other/groq:default"]);
    assert_eq!(answer["errors"]["other/groq:default"]["code"], "LOCKED", "{answer}");
    assert_eq!(seen(&vault, "openrouter:one"), super::served(SECRET));
    vault.feed("made-up-new", ["--agent", "other", "rotate", "groq:default"]).failed("LOCKED", 77);
    vault.feed("made-up-new", ["rotate", "openrouter:one"]).ok();
    vault.by_passphrase(["verify"]).ok();
}
