//! Earlier versions of profiles on their way to another home, in a bundle made with `--with-history`.

use serde_json::{Value, json};

use crate::session::{Ran, Session};

const ID: &str = "openai:work";
const SECRETS: [&str; 4] =
    ["sk-made-up-first-0123", "sk-made-up-second-0123", "sk-made-up-third-0123", "sk-made-up-fourth-0123"];
const AGAIN: [&str; 5] = ["import", "-", "--yes", "--on-conflict", "replace"];

/// Returns a session whose profile had these secrets, one after the other.
fn session(secrets: &[&str]) -> Session {
    let session = Session::new();
    for secret in secrets {
        session.paste(ID, secret);
    }
    session
}

fn export(from: &Session, to: &Session, more: &[&str]) -> Vec<u8> {
    let recipient = to.run(["recipient"]).ok().stdout.trim().to_owned();
    let _ = std::fs::remove_file(from.path("bundle"));
    from.run(["export", "--to", &recipient, "--out", "bundle"].iter().chain(more)).ok();
    std::fs::read(from.path("bundle")).unwrap()
}

fn with_history(from: &Session, to: &Session) -> Vec<u8> {
    export(from, to, &["--with-history"])
}

fn history(session: &Session, id: &str) -> Vec<Value> {
    session.run(["history", id, "--json"]).ok().json().as_array().unwrap().clone()
}

/// Returns each earlier version's generation, time and change.
fn earlier(session: &Session, id: &str) -> Vec<(Value, Value, Value)> {
    let versions = history(session, id).into_iter().filter(|version| version["current"] == false);
    versions
        .map(|version| (version["generation"].clone(), version["at"].clone(), version["op"].clone()))
        .collect()
}

fn back(session: &Session, id: &str) -> String {
    session.run(["undo", id, "--yes"]).ok();
    session.get(id)
}

fn back_to(session: &Session, id: &str, generation: &Value) -> String {
    session.run(["undo", id, "--to", &generation.to_string(), "--yes"]).ok();
    session.get(id)
}

/// Returns a bundle for a session, made up from a profile's members.
fn made_up(to: &Session, members: &Value) -> Vec<u8> {
    let mut profile = json!({ "profile": ID, "provider": "openai", "type": "api_key",
        "secret": "sk-made-up-now-0123", "generation": 4_000_000_000_000_i64 });
    profile.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    let plain = json!({ "format": "strongroom-bundle", "version": 1, "created": 1, "profiles": [profile] });
    let recipient: age::x25519::Recipient = to.run(["recipient"]).ok().stdout.trim().parse().unwrap();
    age::encrypt(&recipient, plain.to_string().as_bytes()).unwrap()
}

fn version(generation: i64, secret: &str) -> Value {
    json!({ "generation": generation, "provider": "openai", "type": "api_key", "secret": secret })
}

fn now(session: &Session) -> i64 {
    session.paste("clock:now", "made-up-clock");
    history(session, "clock:now")[0]["generation"].as_i64().unwrap()
}

fn verified(session: &Session) {
    session.run(["verify"]).ok();
}

