//! Caches for a single agent or session, and what ends them.

use std::path::Path;
use std::process::{Command, Stdio};

use strongroom::unlock::cache;
use strongroom_backends::kernel_keyring::{self, Place};

use crate::goldens::at_terminal;
use crate::keyring;
use crate::session::{RECEIVER, Ran, Session, binary, copy_binary, ran};
use crate::unlock_cache::{SECRET, Vault, keyctl, tool, under};

const OTHER: &str = "made-up-canary-of-work";

/// A vault that only a passphrase opens, with two agents and a profile for each.
fn with_two_agents() -> Vault {
    let vault = Vault::new();
    let paste = ["paste-api-key", "--provider", "groq", "--profile-id", "groq:one", "--agent", "work"];
    vault.feed(OTHER, [&paste[..], &["--passphrase-file", "pass"]].concat()).ok();
    vault
}

/// Runs a shell script in a session of its own, with the binary as `$B`.
fn in_session(session: &Session, script: &str) -> Ran {
    let keyctl = tool("keyctl", "keyutils");
    let script = format!("set -e; export B={}; {script}", binary().display());
    let mut command = Command::new(keyctl);
    command.args(["session", "-", "/bin/sh", "-c", &script]);
    command.env_clear().env("HOME", session.temp.path()).env("PATH", "/usr/bin:/bin");
    command.env("XDG_RUNTIME_DIR", session.temp.path());
    command.current_dir(session.temp.path()).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    ran(command, b"")
}

fn names(vault: &Vault) -> Vec<String> {
    kernel_keyring::names(Place::User, &format!("strongroom:{}:", vault.id())).unwrap()
}

#[test]
fn unlocked_for_an_agent_nothing_else_opens() {
    if !keyring::is_there() {
        return;
    }
    let vault = with_two_agents();
    let unlocked = vault.by_passphrase(["unlock", "--agent", "work", "--json"]).ok().json();
    assert_eq!(unlocked["agent"], "work");
    assert_eq!(names(&vault), [vault.name_for("work")]);
    let of_work = |arguments: &[&str]| vault.run([arguments, &["--agent", "work"]].concat());
    assert_eq!(of_work(&["get", "groq:one"]).ok().stdout.trim(), OTHER);
    let answer = vault.resolve_with(&["--agent", "work"], &["work/groq:one"]);
    assert_eq!(answer["values"]["work/groq:one"], OTHER, "{answer}");
    vault.feed("made-up-rotated", ["rotate", "groq:one", "--agent", "work"]).ok();
    let paste = ["paste-api-key", "--provider", "groq", "--profile-id", "groq:two", "--agent", "work"];
    vault.feed("made-up-two", paste).ok();
    of_work(&["list"]).ok();
    let status = of_work(&["status", "--check", "--json"]).ok().json();
    assert_eq!(status["vault"]["profiles"][0]["record"], "verified", "{status}");
    assert!(status["vault"]["unlockedUntil"].is_i64());
    assert!(of_work(&["verify"]).ok().stdout.contains("2 profiles of 1 agent"));
    // Everything else is locked, and says which agent it is unlocked for.
    let only = "the vault is unlocked for agent work only";
    let others: [&[&str]; 5] = [
        &["get", "openrouter:one"],
        &["get", "openrouter:one", "--agent", "main"],
        &["verify"],
        &["rename", "openrouter:one", "openrouter:two"],
        &["rotate", "openrouter:one"],
    ];
    for arguments in others {
        let locked = vault.run(arguments).sane(SECRET).failed("LOCKED", 77);
        assert!(locked.stderr.contains(only), "{}", locked.stderr);
    }
    vault.is_locked();
    let answer = vault.resolve_with(&["--agent", "main"], &["main/openrouter:one"]);
    assert_eq!(answer["errors"]["main/openrouter:one"]["code"], "LOCKED", "{answer}");
    let asking: [&[&str]; 5] = [
        &["export", "--to", RECEIVER, "--out", "taken"],
        &["recovery-key"],
        &["rekey", "--yes"],
        &["unlock-method", "remove", "passphrase", "--yes"],
        &["unlock"],
    ];
    for arguments in asking {
        of_work(arguments).sane(OTHER).failed("LOCKED", 77);
    }
    // What was written belongs to the vault.
    vault.by_passphrase(["verify"]).ok();
    assert_eq!(vault.run(["lock", "--json"]).ok().json()["forgotten"], true);
    of_work(&["get", "groq:one"]).failed("LOCKED", 77);
}

