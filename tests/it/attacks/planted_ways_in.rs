//! U runs as the same user, and the passphrase vault is locked. U adds another unlock method, which leads to U's own
//! keys, and waits for the next paste.

use serde_json::Value;
use sha2::{Digest, Sha256};
use strongroom_backends::kernel_keyring::{self, Place};

use super::backup::{Backup, write};
use super::given_up_keys::Part;
use super::{ANCHOR, NEXT, code, is_tampered, readable_by};
use crate::goldens::at_terminal;
use crate::keyring;
use crate::session::{Ran, Session, binary};
use crate::unlock_cache::{SECRET, Vault};

const PASTE: [&str; 3] = ["paste-api-key", "--provider", "groq"];

/// What U copies over the victim's home, in addition to the unlock file and `vault.json`, from one part to everything.
const PARTS: [Part; 4] = [
    ("no more", |_| false),
    ("both logs", |name| name.ends_with("log.jsonl")),
    ("logs and ledgers", |name| name.ends_with("log.jsonl") || name.contains("ledger")),
    ("all but the victim's unlock file", |name| !name.starts_with("unlock/")),
];

/// U's own vault, in the form that the victim's vault should take.
struct Intruder {
    session: Session,
    recovery: String,
}

impl Intruder {
    fn new() -> Self {
        let session = crate::faults::vault();
        session.paste("openrouter:one", "made-up-of-the-intruder");
        let recovery = session.run(["recovery-key"]).ok().stdout;
        Self { session, recovery }
    }

    /// Checks that U can read nothing in the victim's home, and that the write was refused.
    #[track_caller]
    fn gets_nothing(&self, victim: &Vault, ran: &Ran, what: &str) {
        let leaked = readable_by(&self.recovery, &victim.home(), NEXT);
        assert!(leaked.is_empty(), "{what}: the intruder reads {leaked:?}");
        let due =
            is_tampered(ran) || (ran.status == 77 && ["LOCKED", "WRONG_KEY"].contains(&code(ran).as_str()));
        assert!(due, "{what}: exit {} {}", ran.status, ran.stderr);
    }
}

#[track_caller]
fn is_whole_again(victim: &Vault, before: &Backup) {
    before.restore();
    let _ = std::fs::remove_file(victim.key_file());
    assert_eq!(victim.by_passphrase(["get", "openrouter:one"]).ok().stdout.trim_end(), SECRET);
    victim.by_passphrase(["verify"]).ok();
}

/// A key file in the default place is used before anyone is asked.
#[test]
fn a_key_file_that_was_planted_seals_no_secret() {
    let intruder = Intruder::new();
    let theirs = Backup::of(&intruder.session.home());
    for (what, belongs) in PARTS {
        // If U's ledgers replace the victim's, the anchor is still there.
        let anchors: &[bool] =
            if what.contains("ledgers") || what.contains("all") { &[true] } else { &[true, false] };
        for anchor in anchors {
            let victim = Vault::new();
            let before = Backup::of(&victim.home());
            theirs.lay_over(&victim.home(), |name| {
                ["vault.json", "settings.json", "unlock/key-file.age"].contains(&name) || belongs(name)
            });
            write(&victim.key_file(), &std::fs::read(intruder.session.key_file()).unwrap());
            if !anchor {
                let _ = std::fs::remove_dir_all(victim.path(ANCHOR));
            }
            let ran = victim.feed(NEXT, PASTE);
            intruder.gets_nothing(&victim, &ran, &format!("{what}, anchor {anchor}"));
            is_whole_again(&victim, &before);
        }
    }
}

/// Without `vault.json` a vault looks half made, and is finished before anything else; but not if it is another vault.
#[test]
fn a_planted_vault_without_vault_json_is_not_taken_for_a_half_made_one() {
    let intruder = Intruder::new();
    let theirs = Backup::of(&intruder.session.home());
    for whole in [true, false] {
        for agent in ["main", "fresh"] {
            let victim = Vault::new();
            let before = Backup::of(&victim.home());
            theirs.lay_over(&victim.home(), |name| {
                name != "vault.json" && (whole || name == "ledger" || name == "unlock/key-file.age")
            });
            std::fs::remove_file(victim.home().join("vault.json")).unwrap();
            write(&victim.key_file(), &std::fs::read(intruder.session.key_file()).unwrap());
            let ran = victim.feed(NEXT, ["--agent", agent].iter().chain(&PASTE));
            intruder.gets_nothing(&victim, &ran, &format!("whole {whole}, agent {agent}"));
            // A repair does not adopt it as the vault of this place either.
            victim.run(["doctor", "--repair"]);
            let ran = victim.feed(NEXT, ["--agent", agent].iter().chain(&PASTE));
            intruder.gets_nothing(&victim, &ran, &format!("repaired, whole {whole}, agent {agent}"));
            is_whole_again(&victim, &before);
        }
    }
}

/// An unlock file that is in no ledger opens nothing, even if its key is named explicitly.
#[test]
fn an_unlock_file_of_a_copy_of_the_vault_opens_nothing() {
    let victim = Vault::new();
    let before = Backup::of(&victim.home());
    let copy = crate::faults::copy(&victim);
    let add = ["unlock-method", "add", "key-file", "--name", "planted", "--new-key-file", "planted"];
    copy.run([&["--passphrase-file", "pass"], &add[..]].concat()).ok();
    let planted = std::fs::read(copy.home().join("unlock/planted.age")).unwrap();
    write(&victim.home().join("unlock/planted.age"), &planted);
    write(&victim.path("planted"), &std::fs::read(copy.path("planted")).unwrap());
    let got = victim.run(["--key-file", "planted", "get", "openrouter:one"]).sane(SECRET);
    assert!([65, 77].contains(&got.status), "it opens the vault: {} {}", got.status, got.stderr);
    let pasted = victim.feed(NEXT, ["--key-file", "planted"].iter().chain(&PASTE));
    assert!([65, 77].contains(&pasted.status), "{}", pasted.stderr);
    // It is reported, and does not affect the real one.
    assert_eq!(victim.by_passphrase(["get", "openrouter:one"]).ok().stdout.trim_end(), SECRET);
    let verified = victim.by_passphrase(["verify"]);
    assert!(verified.status == 65 && verified.stdout.contains("planted"), "{}", verified.stdout);
    is_whole_again(&victim, &before);
}

