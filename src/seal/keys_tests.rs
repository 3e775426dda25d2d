use super::*;

const LABELS: [&[u8]; 11] = [
    label::RECORD,
    label::RECORD_AUTH,
    label::TXN,
    label::TXN_AUTH,
    label::LOG,
    label::LEDGER,
    label::ANCHOR,
    label::SETTINGS,
    label::RECOVERY_ID,
    label::AGENT,
    label::KEY_ID,
];

#[test]
fn labels_give_different_keys() {
    let key = VaultKey::from_bytes(&[7; 32]);
    let derived: std::collections::HashSet<_> =
        LABELS.iter().map(|label| *key.derive(b"salt", label)).collect();
    assert_eq!(derived.len(), LABELS.len());
}

#[test]
fn keys_are_those_of_the_vectors() {
    let vectors: serde_json::Value = serde_json::from_str(include_str!("../../docs/vectors.json")).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let key = VaultKey::from_bytes(&unhex(&text(&vectors["vaultKey"])).unwrap());
    let id = key.id();
    assert_eq!(id.to_string(), text(&vectors["keyId"]));
    let some_id = "00112233445566778899aabbccddeeff";
    let recovery = x25519::Identity::generate().to_public();
    let (vault, machine) = (some_id.parse().unwrap(), some_id.parse().unwrap());
    let set = KeySet { vault, machine, keys: vec![key], current: id, retired: Vec::new(), recovery };
    let keys = Keys::new(set).unwrap();
    let (own, main) = (keys.own().unwrap(), keys.agent("main").unwrap());
    assert_eq!(hex(main.current().expose()), text(&vectors["agentKey"]));
    let mut labels = std::collections::BTreeSet::new();
    for one in vectors["derived"].as_array().unwrap() {
        let ring = if one["scope"] == "vault" { &own } else { &main };
        let derived = ring.current().derive(text(&one["salt"]).as_bytes(), text(&one["label"]).as_bytes());
        assert_eq!(hex(&derived[..]), text(&one["key"]), "{one}");
        labels.insert(text(&one["label"]));
    }
    assert_eq!(labels.len(), LABELS.len(), "a label without a vector");
    assert!(LABELS.iter().all(|label| labels.contains(std::str::from_utf8(label).unwrap())));
}

#[test]
fn debug_shows_no_key() {
    let key = VaultKey::from_bytes(&[0x41; 32]);
    assert_eq!(format!("{key:?}"), format!("VaultKey({})", key.id()));
}