#[test]
fn what_is_kept_for_an_agent_is_no_key_of_the_vault() {
    if !keyring::is_there() {
        return;
    }
    let vault = with_two_agents();
    vault.by_passphrase(["unlock", "--agent", "work"]).ok();
    vault.unlock();
    let read = |name: &str| {
        let bytes = kernel_keyring::read(Place::User, name, 4096).unwrap().unwrap();
        serde_json::from_slice::<serde_json::Value>(&bytes).unwrap()
    };
    let (whole, alone) = (read(&vault.name()), read(&vault.name_for("work")));
    assert_eq!((&whole["agent"], &alone["agent"]), (&serde_json::Value::Null, &"work".into()));
    assert_eq!(whole["keys"][0]["id"], alone["keys"][0]["id"]);
    assert_ne!(whole["keys"][0]["key"], alone["keys"][0]["key"]);
    // Both work side by side; without the cache of the whole vault, the other still works.
    assert_eq!(vault.run(["get", "groq:one", "--agent", "work"]).ok().stdout.trim(), OTHER);
    vault.is_open();
    kernel_keyring::forget(Place::User, &vault.name()).unwrap();
    assert_eq!(vault.run(["get", "groq:one", "--agent", "work"]).ok().stdout.trim(), OTHER);
    vault.is_locked();
    vault.unlock();
    vault.run(["lock"]).ok();
    assert_eq!(names(&vault), Vec::<String>::new());
}

#[test]
fn an_agent_that_does_not_exist_cannot_be_unlocked() {
    if !keyring::is_there() {
        return;
    }
    let vault = Vault::new();
    vault.run(["unlock", "--agent", "absent"]).failed("NOT_FOUND", 66);
    vault.run(["unlock", "--agent", "../main"]).failed("INVALID_AGENT", 64);
}

#[test]
fn unlocked_for_a_session_the_users_other_sessions_cannot_read_it() {
    if !keyring::is_there() {
        return;
    }
    let vault = Vault::new();
    // While it is unlocked there, this process of the same user tries to read it.
    let script = "$B unlock --session --passphrase-file pass >/dev/null; $B get openrouter:one; \
                  keyctl search @s user $NAME; grep $NAME /proc/keys; : >open; read go <go";
    let script = format!("mkfifo go; NAME={}; {script}; $B lock; ! $B get openrouter:one", vault.name());
    let all = std::thread::scope(|scope| {
        let session = scope.spawn(|| in_session(&vault, &script));
        while !vault.path("open").exists() && !session.is_finished() {
            std::thread::yield_now();
        }
        vault.is_locked();
        under(&vault, &["/usr/bin/keyctl", "session", "-"], &["get", "openrouter:one"]).failed("LOCKED", 77);
        assert_eq!(names(&vault), Vec::<String>::new());
        assert_ne!(keyctl(&["search", "@u", "user", &vault.name()]).status, 0);
        // It uses the key's number, which this process must not even see in the list.
        let keys = std::fs::read_to_string("/proc/keys").unwrap();
        assert!(!keys.contains(&vault.name()));
        std::fs::write(vault.path("go"), "go\n").unwrap();
        session.join().unwrap()
    });
    let lines: Vec<&str> = all.stdout.lines().collect();
    assert_eq!(all.status, 0, "{} {}", all.stdout, all.stderr);
    assert!(lines.contains(&SECRET), "{lines:?}");
    let line = lines.iter().find(|line| line.contains(" perm ") || line.contains("15m")).unwrap();
    assert!(line.contains(" 3f000000 "), "others have rights: {line}");
    assert!(all.stdout.contains("Locked the vault.") && all.stderr.contains("[LOCKED]"), "{}", all.stderr);
}

#[test]
fn the_number_of_a_sessions_key_opens_nothing_elsewhere() {
    if !keyring::is_there() {
        return;
    }
    let vault = Vault::new();
    let script = format!(
        "$B unlock --session --passphrase-file pass >/dev/null; key=$(keyctl search @s user {}); \
         for verb in pipe describe invalidate revoke 'link @u'; do set -- $verb; \
         ! keyctl session - keyctl $1 $key ${{2:+\"$2\"}} 2>/dev/null || exit 9; done; \
         $B get openrouter:one",
        vault.name()
    );
    let done = in_session(&vault, &script).ok();
    assert_eq!(done.stdout.lines().last(), Some(SECRET), "{}", done.stdout);
}

#[test]
fn each_unlock_replaces_the_one_before_wherever_that_lies() {
    if !keyring::is_there() {
        return;
    }
    let vault = Vault::new();
    let script = "$B unlock --passphrase-file pass; $B unlock --session --passphrase-file pass; \
                  keyctl link @u @s; $B get openrouter:one";
    in_session(&vault, script).ok();
    vault.is_locked();
    in_session(&vault, "$B unlock --session --passphrase-file pass; $B unlock --passphrase-file pass").ok();
    vault.is_open();
    // Any session can end what all of them see.
    in_session(&vault, "$B lock").ok();
    vault.is_locked();
}