/// Returns the text of a cache with other members.
fn edited(cache: &str, members: &[(&str, Value)]) -> String {
    let document: Value = serde_json::from_str(cache).unwrap();
    members.iter().fold(cache.to_owned(), |text, (member, value)| {
        if document[*member].is_null() {
            return text;
        }
        text.replacen(&format!("\"{member}\":{}", document[*member]), &format!("\"{member}\":{value}"), 1)
    })
}

fn cached(vault: &Vault) -> String {
    let cache = kernel_keyring::read(Place::User, &vault.name(), 4096).unwrap().expect("it was unlocked");
    String::from_utf8(cache.to_vec()).unwrap()
}

fn plant(vault: &Vault, cache: &str) {
    kernel_keyring::store(Place::User, &vault.name(), cache.as_bytes(), std::time::Duration::from_secs(600))
        .unwrap();
}

fn first_line(path: &std::path::Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().next().and_then(|line| serde_json::from_str(line).ok()).unwrap_or(Value::Null)
}

/// A cache has keys, and needs no secret of a method: U makes one with other keys for the existing unlock file.
#[test]
fn a_cache_that_was_planted_seals_no_secret() {
    if !keyring::is_there() {
        return;
    }
    let theirs = Vault::unlocked();
    let recovery = theirs.by_passphrase(["recovery-key"]).ok().stdout;
    let intruder = Intruder { session: Session::empty(), recovery };
    let laid = Backup::of(&theirs.home());
    for (what, belongs) in &PARTS {
        let victim = Vault::new();
        let before = Backup::of(&victim.home());
        // U can read all of this without a key.
        let vault_id = first_line(&victim.home().join("ledger"))["vault"].clone();
        let json: Value =
            serde_json::from_slice(&std::fs::read(victim.home().join("vault.json")).unwrap()).unwrap();
        let vault_id = if vault_id.is_null() { json["vaultId"].clone() } else { vault_id };
        let machine = first_line(&victim.home().join("ledger"))["machine"].clone();
        let unlock_file = std::fs::read(victim.home().join("unlock/passphrase.age")).unwrap();
        let digest = strongroom::hex::hex(&Sha256::digest(&unlock_file));
        let cache = edited(
            &cached(&theirs),
            &[("vault", vault_id), ("machine", machine), ("unlockFile", digest.into())],
        );
        laid.lay_over(&victim.home(), |name| name != "vault.json" && belongs(name));
        plant(&victim, &cache);
        let ran = victim.feed(NEXT, PASTE);
        intruder.gets_nothing(&victim, &ran, what);
        kernel_keyring::forget(Place::User, &victim.name()).unwrap();
        is_whole_again(&victim, &before);
    }
}

/// U read the cache once, and plants it again with U's own recovery recipient, which would open what is pasted next,
/// while the owner's recovery key would not.
#[test]
fn a_cache_with_another_recovery_recipient_seals_no_secret() {
    if !keyring::is_there() {
        return;
    }
    let theirs = Vault::unlocked();
    let recovery = theirs.by_passphrase(["recovery-key"]).ok().stdout;
    let intruder = Intruder { session: Session::empty(), recovery };
    let victim = Vault::unlocked();
    let own: Value = serde_json::from_str(&cached(&theirs)).unwrap();
    let cache = edited(&cached(&victim), &[("recoveryRecipient", own["recoveryRecipient"].clone())]);
    assert_ne!(cache, cached(&victim));
    plant(&victim, &cache);
    let ran = victim.feed(NEXT, PASTE);
    intruder.gets_nothing(&victim, &ran, "another recovery recipient");
    victim.run(["lock"]).ok();
    victim.by_passphrase(["verify"]).ok();
}

/// If something other than the passphrase opened the vault, a person is told so before giving the secret.
#[test]
fn what_opened_a_passphrase_vault_is_said_before_a_secret_is_typed() {
    if !keyring::is_there() {
        return;
    }
    let vault = Vault::new();
    std::fs::create_dir(vault.path("bin")).unwrap();
    std::os::unix::fs::symlink(binary(), vault.path("bin/strongroom")).unwrap();
    let paste = |vault: &Vault| {
        let typed = ["Enter: => made-up-typed-secret\\r".to_owned()];
        at_terminal(vault, "strongroom paste-api-key --provider openrouter", &typed).ok().stdout
    };
    let before_the_prompt = |screen: &str| screen.split_once("Enter:").expect("it asks").0.to_lowercase();
    vault.unlock();
    let screen = paste(&vault);
    assert!(before_the_prompt(&screen).contains("`strongroom unlock`"), "the cache opened it: {screen}");
    vault.run(["lock"]).ok();
    let key_file = vault.key_file();
    std::fs::create_dir_all(key_file.parent().unwrap()).unwrap();
    let add = ["unlock-method", "add", "key-file", "--new-key-file", key_file.to_str().unwrap()];
    vault.by_passphrase(add).ok();
    let screen = paste(&vault);
    assert!(before_the_prompt(&screen).contains("key file"), "a key file opened it: {screen}");
}
