//! The form of a cache.

use super::*;
use crate::error::Code;
use crate::seal::unlock_file::MethodKey;
use crate::secret::ExposeSecret;
use crate::unlock::payload::Payload;
use crate::unlock::{MethodSecret, key_text};

/// A home with one unlock file, unlocked.
fn opened() -> (tempfile::TempDir, Dir, Unlocked) {
    let temp = tempfile::tempdir().unwrap();
    let home = strongroom_backends::fs::home::open(temp.path()).unwrap().dir;
    let key = key_text::generate().unwrap();
    let mut payload = Payload::generate("key-file").unwrap();
    payload.add_key(7).unwrap();
    let sealed = unlock_files::seal(&payload, &MethodKey::of_bytes(key.expose_secret())).unwrap();
    home.dir_or_create(unlock_files::DIR).unwrap().replace("key-file.age", &sealed).unwrap();
    let unlocked =
        unlock_files::open(&unlock_files::list(&home).unwrap(), MethodSecret::Key(key), "it").unwrap();
    (temp, home, unlocked)
}

#[test]
fn a_cache_survives_its_bytes() {
    let (_temp, home, unlocked) = opened();
    let bytes = Cache::of(&unlocked, None, "file", 42).unwrap().to_bytes().unwrap();
    let back = Cache::parse(bytes.expose()).unwrap();
    let keys = back.keys();
    assert_eq!(keys.vault, unlocked.payload.vault);
    assert_eq!(back.until, 42);
    let own = keys.own().unwrap();
    assert_eq!(own.keys().len(), 2);
    assert_eq!(own.keys()[0].expose(), unlocked.payload.keys[0].expose());
    assert_eq!(keys.recovery().to_string(), unlocked.payload.recovery_recipient.to_string());
    assert!(back.is_current(&home).unwrap());
}

#[test]
fn no_identity_and_no_secret_of_a_method_is_in_it() {
    let (_temp, _home, unlocked) = opened();
    let bytes = Cache::of(&unlocked, None, "file", 42).unwrap().to_bytes().unwrap();
    let text = bytes.expose_str().unwrap();
    assert!(!text.contains("AGE-SECRET-KEY"));
    let MethodSecret::Key(key) = &unlocked.secret else { unreachable!() };
    assert!(!text.contains(&crate::seal::stanza::encode(key.expose_secret())));
    let shown = format!("{:?}", Cache::of(&unlocked, None, "file", 42).unwrap());
    assert!(!shown.contains("age1"), "{shown}");
}

#[test]
fn anything_unexpected_is_ignored() {
    let (_temp, _home, unlocked) = opened();
    let bytes = Cache::of(&unlocked, None, "file", 42).unwrap().to_bytes().unwrap();
    let good = bytes.expose_str().unwrap().to_owned();
    for (from, to) in [
        ("{\"format\":1", "{\"format\":2"),
        ("{\"format\":1", "{\"format\":1,\"format\":1"),
        ("{\"format\":1", "{ \"format\":1"),
        ("{\"format\":1", "{\"format\":1,\"more\":1"),
        ("\"until\":42", "\"until\":42.0"),
        ("\"method\":\"key-file\"", "\"method\":\"../key-file\""),
        ("{\"id\":\"", "{\"more\":1,\"id\":\""),
        ("{\"id\":\"", "{\"id\":\"0"),
        ("\"recoveryRecipient\":\"age1", "\"recoveryRecipient\":\"age2"),
        ("\"current\":\"", "\"current\":\"0"),
    ] {
        let odd = good.replacen(from, to, 1);
        assert_ne!(odd, good, "{from}");
        assert!(Cache::parse(odd.as_bytes()).is_none(), "{to}");
    }
    for odd in [&good[..good.len() - 1], &format!("{good}\n"), "", "null", "[]"] {
        assert!(Cache::parse(odd.as_bytes()).is_none());
    }
    assert!(Cache::parse(good.as_bytes()).is_some());
}

#[test]
fn a_cache_for_an_agent_has_the_keys_of_that_agent_only() {
    let (_temp, home, unlocked) = opened();
    let whole = Cache::of(&unlocked, None, "file", 42).unwrap();
    let bytes = Cache::of(&unlocked, Some("work"), "file", 42).unwrap().to_bytes().unwrap();
    let text = bytes.expose_str().unwrap();
    for key in &unlocked.payload.keys {
        assert!(!text.contains(&crate::seal::stanza::encode(key.expose())));
        assert!(text.contains(&key.id().to_string()));
    }
    let back = Cache::parse(bytes.expose()).unwrap();
    assert_eq!((back.keys().only_agent(), back.is_current(&home).unwrap()), (Some("work"), true));
    assert_eq!(back.keys().own().unwrap_err().code(), Code::Locked);
    let (ours, of_vault) = (back.keys().agent("work").unwrap(), whole.keys().agent("work").unwrap());
    assert_eq!(ours.current().expose(), of_vault.current().expose());
    assert_eq!(ours.keys().len(), 2);
    assert_eq!(back.keys().agent("main").unwrap_err().code(), Code::Locked);
    assert_eq!(back.keys().own().unwrap_err().code(), Code::Locked);
    let id = unlocked.payload.keys[1].id().to_string();
    let current = unlocked.payload.keys[0].id().to_string();
    for (from, to) in [
        ("\"agent\":\"work\",", ""),
        ("\"agent\":\"work\"", "\"agent\":\"../work\""),
        ("\"agent\":\"work\"", "\"agent\":null"),
        (&format!("{{\"id\":\"{id}\""), &format!("{{\"id\":\"{current}\"")),
    ] {
        let odd = text.replacen(from, to, 1);
        assert_ne!(odd, text, "{from}");
        assert!(Cache::parse(odd.as_bytes()).is_none(), "{to}");
    }
}