#[test]
fn without_a_session_of_its_own_nothing_is_kept_for_one() {
    if !keyring::is_there() {
        return;
    }
    let vault = Vault::new();
    let user = rustix::process::geteuid().as_raw();
    let default = format!("_uid_ses.{user}");
    let unlock = ["unlock", "--session", "--passphrase-file", "pass"];
    let refused = under(&vault, &["/usr/bin/keyctl", "session", &default], &unlock);
    let refused = refused.failed("KEYRING_UNAVAILABLE", 69);
    assert!(refused.stderr.contains("`keyctl session -`"), "{}", refused.stderr);
    assert_eq!(names(&vault), Vec::<String>::new());
    assert!(!std::fs::read_to_string("/proc/keys").unwrap().contains(&vault.name()));
}

#[test]
fn another_users_session_is_no_place_for_a_key() {
    if !keyring::is_there() {
        return;
    }
    if !rustix::process::geteuid().is_root() {
        println!("only root can be another user");
        return;
    }
    let session = Session::empty();
    copy_binary(&session.path("strongroom"));
    let shell = format!(
        "chown 65534:65534 {0}; chmod 755 {0}/strongroom; exec {1} --reuid=65534 --regid=65534 \
         --clear-groups --inh-caps=-all /bin/sh -c \
         './strongroom init; ./strongroom unlock --session'",
        session.temp.path().display(),
        tool("setpriv", "util-linux")
    );
    let refused = in_session(&session, &shell).failed("KEYRING_UNAVAILABLE", 69);
    assert!(refused.stderr.contains("belongs to another user"), "{}", refused.stderr);
}

#[test]
fn lock_ends_what_was_unlocked_before_the_home_was_moved() {
    if !keyring::is_there() {
        return;
    }
    let vault = with_two_agents();
    vault.unlock();
    vault.by_passphrase(["unlock", "--agent", "work"]).ok();
    let key = keyctl(&["search", "@u", "user", &vault.name()]).ok().stdout.trim().to_owned();
    std::fs::rename(vault.home(), vault.path("moved")).unwrap();
    vault.run(["--home", "moved", "get", "openrouter:one"]).failed("LOCKED", 77);
    assert_eq!(vault.run(["--home", "moved", "lock", "--json"]).ok().json()["forgotten"], true);
    assert!(keyctl(&["pipe", &key]).stdout.is_empty(), "anyone who knows its number still reads it");
    std::fs::rename(vault.path("moved"), vault.home()).unwrap();
    vault.is_locked();
    assert_eq!(names(&vault), Vec::<String>::new());
}

#[test]
fn lock_works_whatever_state_the_home_is_in() {
    if !keyring::is_there() {
        return;
    }
    let vault = Vault::new();
    let (name, home) = (vault.name(), vault.home());
    let is_there = || kernel_keyring::read(Place::User, &name, 4096).unwrap().is_some();
    let breaks: [(&str, &dyn Fn()); 5] = [
        ("no vault.json", &|| std::fs::remove_file(home.join("vault.json")).unwrap()),
        ("another vault's id", &|| {
            let file = format!("{{\"format\":1,\"vaultId\":\"{}\"}}", "1".repeat(32));
            std::fs::write(home.join("vault.json"), file).unwrap();
        }),
        ("neither vault.json nor a ledger", &|| {
            std::fs::write(home.join("vault.json"), "{").unwrap();
            std::fs::write(home.join("ledger"), "").unwrap();
        }),
        ("writable by others", &|| chmod(&home, 0o777)),
        ("no home", &|| std::fs::remove_dir_all(&home).unwrap()),
    ];
    for (what, break_it) in breaks {
        let copied = Command::new("/bin/cp").arg("-a").arg(&home).arg(vault.path("kept")).status().unwrap();
        assert!(copied.success());
        vault.unlock();
        assert!(is_there());
        break_it();
        let locked = vault.run(["lock", "--json"]).ok();
        assert_eq!(locked.json()["forgotten"], true, "{what}");
        assert!(!is_there(), "{what}");
        let unknown = ["neither vault.json nor a ledger", "writable by others", "no home"].contains(&what);
        assert_eq!(locked.stderr.contains("names the vault's id"), unknown, "{what}: {}", locked.stderr);
        let _ = std::fs::remove_dir_all(&home);
        std::fs::rename(vault.path("kept"), &home).unwrap();
    }
    // A mistyped path is reported.
    vault.run(["--home", "nowhere", "lock"]).failed("NO_VAULT", 66);
}

