//! Hosts, helpers, user name and note on their way to another home in a bundle.

use serde_json::json;

use crate::session::Session;

fn export(from: &Session, to: &Session) -> Vec<u8> {
    let recipient = to.run(["recipient"]).ok().stdout.trim().to_owned();
    let _ = std::fs::remove_file(from.path("bundle"));
    from.run(["export", "--to", &recipient, "--out", "bundle"]).ok();
    std::fs::read(from.path("bundle")).unwrap()
}

#[test]
fn a_bundle_carries_what_a_record_has_beside_its_secret() {
    let (from, to) = (Session::new(), Session::new());
    from.paste("made-up:one", "made-up-key-1");
    to.feed(export(&from, &to), ["import", "-", "--yes"]).ok();
    let note = "bought by Ann\nrenew in May";
    let edit =
        ["edit", "made-up:one", "--username", "me@x.io", "--host", "https://api.x.io", "--helper", "git"];
    from.run(edit.iter().chain(&["--note", note])).ok();
    let bundle = export(&from, &to);

    let ran = to.feed(&bundle, ["import", "-", "--yes"]).failed("CONFLICT", 73);
    assert!(ran.stderr.contains("adds hosts https://api.x.io; helpers git"), "{}", ran.stderr);
    let replace = ["import", "-", "--yes", "--on-conflict", "replace", "--json"];
    let plan = to.feed(&bundle, replace).ok().json();
    assert_eq!(plan["entries"][0]["hosts"], json!(["https://api.x.io"]));
    assert_eq!(plan["entries"][0]["helpers"], json!(["git"]));
    let held = to.run(["get", "made-up:one", "--json"]).ok().json();
    assert_eq!((&held["username"], &held["note"]), (&json!("me@x.io"), &json!(note)));
    assert_eq!((&held["hosts"], &held["helpers"]), (&json!(["https://api.x.io"]), &json!(["git"])));
    let log = to.run(["log", "--json"]).ok().stdout;
    assert!(log.contains("https://api.x.io"), "{log}");

    let again = to.feed(&bundle, replace).ok().json();
    assert_eq!((&again["entries"][0]["action"], &again["writes"]), (&json!("unchanged"), &json!(0)));
    to.run(["verify"]).ok();
}

#[test]
fn a_bundle_without_them_keeps_what_is_there() {
    let (from, to) = (Session::new(), Session::new());
    from.paste("made-up:one", "made-up-key-2");
    to.paste("made-up:one", "made-up-key-1");
    to.run(["edit", "made-up:one", "--host", "https://api.x.io", "--note", "mine"]).ok();
    to.feed(export(&from, &to), ["import", "-", "--yes", "--on-conflict", "replace"]).ok();
    assert_eq!(to.get("made-up:one"), "made-up-key-2");
    let held = to.run(["get", "made-up:one", "--json"]).ok().json();
    assert_eq!((&held["hosts"], &held["note"]), (&json!(["https://api.x.io"]), &json!("mine")));
}
