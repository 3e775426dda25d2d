//! Keys that another process of the same user plants in the keyring to read the next secret that is pasted.

use std::time::Duration;

use age::x25519::Identity;
use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use strongroom::seal::keys::{MachineId, RingKey, VaultKey, hex, label};
use strongroom::seal::signed::{self, Use};
use strongroom_backends::kernel_keyring::{self, Place};

use crate::keyring;
use crate::session::kept;
use crate::unlock_cache::{SECRET, Vault};

const HOUR: Duration = Duration::from_secs(3600);

/// A vault with its caches as text: for the whole vault, and for agent `main`.
struct Unlocked {
    vault: Vault,
    whole: String,
    alone: String,
}

impl Unlocked {
    fn new() -> Self {
        let vault = Vault::unlocked();
        vault.by_passphrase(["unlock", "--agent", "main"]).ok();
        let read = |name: &str| {
            let bytes = kernel_keyring::read(Place::User, name, 4096).unwrap().unwrap();
            String::from_utf8(bytes.to_vec()).unwrap()
        };
        let (whole, alone) = (read(&vault.name()), read(&vault.name_for("main")));
        vault.run(["lock"]).ok();
        Self { vault, whole, alone }
    }

    /// Plants a cache, pastes, and checks that the paste is refused before anything is written.
    #[track_caller]
    fn is_refused(&self, name: &str, planted: &str, code: &str, status: i32) {
        let vault = &self.vault;
        for place in ["openrouter:one", "openrouter:new"] {
            kernel_keyring::store(Place::User, name, planted.as_bytes(), HOUR).unwrap();
            let before = kept(&vault.home());
            let paste =
                ["paste-api-key", "--provider", "openrouter", "--profile-id", place, "--agent", "main"];
            vault.feed("made-up-next-paste", paste).sane(SECRET).failed(code, status);
            assert!(kept(&vault.home()) == before, "something was written");
        }
        vault.run(["lock"]).ok();
        vault.by_passphrase(["verify"]).ok();
    }
}

fn edited(text: &str, edits: &[(&str, serde_json::Value)]) -> String {
    let document: serde_json::Value = serde_json::from_str(text).unwrap();
    edits.iter().fold(text.to_owned(), |text, (member, value)| {
        let was = format!("\"{member}\":{}", document[member]);
        assert!(text.contains(&was), "{member}");
        text.replacen(&was, &format!("\"{member}\":{value}"), 1)
    })
}

/// Keys of the attacker, under their own ids or those of the vault.
fn own_keys(id: Option<&serde_json::Value>) -> (serde_json::Value, serde_json::Value) {
    let key = VaultKey::from_bytes(&[7; 32]);
    let id = id.cloned().unwrap_or_else(|| key.id().to_string().into());
    let encoded = BASE64_STANDARD_NO_PAD.encode(key.expose());
    (id.clone(), serde_json::json!([{ "id": id, "key": encoded }]))
}

#[test]
fn a_planted_cache_with_keys_of_its_own_is_refused() {
    if !keyring::is_there() {
        return;
    }
    let unlocked = Unlocked::new();
    let (current, keys) = own_keys(None);
    let edits = [("current", current), ("keys", keys)];
    unlocked.is_refused(&unlocked.vault.name(), &edited(&unlocked.whole, &edits), "TAMPERED", 65);
    let for_main = unlocked.vault.name_for("main");
    unlocked.is_refused(&for_main, &edited(&unlocked.alone, &edits), "TAMPERED", 65);
    // Under the id of the vault's own key, which no agent key proves.
    let document: serde_json::Value = serde_json::from_str(&unlocked.alone).unwrap();
    let (current, keys) = own_keys(Some(&document["current"]));
    let edits = [("current", current), ("keys", keys)];
    unlocked.is_refused(&for_main, &edited(&unlocked.alone, &edits), "TAMPERED", 65);
    unlocked.vault.run(["lock"]).ok();
    kernel_keyring::store(Place::User, &for_main, edited(&unlocked.alone, &edits).as_bytes(), HOUR).unwrap();
    let get = unlocked.vault.run(["get", "openrouter:one", "--agent", "main"]);
    get.sane(SECRET).failed("TAMPERED", 65);
}

#[test]
fn a_planted_cache_with_the_true_keys_and_another_recovery_recipient_is_refused() {
    if !keyring::is_there() {
        return;
    }
    let unlocked = Unlocked::new();
    let recipient = Identity::generate().to_public().to_string();
    let planted = edited(&unlocked.whole, &[("recoveryRecipient", recipient.into())]);
    unlocked.is_refused(&unlocked.vault.name(), &planted, "TAMPERED", 65);
}

