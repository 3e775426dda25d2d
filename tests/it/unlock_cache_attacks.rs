//! The unlock cache under concurrent changes of keys, copies of the home, planted keys, kills and
//! a race with `lock`.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use strongroom::env::Env;
use strongroom::error::Code;
use strongroom::ops::open::reading;
use strongroom::secret::ExposeSecret;
use strongroom::unlock::Opened;
use strongroom::unlock::key_sources::Named;
use strongroom::vault::home::Session;
use strongroom::vault::id::AgentName;
use strongroom_backends::kernel_keyring::{self, Place};

use crate::keyring;
use crate::session::{self, HANGS, Ran, kept, ran, strace};
use crate::unlock_cache::{SECRET, Vault, keyctl};

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn a_change_of_keys_makes_it_void() {
    if !keyring::is_there() {
        return;
    }
    let vault = Vault::unlocked();
    vault.by_passphrase(["rekey", "--yes"]).ok();
    let before = kept(&vault.home());
    vault.is_locked();
    let paste = ["paste-api-key", "--provider", "groq"];
    vault.feed("made-up-groq", paste).failed("LOCKED", 77);
    assert!(kept(&vault.home()) == before, "a paste under the old key left something");
    vault.unlock();
    vault.is_open();
    // A new passphrase for the method has the same effect.
    vault.write("new", "another made-up passphrase\n");
    let replace = ["unlock-method", "add", "passphrase", "--replace", "--new-passphrase-file", "new"];
    vault.by_passphrase(replace).ok();
    vault.is_locked();
}

#[test]
fn a_reading_that_began_under_the_old_keys_is_locked() {
    if !keyring::is_there() {
        return;
    }
    let vault = Vault::unlocked();
    let opened = strongroom::vault::home::Vault::open(
        &vault.home(),
        &strongroom::vault::home::Setup::default(),
        Duration::ZERO,
    )
    .unwrap();
    let mut session = opened.unlock(&Named::default(), &Env::default(), None).unwrap();
    assert!(matches!(session.opened(), Opened::Cached(_)));
    assert_eq!(session.unlocked().unwrap_err().code(), Code::Locked);
    let read = |session: &Session| {
        let agent = opened.agent(&AgentName::default())?.unwrap();
        let record = agent
            .reader(session.keys().agent("main")?, opened.keychain())?
            .record(&"openrouter:one".parse()?)?;
        Ok(record.unwrap().credential.secret.expose_secret().to_owned())
    };
    assert_eq!(reading(&opened, &mut session, read).unwrap(), SECRET);
    vault.by_passphrase(["rekey", "--yes"]).ok();
    assert!(!session.is_current(opened.home()).unwrap());
    let error = reading(&opened, &mut session, read).unwrap_err();
    assert_eq!((error.code(), error.remedy()), (Code::Locked, "run `strongroom unlock` again"));
    // If the vault is unlocked again meanwhile, reading continues.
    vault.unlock();
    let mut session = opened.unlock(&Named::default(), &Env::default(), None).unwrap();
    vault.by_passphrase(["rekey", "--yes"]).ok();
    vault.unlock();
    assert_eq!(reading(&opened, &mut session, read).unwrap(), SECRET);
}

