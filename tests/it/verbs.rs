//! What each verb does, as a script sees it.

use crate::session::{Session, setup_token};

#[test]
fn a_pasted_token_is_listed_shown_resolved_renamed_rotated_and_removed() {
    let session = Session::new();
    let (one, two) = (setup_token("ONE"), setup_token("TWO"));
    session.feed(&one, ["paste-token", "--provider", "anthropic", "--expires-in", "365d"]).ok();
    assert_eq!(session.get("anthropic:manual"), one);
    let listed = session.run(["list", "--json"]).ok().json();
    assert_eq!(listed["agents"][0]["profiles"][0]["profileId"], "anthropic:manual");
    assert_eq!(listed["agents"][0]["profiles"][0]["holds"], "sealed");
    session.run(["rename", "anthropic:manual", "anthropic:work"]).ok();
    session.run(["get", "anthropic:manual"]).failed("NOT_FOUND", 66);
    let expires =
        |s: &Session| s.run(["list", "--json"]).json()["agents"][0]["profiles"][0]["expires"].clone();
    let before = expires(&session);
    session.feed(&two, ["rotate", "anthropic:work"]).ok();
    assert_eq!(expires(&session), before);
    let answer = session.resolve(&["main/anthropic:work", "providers/anthropic/apiKey", "nope"]);
    assert_eq!(answer["values"]["main/anthropic:work"], two);
    assert_eq!(answer["values"]["providers/anthropic/apiKey"], two);
    assert_eq!(answer["errors"]["nope"]["code"], "INVALID_ID");
    session.run(["remove", "anthropic:work"]).failed("NOT_CONFIRMED", 64);
    session.run(["remove", "anthropic:work", "--yes"]).ok();
    session.run(["get", "anthropic:work"]).failed("NOT_FOUND", 66);
    session.run(["verify"]).ok();
}

#[test]
fn both_spellings_are_one_command() {
    let session = Session::new();
    session.feed("made-up-key-1", ["models", "auth", "paste-api-key", "--provider", "openrouter"]).ok();
    session.feed("made-up-token", ["models", "auth", "paste-token", "--provider", "openrouter"]).ok();
    assert_eq!(session.get("openrouter:default"), "made-up-key-1");
    let set = ["models", "auth", "order", "set", "--provider", "openrouter", "openrouter:default"];
    session.run(set).ok();
    assert!(
        session.run(["order", "get", "--provider", "openrouter"]).ok().stdout.contains("openrouter:default")
    );
    assert_eq!(
        session.resolve(&["providers/openrouter/apiKey"])["values"]["providers/openrouter/apiKey"],
        "made-up-key-1"
    );
    session.run(["models", "auth", "order", "clear", "--provider", "openrouter"]).ok();
    assert_eq!(
        session.resolve(&["providers/openrouter/apiKey"])["values"]["providers/openrouter/apiKey"],
        "made-up-token"
    );
    session.run(["models", "status", "--check"]).ok();
}

#[test]
fn an_id_that_begins_like_another_is_seen_in_its_place() {
    // Their file names sort in the opposite order.
    let session = Session::new();
    session.paste("openrouter:b", "made-up-key-1");
    session.paste("openrouter:b-c", "made-up-key-2");
    let listed = session.run(["list", "--json"]).ok().json();
    for profile in listed["agents"][0]["profiles"].as_array().unwrap() {
        assert_eq!(profile["holds"], "sealed", "{profile}");
    }
    session.run(["status", "--check"]).ok();
}