fn chmod(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn lock_all_ends_what_was_unlocked_of_every_vault() {
    if !keyring::is_there() {
        return;
    }
    // In a user namespace of its own, because it would end what the other tests unlock.
    let unshare = tool("unshare", "util-linux");
    if !Command::new(&unshare).args(["-r", "/bin/true"]).status().unwrap().success() {
        println!("this system forbids user namespaces");
        return;
    }
    let vault = Vault::new();
    let script = "exec /usr/bin/unshare -r /usr/bin/keyctl session - /bin/sh -ec '\
        $B init --home two --unlock passphrase --passphrase-file pass >/dev/null 2>&1; \
        $B unlock --passphrase-file pass; $B unlock --session --home two --passphrase-file pass; \
        $B get openrouter:one; rm -r two; $B lock --all; $B lock --all --json; \
        ! $B get openrouter:one; ! keyctl show @u | grep strongroom:; ! keyctl show @s | grep strongroom:'";
    let done = in_session(&vault, script).ok();
    assert!(done.stdout.contains(SECRET), "{}", done.stdout);
    assert!(done.stdout.contains("Locked all vaults."), "{}", done.stdout);
    assert!(done.stdout.contains("\"forgotten\": false"), "{}", done.stdout);
}

#[test]
fn a_change_of_keys_ends_what_was_unlocked_of_every_copy() {
    if !keyring::is_there() {
        return;
    }
    let vault = with_two_agents();
    let copied =
        Command::new("/bin/cp").arg("-a").arg(vault.home()).arg(vault.path("copy")).status().unwrap();
    assert!(copied.success());
    vault.write("new", "another made-up passphrase\n");
    let replace = ["unlock-method", "add", "passphrase", "--replace", "--new-passphrase-file", "new"];
    let add = ["unlock-method", "add", "key-file", "--new-key-file", "key"];
    let remove = ["unlock-method", "remove", "key-file", "--yes"];
    let unlock = || {
        vault.unlock();
        vault.by_passphrase(["unlock", "--agent", "work"]).ok();
        vault.by_passphrase(["unlock", "--home", "copy"]).ok();
        assert_eq!(names(&vault).len(), 3);
    };
    unlock();
    vault.by_passphrase(["rekey", "--yes"]).ok();
    assert_eq!(names(&vault), Vec::<String>::new());
    unlock();
    // Another unlock method is no reason to lock the vault.
    vault.by_passphrase(add).ok();
    assert_eq!(names(&vault).len(), 3);
    vault.by_passphrase(remove).ok();
    assert_eq!(names(&vault), Vec::<String>::new());
    unlock();
    vault.by_passphrase(replace).ok();
    assert_eq!(names(&vault), Vec::<String>::new());
    assert_eq!(cache::forget_vault(&vault.id()).unwrap(), 0);
}

#[test]
fn what_opened_the_vault_in_place_of_the_passphrase_is_said_before_a_secret_is_typed() {
    if !keyring::is_there() {
        return;
    }
    let vault = Vault::new();
    let typed = |what: &str| vec![format!("{what} => made-up-typed-at-a-prompt\\r")];
    let run = |arguments: &str| {
        let command = format!("{} {arguments}", binary().display());
        at_terminal(&vault, &command, &typed("then Enter:")).ok().stdout
    };
    let paste = "paste-api-key --provider openrouter --profile-id openrouter:one";
    let by_passphrase = run(&format!("{paste} --passphrase-file pass"));
    assert!(!by_passphrase.contains("not with the passphrase"), "{by_passphrase}");
    let is_said = |screen: &str, what: &str| {
        let said = screen.find(what).unwrap_or_else(|| panic!("{what}: {screen}"));
        assert!(said < screen.find("then Enter:").unwrap(), "{screen}");
    };
    vault.unlock();
    is_said(&run(paste), "Unlocked with the keys kept by `strongroom unlock`, not with the passphrase.");
    is_said(
        &run("rotate openrouter:one"),
        "Unlocked with the keys kept by `strongroom unlock`, not with the passphrase.",
    );
    vault.run(["lock"]).ok();
    vault.by_passphrase(["unlock-method", "add", "key-file"]).ok();
    is_said(&run(paste), "Unlocked with the key file ");
    // There is no prompt if it comes on standard input.
    let piped = vault.feed("made-up-piped-secret", paste.split(' ')).ok();
    assert!(!piped.stderr.contains("not with the passphrase"), "{}", piped.stderr);
    // A vault without a passphrase cannot lack one.
    vault.run(["unlock-method", "remove", "passphrase", "--yes"]).ok();
    assert!(!run(paste).contains("not with the passphrase"));
}