#[test]
fn earlier_versions_go_to_another_home_and_an_undo_there_brings_them_back() {
    let (from, to) = (session(&SECRETS[..2]), Session::new());
    from.feed(SECRETS[2], ["rotate", ID]).ok();
    from.run(["edit", ID, "--note", "mine", "--host", "https://api.x.io"]).ok();
    let hosts = from.run(["get", ID, "--json"]).ok().json()["hosts"].clone();
    from.paste("openai:other", "sk-made-up-other-0123");
    let bundle = with_history(&from, &to);
    let plan = to.feed(&bundle, ["import", "-", "--dry-run", "--json"]).ok().json();
    assert_eq!((&plan["writes"], &plan["versions"]), (&json!(2), &json!(3)));
    assert_eq!((&plan["entries"][1]["id"], &plan["entries"][1]["versions"]), (&json!(ID), &json!(3)));
    assert_eq!(plan["entries"][0].get("versions"), None);
    let ran = to.feed(&bundle, ["import", "-", "--yes"]).ok();
    assert!(ran.stdout.contains("brings 3 earlier versions"), "{}", ran.stdout);
    assert!(ran.stdout.contains("Imported 2 profiles and 3 earlier versions."), "{}", ran.stdout);

    assert_eq!(earlier(&to, ID), earlier(&from, ID));
    let listed = history(&to, ID);
    assert_eq!(
        listed.iter().map(|v| v["op"].as_str().unwrap()).collect::<Vec<_>>(),
        ["import", "rotate", "paste", "paste"]
    );
    assert_eq!((&listed[1]["imported"], listed[0].get("imported")), (&json!(true), None));
    verified(&to);
    assert_eq!(back_to(&to, ID, &listed[2]["generation"]), SECRETS[1]);
    // What a bundle says of a version brings no destination back.
    assert_eq!(to.run(["get", ID, "--json"]).ok().json()["hosts"], hosts);
    assert_eq!(back(&to, ID), SECRETS[2]);
    assert_eq!(back_to(&to, ID, &listed[3]["generation"]), SECRETS[0]);
    to.run(["rename", ID, "openai:moved"]).ok();
    to.run(["rekey", "--yes"]).ok();
    assert!(history(&to, "openai:moved").iter().any(|version| version["imported"] == true));
    assert_eq!(back_to(&to, "openai:moved", &listed[2]["generation"]), SECRETS[1]);
    verified(&to);

    // From there they go on.
    let third = Session::new();
    third.feed(with_history(&to, &third), ["import", "-", "--yes"]).ok();
    assert_eq!(earlier(&third, "openai:moved"), earlier(&to, "openai:moved"));
    verified(&third);
}

#[test]
fn without_the_flag_a_bundle_is_as_before() {
    let (from, to) = (session(&SECRETS), Session::new());
    let identity = age::x25519::Identity::generate();
    let recipient = identity.to_public().to_string();
    let members = |more: &[&str]| {
        let ran =
            from.run(["export", ID, "--to", &recipient, "--out", "-", "--armor"].iter().chain(more)).ok();
        let plain = age::decrypt(&identity, &unarmored(&ran)).unwrap();
        serde_json::from_slice::<Value>(&plain).unwrap()["profiles"][0].as_object().unwrap().clone()
    };
    let (without, with) = (members(&[]), members(&["--with-history"]));
    let names = |object: &serde_json::Map<String, Value>| object.keys().cloned().collect::<Vec<_>>();
    assert_eq!(
        names(&without),
        ["agent", "created", "hosts", "profile", "provider", "secret", "type", "updated"].map(str::to_owned)
    );
    let mut more = names(&with);
    more.retain(|name| !without.contains_key(name));
    assert_eq!(more, ["generation", "history"]);
    assert_eq!(with["history"].as_array().unwrap().len(), 3);
    to.feed(export(&from, &to, &[]), ["import", "-", "--yes"]).ok();
    assert_eq!(history(&to, ID).len(), 1);
    let told =
        from.run(["export", "--to", &recipient, "--out", "two", "--with-history", "--json"]).ok().json();
    assert_eq!((&told["versions"], &told["profiles"][0]["versions"]), (&json!(3), &json!(3)));
    let told = from.run(["export", "--to", &recipient, "--out", "three", "--json"]).ok().json();
    assert_eq!((told.get("versions"), told["profiles"][0].get("versions")), (None, None));
}