/// Begins a paste, waits until it has opened the vault and reads its input, does something else, and
/// lets it continue.
fn paste_around(session: &session::Session, id: &str, meanwhile: impl FnOnce()) -> Ran {
    let mut command = session.command(["paste-api-key", "--provider", "groq", "--profile-id", id]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"made-up-").unwrap();
    let begun = Instant::now();
    while rustix::io::ioctl_fionread(&input).unwrap() > 0 {
        assert!(begun.elapsed() < HANGS, "it does not read its input");
        std::thread::yield_now();
    }
    meanwhile();
    input.write_all(b"groq-key").unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    Ran {
        status: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn a_paste_that_began_under_the_old_keys_is_refused() {
    if !keyring::is_there() {
        return;
    }
    let vault = Vault::unlocked();
    let mut before = Vec::new();
    let paste = paste_around(&vault, "groq:one", || {
        vault.by_passphrase(["rekey", "--yes"]).ok();
        before = kept(&vault.home());
    });
    assert!(paste.stderr.contains("run `strongroom unlock` again"), "{}", paste.stderr);
    paste.failed("LOCKED", 77);
    assert!(kept(&vault.home()) == before, "it left something");
    vault.by_passphrase(["verify"]).ok();
    // If the vault is unlocked again meanwhile, the paste continues with the new keys.
    vault.unlock();
    paste_around(&vault, "groq:one", || {
        vault.by_passphrase(["rekey", "--yes"]).ok();
        vault.unlock();
    })
    .ok();
    assert_eq!(vault.get("groq:one"), "made-up-groq-key");
    vault.by_passphrase(["verify"]).ok();
}

#[test]
fn a_paste_that_began_under_the_old_keys_goes_on_by_the_key_file() {
    if !keyring::is_there() {
        return;
    }
    let vault = Vault(session::Session::new());
    vault.run(["unlock"]).ok();
    paste_around(&vault, "groq:one", || {
        vault.run(["rekey", "--yes"]).ok();
    })
    .ok();
    assert_eq!(vault.get("groq:one"), "made-up-groq-key");
    vault.run(["verify"]).ok();
}

#[test]
fn an_old_unlock_file_put_back_makes_the_old_cache_no_good_to_write() {
    if !keyring::is_there() {
        return;
    }
    let vault = Vault::unlocked();
    let file = vault.home().join("unlock/passphrase.age");
    let old = std::fs::read(&file).unwrap();
    let cached = kernel_keyring::read(Place::User, &vault.name(), 4096).unwrap().unwrap();
    vault.by_passphrase(["rekey", "--yes"]).ok();
    std::fs::write(&file, old).unwrap();
    // Anyone who has read the old entry can store it again.
    kernel_keyring::store(Place::User, &vault.name(), &cached, HOUR).unwrap();
    vault.run(["get", "openrouter:one"]).sane(SECRET).failed("TAMPERED", 65);
    vault.feed("made-up", ["paste-api-key", "--provider", "groq"]).failed("TAMPERED", 65);
}

#[test]
fn a_copy_of_the_home_elsewhere_is_another_home() {
    if !keyring::is_there() {
        return;
    }
    let vault = Vault::unlocked();
    let copied =
        Command::new("/bin/cp").arg("-a").arg(vault.home()).arg(vault.path("copy")).status().unwrap();
    assert!(copied.success());
    vault.run(["--home", "copy", "get", "openrouter:one"]).failed("LOCKED", 77);
    vault.is_open();
    // The home is the same under any name.
    std::os::unix::fs::symlink(vault.path(".local"), vault.path("link")).unwrap();
    vault.run(["--home", "link/share/strongroom", "get", "openrouter:one"]).ok();
    // The copy is enough to lock the vault: it may be all that is left.
    assert_eq!(vault.run(["--home", "copy", "lock", "--json"]).ok().json()["forgotten"], true);
    vault.is_locked();
}

#[test]
fn what_was_planted_is_ignored() {
    if !keyring::is_there() {
        return;
    }
    let vault = Vault::unlocked();
    let other = Vault::unlocked();
    let name = vault.name();
    let good = kernel_keyring::read(Place::User, &name, 4096).unwrap().unwrap();
    let text = String::from_utf8(good.to_vec()).unwrap();
    let others = kernel_keyring::read(Place::User, &other.name(), 4096).unwrap().unwrap();
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let edited = |member: &str, value: serde_json::Value| {
        let was = format!("\"{member}\":{}", document[member]);
        let edited = text.replacen(&was, &format!("\"{member}\":{value}"), 1);
        assert_ne!(edited, text, "{member}");
        edited.into_bytes()
    };
    let digest = serde_json::Value::from("0".repeat(64));
    let past = serde_json::Value::from(1_000_000_000_000_i64);
    let never = serde_json::Value::from(i64::MAX);
    let long = [text.as_bytes(), &vec![b' '; 4097 - text.len()]].concat();
    for planted in [
        &b"garbage"[..],
        b"\0",
        &[0xff; 700],
        &long,
        &others,
        &text.as_bytes()[1..],
        &edited("format", 2.into()),
        &edited("unlockFile", digest),
        &edited("until", past),
        &edited("until", never),
        &edited("method", "key-file".into()),
        &edited("keys", serde_json::json!([])),
    ] {
        kernel_keyring::store(Place::User, &name, planted, HOUR).unwrap();
        vault.is_locked();
        vault.feed("made-up", ["paste-api-key", "--provider", "groq"]).failed("LOCKED", 77);
    }
    // With this vault's id and unlock file, but with other keys: existing records do not open, and nothing
    // is written that its owner could not read.
    let foreign: serde_json::Value = serde_json::from_slice(&others).unwrap();
    let mixed = ["keys", "current", "recoveryRecipient"].iter().fold(text.clone(), |text, member| {
        text.replacen(&document[*member].to_string(), &foreign[*member].to_string(), 1)
    });
    kernel_keyring::store(Place::User, &name, mixed.as_bytes(), HOUR).unwrap();
    let before = kept(&vault.home());
    vault.run(["get", "openrouter:one"]).sane(SECRET).failed("TAMPERED", 65);
    vault.feed("made-up", ["paste-api-key", "--provider", "groq"]).failed("TAMPERED", 65);
    assert!(kept(&vault.home()) == before);
    // Only the contents were wrong.
    kernel_keyring::store(Place::User, &name, &good, HOUR).unwrap();
    vault.is_open();
}

#[test]
fn a_kill_at_any_call_leaves_no_key_without_an_end() {
    if !keyring::is_there() {
        return;
    }
    let vault = Vault(session::Session::new());
    let name = vault.name();
    let (mut kills, mut kept) = (0, 0);
    for call in ["add_key", "keyctl"] {
        for n in 1.. {
            assert!(n < 100);
            vault.run(["lock"]).ok();
            let mut unlock = strace(&vault, call, &["-e", &format!("inject={call}:signal=KILL:when={n}")]);
            unlock.arg("unlock");
            if ran(unlock, b"").status == 0 {
                break;
            }
            kills += 1;
            // A key that died with the process keyring stays listed until it is collected; no one can find it.
            let found = keyctl(&["search", "@u", "user", &name]);
            if let Ok(number) = found.stdout.trim().parse::<u32>() {
                let keys = std::fs::read_to_string("/proc/keys").unwrap();
                let line = keys.lines().find(|line| line.starts_with(&format!("{number:08x} "))).unwrap();
                assert!(!line.contains(" perm ") && line.contains("3f2f0000"), "{call} {n}: {line}");
                kept += 1;
            }
        }
    }
    println!("{kills} kills, {kept} keys kept");
    assert!(kills >= 8, "{kills} kills");
    assert_eq!(vault.run(["unlock", "--json"]).ok().json()["method"], "key-file");
}

#[test]
fn while_one_locks_each_answer_is_the_secret_or_locked() {
    const PROCESSES: usize = 32;
    if !keyring::is_there() {
        return;
    }
    let vault = Vault::unlocked();
    let (open, locked) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..PROCESSES {
            scope.spawn(|| {
                let begun = Instant::now();
                loop {
                    let answer = vault.resolve(&["main/openrouter:one"]);
                    if answer["values"]["main/openrouter:one"] == SECRET {
                        open.fetch_add(1, Ordering::SeqCst);
                    } else {
                        assert_eq!(answer["errors"]["main/openrouter:one"]["code"], "LOCKED", "{answer}");
                        locked.fetch_add(1, Ordering::SeqCst);
                        break;
                    }
                    assert!(begun.elapsed() < HANGS * 2, "it is never locked");
                }
            });
        }
        let begun = Instant::now();
        while open.load(Ordering::SeqCst) < PROCESSES && begun.elapsed() < HANGS {
            std::thread::yield_now();
        }
        assert_eq!(vault.run(["lock", "--json"]).ok().json()["forgotten"], true);
    });
    let (open, locked) = (open.into_inner(), locked.into_inner());
    println!("{open} answers with the secret, {locked} locked");
    assert!(open >= PROCESSES && locked == PROCESSES, "{open} {locked}");
    vault.is_locked();
}
