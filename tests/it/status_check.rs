//! `status --check` at fixed instants: the exact exit status on each side of every boundary.

use serde_json::{Value, json};

use crate::selection::{DAY, NOW, feed_at, run_at, vault_of};
use crate::session::{Session, setup_token};

/// A vault with one token that expires at an instant, and a key that never does.
fn expiring(at: i64) -> Session {
    vault_of(&json!({ "profiles": { "a:tok": ["token", at], "b:key": "api_key" } }))
}

fn check(session: &Session, now: i64, more: &[&str]) -> i32 {
    let mut arguments = vec!["models", "status", "--check", "--plain"];
    arguments.extend(more);
    run_at(session, now, &arguments).status
}

#[test]
fn the_check_is_exact_on_each_side_of_every_boundary() {
    let end = NOW + 10 * DAY;
    let session = expiring(end);
    let locked = expiring(end);
    std::fs::rename(locked.key_file(), locked.path("key-away")).unwrap();
    for (vault, name) in [(&session, "open"), (&locked, "locked")] {
        for (now, exit) in
            [(end - DAY - 1, 0), (end - DAY, 2), (end - DAY + 1, 2), (end - 1, 2), (end, 1), (end + 1, 1)]
        {
            assert_eq!(check(vault, now, &[]), exit, "{name}, {} ms before the end", end - now);
            assert_eq!(check(vault, now, &["--profile", "a:tok"]), exit, "{name}");
            assert_eq!(check(vault, now, &["--profile", "b:key"]), 0, "{name}");
            assert_eq!(check(vault, now, &["--provider", "b"]), 0, "{name}");
        }
        assert_eq!(check(vault, end - 3_600_001, &["--expiring-within", "1h"]), 0, "{name}");
        assert_eq!(check(vault, end - 3_600_000, &["--expiring-within", "1h"]), 2, "{name}");
        assert_eq!(check(vault, NOW, &["--profile", "a:none"]), 1, "{name}");
        assert_eq!(check(vault, NOW, &["--agent", "absent"]), 1, "{name}");
    }
    assert!(run_at(&locked, NOW, &["status", "--check", "--plain"]).stdout.contains("a:tok"));
    assert_eq!(check(&Session::new(), NOW, &[]), 1, "no profile at all");
    let gone = expiring(end);
    std::fs::remove_file(gone.agent_file("records/a_3atok.age")).unwrap();
    assert_eq!(check(&gone, NOW, &[]), 1, "a record that is missing");
}

#[test]
fn the_check_of_all_agents_is_that_of_the_worst() {
    let end = NOW + 10 * DAY;
    let session = expiring(end);
    let all = |now: i64| check(&session, now, &["--all-agents"]);
    for (agent, at) in [("ops", "2027-01-25T08:00:00Z"), ("lab", "2027-02-25T08:00:00Z")] {
        let arguments = ["--agent", agent, "paste-token", "--provider", "c", "--expires-at", at];
        feed_at(&session, NOW, b"made-up-token", &arguments).ok();
    }
    let ops = end;
    for (now, exit) in [(ops - DAY - 1, 0), (ops - DAY, 2), (ops - 1, 2), (ops, 1)] {
        assert_eq!(all(now), exit, "{} ms before the end", ops - now);
        assert_eq!(check(&session, now, &["--agent", "lab"]), 0);
    }
    let report = run_at(&session, ops - 1, &["status", "--check", "--all-agents", "--json"]).json();
    let agents: Vec<_> =
        report["agents"].as_array().unwrap().iter().map(|one| one["agent"].clone()).collect();
    assert_eq!(agents, ["lab", "main", "ops"]);
    let one = run_at(&session, ops - 1, &["--agent", "ops", "status", "--check", "--json"]).json();
    assert_eq!(report["agents"][2], one, "each is as if it alone was asked for");
    let exits: Vec<_> =
        report["agents"].as_array().unwrap().iter().map(|one| one["check"]["exit"].clone()).collect();
    assert_eq!((exits, &report["check"]["exit"]), (vec![json!(0), json!(2), json!(2)], &json!(2)));
    // An index that was wiped is not an agent that was emptied.
    run_at(&session, NOW, &["--agent", "ops", "remove", "c:manual", "--yes"]).ok();
    assert_eq!(all(end - DAY - 1), 0);
    std::fs::write(session.home().join("agents/lab/auth-profiles.json"), r#"{"version":1,"profiles":{}}"#)
        .unwrap();
    assert_eq!(all(end - DAY - 1), 1);
}

#[test]
fn the_check_tells_of_an_expired_profile_that_the_order_leaves_out() {
    let session = vault_of(&json!({
        "profiles": { "a:old": ["token", NOW], "a:new": "token" }, "order": ["a:new"],
    }));
    assert_eq!((check(&session, NOW - 1, &[]), check(&session, NOW, &[])), (2, 1));
    let report = run_at(&session, NOW, &["status", "--check", "--json"]).json();
    assert_eq!(report["vault"]["providers"][0]["next"], "a:new");
    assert_eq!(report["check"]["reasons"], json!([{ "code": "expired", "profileId": "a:old" }]));
}

#[test]
fn waiting_profiles_do_not_fail_the_check() {
    let session = vault_of(&json!({ "profiles": { "a:tok": "token" } }));
    run_at(&session, NOW, &["report", "a:tok", "--failure", "billing"]).ok();
    assert_eq!(check(&session, NOW + 1, &[]), 0);
    let report = run_at(&session, NOW + 1, &["status", "--json"]).ok().json();
    assert_eq!(
        report["auth"]["unusableProfiles"],
        json!([{ "profileId": "a:tok", "provider": "a", "kind": "disabled", "reason": "billing",
                 "until": NOW + 18_000_000, "remainingMs": 17_999_999 }])
    );
}

#[test]
fn a_secret_in_the_place_of_a_references_id_is_not_shown() {
    let session = vault_of(&json!({ "profiles": { "a:tok": "token" } }));
    let path = session.agent_file("auth-profiles.json");
    let mut index: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let canary = setup_token("CANARY");
    for (name, source, id) in
        [("b", "file", "/vault/b"), ("c", "exec", canary.as_str()), ("d", canary.as_str(), "x")]
    {
        index["profiles"][format!("{name}:x")] = json!({ "type": "api_key", "provider": name,
            "keyRef": { "source": source, "provider": "default", "id": id } });
    }
    std::fs::write(&path, index.to_string()).unwrap();
    for arguments in
        [["status", "--json"].as_slice(), &["status"], &["status", "--plain"], &["list", "--json"]]
    {
        run_at(&session, NOW, arguments).ok().sane(&canary);
    }
    let shown = run_at(&session, NOW, &["status", "--json"]).stdout;
    assert!(shown.contains("file:/vault/b") && shown.contains("exec:…"), "{shown}");
}