fn unarmored(ran: &Ran) -> Vec<u8> {
    use std::io::Read;
    let mut bytes = Vec::new();
    age::armor::ArmoredReader::new(ran.stdout.as_bytes()).read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn an_import_over_a_profile_keeps_the_version_before_and_an_undo_brings_that_back() {
    let to = session(&["sk-made-up-local-0123"]);
    // What the bundle brings is newer than what is here.
    let from = session(&SECRETS[..3]);
    let bundle = with_history(&from, &to);
    to.feed(&bundle, ["import", "-", "--yes"]).failed("CONFLICT", 73);
    let kept = to.feed(&bundle, ["import", "-", "--yes", "--on-conflict", "skip", "--json"]).ok().json();
    assert_eq!((&kept["writes"], kept.get("versions")), (&json!(0), None));
    assert_eq!(history(&to, ID).len(), 1);
    let renamed = to.feed(&bundle, ["import", "-", "--yes", "--on-conflict", "rename", "--json"]).ok().json();
    assert_eq!(renamed["entries"][0]["versions"], json!(2));
    assert_eq!(back(&to, "openai:work-2"), SECRETS[1]);

    let plan = to.feed(&bundle, AGAIN.iter().chain(&["--json"])).ok().json();
    assert_eq!((&plan["entries"][0]["action"], &plan["versions"]), (&json!("replace"), &json!(2)));
    assert_eq!(to.get(ID), SECRETS[2]);
    assert_eq!(history(&to, ID).len(), 4);
    assert_eq!(back(&to, ID), "sk-made-up-local-0123");
    assert_eq!(back(&to, ID), SECRETS[2], "a second undo is a redo");
    verified(&to);

    // The same bundle brings nothing twice.
    to.paste(ID, SECRETS[3]);
    let plan = to.feed(&bundle, AGAIN.iter().chain(&["--json"])).ok().json();
    assert_eq!((plan.get("versions"), &plan["entries"][0]["versionsLeftOut"]), (None, &json!(2)));
    assert_eq!(back(&to, ID), SECRETS[3]);
    verified(&to);
}

#[test]
fn a_new_id_gets_the_earlier_versions_too() {
    let (from, to) = (session(&SECRETS[..2]), Session::new());
    let rename = format!("{ID}=openai:home");
    to.feed(with_history(&from, &to), ["import", "-", "--yes", "--rename", &rename]).ok();
    to.run(["history", ID]).failed("NOT_FOUND", 66);
    assert_eq!(back(&to, "openai:home"), SECRETS[0]);
    verified(&to);
}

#[test]
fn what_was_revoked_or_forgotten_is_not_exported() {
    let from = session(&SECRETS[..2]);
    from.feed(SECRETS[2], ["rotate", ID, "--revoked"]).ok();
    let to = Session::new();
    let plan = to.feed(with_history(&from, &to), ["import", "-", "--yes", "--json"]).ok().json();
    assert_eq!(plan.get("versions"), None);
    // After it, versions count again; those before it do not.
    from.paste(ID, SECRETS[3]);
    let other = Session::new();
    let plan = other.feed(with_history(&from, &other), ["import", "-", "--yes", "--json"]).ok().json();
    assert_eq!(plan["versions"], json!(1));
    assert_eq!(back(&other, ID), SECRETS[2]);
    from.run(["forget", ID, "--yes"]).ok();
    let third = Session::new();
    let plan = third.feed(with_history(&from, &third), ["import", "-", "--yes", "--json"]).ok().json();
    assert_eq!(plan.get("versions"), None);
    // A removed profile does not go, not even by name.
    from.run(["remove", ID, "--yes"]).ok();
    from.run(["export", ID, "--with-history", "--to", &recipient_of(&third), "--out", "gone"])
        .failed("NOT_FOUND", 66);
}

fn recipient_of(session: &Session) -> String {
    session.run(["recipient"]).ok().stdout.trim().to_owned()
}

#[test]
fn an_import_does_not_cross_a_revocation_or_a_forget_of_this_vault() {
    let from = session(&SECRETS[..3]);
    for means in
        [&["rotate", ID, "--revoked"][..], &["forget", ID, "--yes"], &["remove", ID, "--revoked", "--yes"]]
    {
        let to = session(&["sk-made-up-leaked-0123", "sk-made-up-local-0123"]);
        let bundle = with_history(&from, &to);
        to.feed("sk-made-up-local-4567", means).ok();
        let policy = if means[0] == "rotate" { "rename" } else { "replace" };
        let plan = to.feed(&bundle, ["import", "-", "--yes", "--json", "--on-conflict", policy]).ok().json();
        let entry = &plan["entries"][0];
        // The current version here, with which its history begins, is newer than those of the bundle.
        assert_eq!(entry["versionsLeftOut"], json!(2), "{means:?}: {plan}");
        verified(&to);
    }
}

#[test]
fn what_a_bundle_makes_up_is_refused_or_bounded() {
    let to = session(&["sk-made-up-local-0123"]);
    let at = now(&to);
    let refused = |members: &Value| to.feed(made_up(&to, members), AGAIN).failed("IMPORT_INVALID", 65);
    let newer = refused(&json!({ "generation": 5, "history": [version(5, SECRETS[0])] }));
    assert!(newer.stderr.contains("history[0].generation is not below the generation"), "{}", newer.stderr);
    refused(&json!({ "history": [version(5, SECRETS[0]), version(5, SECRETS[1])] }));
    refused(&json!({ "history": [version((1 << 52) + 1, SECRETS[0])] }));
    refused(&json!({ "history": [{ "generation": 5, "profile": "openai:other", "provider": "openai",
        "type": "api_key", "secret": SECRETS[0] }] }));
    let many: Vec<Value> = (1..=65).map(|n| version(n, SECRETS[0])).collect();
    refused(&json!({ "history": many }));
    let large = SECRETS[0].repeat(600);
    refused(&json!({ "history": [version(5, &large)] }));
    assert_eq!(history(&to, ID).len(), 1);

    // Far ahead of the clock: no later change could have a greater generation.
    let ahead = json!({ "generation": 1_i64 << 52, "history": [version((1 << 52) - 1, SECRETS[0]), version(at, SECRETS[1])] });
    let plan = to.feed(made_up(&to, &ahead), AGAIN.iter().chain(&["--json"])).ok().json();
    assert_eq!((&plan["versions"], &plan["entries"][0]["versionsLeftOut"]), (&json!(1), &json!(1)));
    to.paste(ID, SECRETS[2]);
    assert!(history(&to, ID)[0]["generation"].as_i64().unwrap() < at + 3_600_000);
    // A little ahead is usual.
    let near = at + 600_000;
    let a_little = json!({ "secret": "sk-made-up-later-0123", "generation": near + 1, "history": [version(near, SECRETS[3])] });
    to.feed(made_up(&to, &a_little), AGAIN).ok();
    assert!(history(&to, ID)[0]["generation"].as_i64().unwrap() > near);
    assert_eq!(back(&to, ID), SECRETS[2]);
    verified(&to);
}

#[test]
fn imported_versions_displace_none_of_this_vault() {
    let to = Session::new();
    let secret = |n: usize| format!("sk-made-up-local-{n:04}");
    for n in 0..60 {
        to.paste(ID, &secret(n));
    }
    let own = history(&to, ID);
    let oldest = own.last().unwrap()["generation"].as_i64().unwrap();
    let versions: Vec<Value> =
        (1..=64).map(|n| version(oldest - n, &format!("sk-made-up-other-{n:04}"))).collect();
    let plan =
        to.feed(made_up(&to, &json!({ "history": versions })), AGAIN.iter().chain(&["--json"])).ok().json();
    assert_eq!((&plan["versions"], &plan["entries"][0]["versionsLeftOut"]), (&json!(4), &json!(60)));
    let all = history(&to, ID);
    assert_eq!(all.len(), 65);
    for n in 60..64 {
        to.paste(ID, &secret(n));
    }
    let all = history(&to, ID);
    assert_eq!(all.len(), 65);
    for version in &own {
        assert!(all.iter().any(|there| there["generation"] == version["generation"]), "{version}");
    }
    assert_eq!(all.iter().filter(|version| version["imported"] == true).count(), 0);
    verified(&to);
}

#[test]
fn a_sign_in_among_the_earlier_versions_needs_its_flag() {
    let to = Session::new();
    let sign_in = json!({ "generation": 5, "provider": "openai", "type": "oauth",
        "secret": "made-up-access-0123", "extra": { "refresh": "made-up-refresh-0123" } });
    let bundle = made_up(&to, &json!({ "history": [sign_in, version(6, SECRETS[0])] }));
    let without = to.feed(&bundle, ["import", "-", "--dry-run"]).ok();
    assert!(without.stdout.contains("brings 1 earlier version\n"), "{}", without.stdout);
    assert!(without.stdout.contains("left out 1 earlier version"), "{}", without.stdout);
    let plan = to.feed(&bundle, ["import", "-", "--dry-run", "--json", "--include-oauth"]).ok().json();
    assert_eq!(plan["versions"], json!(2));
}

#[test]
fn a_damaged_version_is_named_before_anything_is_exported() {
    let (from, to) = (session(&SECRETS[..3]), Session::new());
    let dir = from.agent_file("history/openai_3awork");
    let file = std::fs::read_dir(&dir).unwrap().next().unwrap().unwrap().path();
    let mut bytes = std::fs::read(&file).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let recipient = recipient_of(&to);
    let export = ["export", "--with-history", "--to", &recipient, "--out", "bundle"];
    let ran = from.run(export).failed("CORRUPT", 65);
    assert!(ran.stderr.contains("--skip-unreadable"), "{}", ran.stderr);
    let ran = from.run(export.iter().chain(&["--skip-unreadable"])).ok();
    assert!(ran.stdout.contains("1 earlier version\n"), "{}", ran.stdout);
}