#[test]
fn what_nothing_vouches_for_may_not_write() {
    if !keyring::is_there() {
        return;
    }
    let unlocked = Unlocked::new();
    let vault = &unlocked.vault;
    // A new agent has no ledger yet, so any keys would do.
    let (current, keys) = own_keys(None);
    let planted = edited(&unlocked.alone, &[("current", current), ("keys", keys), ("agent", "new".into())]);
    kernel_keyring::store(Place::User, &vault.name_for("new"), planted.as_bytes(), HOUR).unwrap();
    let paste = ["paste-api-key", "--provider", "groq", "--agent", "new"];
    vault.feed("made-up-next-paste", paste).failed("LOCKED", 77);
    // Nor does a ledger signed with them, because an anchor remembers the agent with other keys.
    let document: serde_json::Value = serde_json::from_str(&unlocked.alone).unwrap();
    let id = &document["current"];
    let (_, keys) = own_keys(Some(id));
    let planted = edited(&unlocked.alone, &[("keys", keys)]);
    let ledger = vault.agent_file("ledger");
    let bytes = std::fs::read(&ledger).unwrap();
    let key = RingKey::from_bytes(id.as_str().unwrap().parse().unwrap(), &[7; 32]);
    let salt = format!("machine:{}", document["machine"].as_str().unwrap());
    let purpose = Use { salt: &salt, label: label::LEDGER };
    let (forged, _) = signed::sign(&key, purpose, signed::split(&bytes).unwrap().json).unwrap();
    std::fs::write(&ledger, forged).unwrap();
    kernel_keyring::store(Place::User, &vault.name_for("main"), planted.as_bytes(), HOUR).unwrap();
    let paste = ["paste-api-key", "--provider", "groq", "--agent", "main"];
    let refused = vault.feed("made-up-next-paste", paste).failed("LOCKED", 77);
    assert!(refused.stderr.contains("nothing vouches"), "{}", refused.stderr);
    std::fs::write(&ledger, bytes).unwrap();
    vault.by_passphrase(["verify"]).ok();
}

#[test]
fn a_cache_of_another_machine_or_agent_or_place_is_refused() {
    if !keyring::is_there() {
        return;
    }
    let unlocked = Unlocked::new();
    let vault = &unlocked.vault;
    let machine = MachineId::generate().unwrap().to_string();
    for (name, text) in [(vault.name(), &unlocked.whole), (vault.name_for("main"), &unlocked.alone)] {
        let planted = edited(text, &[("machine", machine.clone().into())]);
        unlocked.is_refused(&name, &planted, "TAMPERED", 65);
    }
    // Neither counts under the name of the other.
    unlocked.is_refused(&vault.name(), &unlocked.alone, "LOCKED", 77);
    unlocked.is_refused(&vault.name_for("main"), &unlocked.whole, "LOCKED", 77);
}

#[test]
fn a_planted_cache_that_says_the_true_key_was_given_up_is_refused() {
    if !keyring::is_there() {
        return;
    }
    let unlocked = Unlocked::new();
    let vault = &unlocked.vault;
    let document: serde_json::Value = serde_json::from_str(&unlocked.whole).unwrap();
    let (current, keys) = own_keys(None);
    let key = VaultKey::from_bytes(&[7; 32]);
    let own = RingKey::from_bytes(key.id(), key.expose());
    let of_agent = RingKey::from_bytes(key.id(), &key.derive(b"agent:main", label::AGENT));
    let planted = edited(&unlocked.whole, &[("current", current.clone()), ("keys", keys)]).replacen(
        ",\"recoveryRecipient\"",
        &format!(",\"retired\":[{}],\"recoveryRecipient\"", document["current"]),
        1,
    );
    // Every ledger of the home is signed again with the planted keys; the anchors are unchanged.
    let salt = format!("machine:{}", document["machine"].as_str().unwrap());
    let purpose = Use { salt: &salt, label: label::LEDGER };
    let recipient = document["recoveryRecipient"].as_str().unwrap();
    let tag = hex(&own.derive(recipient.as_bytes(), label::RECOVERY_ID)[..16]);
    let ledgers = [(vault.home().join("ledger"), &own), (vault.agent_file("ledger"), &of_agent)];
    let before = ledgers.each_ref().map(|(path, key)| {
        let bytes = std::fs::read(path).unwrap();
        let json = signed::split(&bytes).unwrap().json;
        let read: serde_json::Value = serde_json::from_str(json).unwrap();
        let mut forged = json.replacen(&read["key"].to_string(), &current.to_string(), 1);
        if let Some(was) = read["recovery"].as_str() {
            forged = forged.replacen(was, &tag, 1);
        }
        std::fs::write(path, signed::sign(key, purpose, &forged).unwrap().0).unwrap();
        bytes
    });
    kernel_keyring::store(Place::User, &vault.name(), planted.as_bytes(), HOUR).unwrap();
    let kept_before = kept(&vault.home());
    let refused = vault.feed("made-up-next-paste", ["paste-api-key", "--provider", "groq"]);
    let refused = refused.failed("TAMPERED", 65);
    assert!(refused.stderr.contains("keys that this machine has not seen"), "{}", refused.stderr);
    assert!(kept(&vault.home()) == kept_before, "something was written");
    for ((path, _), bytes) in ledgers.iter().zip(before) {
        std::fs::write(path, bytes).unwrap();
    }
    vault.by_passphrase(["verify"]).ok();
}
