//! `settings`: what a person chose, where each value comes from, and what counts if the file is not the vault's.

use std::fs;

use serde_json::Value;

use crate::session::{Ran, Session, ran, setup_token};

fn set(session: &Session, key: &str, value: &str) -> Ran {
    session.run(["settings", "set", key, value])
}

/// Returns a setting's value and where it comes from.
fn applied(session: &Session, more: &[&str], variables: &[(&str, &str)], key: &str) -> (String, String) {
    let mut command = session.command(more.iter().copied().chain(["settings", "list", "--json"]));
    command.env_remove("TZ").envs(variables.iter().copied());
    let listed = ran(command, b"").ok().json();
    let one = listed["settings"].as_array().unwrap().iter().find(|one| one["key"] == key).unwrap();
    (one["value"].as_str().unwrap().to_owned(), one["source"].as_str().unwrap().to_owned())
}

fn agents_of(session: &Session, secret: &str) -> Vec<String> {
    let dir = session.home().join("agents");
    let mut agents: Vec<String> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|agent| {
            let ran = session.run(["--agent", agent, "get", "groq:default"]);
            ran.status == 0 && ran.stdout.trim_end() == secret
        })
        .collect();
    agents.sort();
    agents
}

fn paste(session: &Session, secret: &str) -> Ran {
    session.feed(secret, ["paste-api-key", "--provider", "groq"])
}

/// A vault that only this passphrase unlocks.
fn by_passphrase() -> Session {
    let session = Session::empty();
    session.write("pass", "made-up horse canary\n");
    session.run(["init", "--unlock", "passphrase", "--passphrase-file", "pass"]).ok();
    session
}

#[test]
fn each_value_says_where_it_comes_from() {
    let session = Session::new();
    let owned = |value: &str, source: &str| (value.to_owned(), source.to_owned());
    for (key, default, chosen) in [
        ("default-store", "file", None),
        ("default-agent", "main", Some("work")),
        ("history-days", "30", Some("90")),
        ("time-zone", "local", Some("Asia/Tokyo")),
        ("color", "auto", Some("always")),
    ] {
        assert_eq!(applied(&session, &[], &[], key), owned(default, "default"), "{key}");
        let Some(chosen) = chosen else { continue };
        set(&session, key, chosen).ok();
        assert_eq!(applied(&session, &[], &[], key), owned(chosen, "settings"), "{key}");
        assert_eq!(session.run(["settings", "get", "--json", key]).ok().json()["verified"], true);
    }
    for (more, variables, key, value, source) in [
        (vec!["--agent", "x"], vec![("STRONGROOM_AGENT", "y")], "default-agent", "x", "flag --agent"),
        (vec![], vec![("STRONGROOM_AGENT", "y")], "default-agent", "y", "environment STRONGROOM_AGENT"),
        (vec![], vec![("TZ", "UTC")], "time-zone", "UTC", "environment TZ"),
        (vec![], vec![("NO_COLOR", "1")], "color", "never", "environment NO_COLOR"),
        (vec!["--color", "auto"], vec![("NO_COLOR", "1")], "color", "auto", "flag --color"),
    ] {
        assert_eq!(applied(&session, &more, &variables, key), owned(value, source));
    }
    for key in ["default-agent", "history-days", "time-zone", "color"] {
        session.run(["settings", "unset", key]).ok();
        assert_eq!(applied(&session, &[], &[], key).1, "default");
    }
    session.run(["verify"]).ok();
    let log = session.run(["log", "--vault", "--op", "settings", "--json"]).ok().json();
    let lines = log["lines"].as_array().unwrap();
    assert_eq!(lines.len(), 8);
    assert_eq!((&lines[0]["setting"], &lines[0]["new"]), (&"default-agent".into(), &"work".into()));
    assert_eq!((&lines[4]["old"], &lines[4]["new"]), (&"work".into(), &Value::Null));
    let shown = session.run(["log", "--vault", "--op", "settings"]).ok().stdout;
    assert!(shown.contains("default → work") && shown.contains("work → default"), "{shown}");
}

#[test]
fn what_a_setting_cannot_be_is_refused_and_not_repeated() {
    let session = Session::new();
    let canary = setup_token("CANARY");
    let before = fs::read(session.home().join("settings.json")).unwrap();
    for (key, value) in [
        ("default-store", "cloud"),
        ("history-days", "0"),
        ("history-days", "3651"),
        ("history-days", "-1"),
        ("history-days", "30d"),
        ("time-zone", "Mars/Base"),
        ("time-zone", "../../etc/passwd"),
        ("color", "yes"),
        ("colour", "never"),
        ("default-agent", canary.as_str()),
        ("time-zone", canary.as_str()),
        (canary.as_str(), "x"),
    ] {
        set(&session, key, value).sane(&canary).failed("USAGE", 64);
    }
    set(&session, "default-agent", "providers").failed("INVALID_AGENT", 64);
    set(&session, "default-agent", "Up Per").failed("INVALID_AGENT", 64);
    assert_eq!(set(&session, "default-store", "keychain").status, 69, "there is no keychain here");
    assert_eq!(fs::read(session.home().join("settings.json")).unwrap(), before);
    assert!(set(&session, "color", "auto").ok().stdout.contains("Set color to auto"));
    assert!(set(&session, "color", "auto").ok().stdout.contains("nothing was changed"));
}

#[test]
fn the_default_agent_is_that_of_every_command_but_resolve() {
    let session = Session::new();
    session.paste("groq:default", "made-up-key-of-main");
    let ran = set(&session, "default-agent", "work").ok();
    assert!(ran.stderr.contains("has no profiles yet"), "{}", ran.stderr);
    paste(&session, "made-up-key-of-work").ok();
    assert_eq!(session.get("groq:default"), "made-up-key-of-work");
    assert_eq!(agents_of(&session, "made-up-key-of-work"), ["work"]);
    assert_eq!(session.run(["list", "--json"]).ok().json()["agents"][0]["agent"], "work");
    assert!(session.run(["status"]).ok().stdout.contains("work"));
    assert_eq!(session.resolve(&["groq:default"])["values"]["groq:default"], "made-up-key-of-main");
    let mut named = session.command(["get", "groq:default"]);
    named.env("STRONGROOM_AGENT", "main");
    assert_eq!(ran_text(named), "made-up-key-of-main");
    assert_eq!(
        session.run(["--agent", "main", "get", "groq:default"]).ok().stdout.trim_end(),
        "made-up-key-of-main"
    );
    session.run(["report", "groq:default", "--failure", "billing"]).ok();
    assert!(session.home().join("agents/work/auth-state.json").exists());
}

fn ran_text(command: std::process::Command) -> String {
    ran(command, b"").ok().stdout.trim_end().to_owned()
}

#[test]
fn a_file_that_the_vault_did_not_write_sends_no_secret_elsewhere() {
    let session = Session::new();
    let path = session.home().join("settings.json");
    let old = fs::read_to_string(&path).unwrap();
    set(&session, "default-agent", "work").ok();
    paste(&session, "made-up-key-1").ok();
    let good = fs::read_to_string(&path).unwrap();
    for (what, planted, refused) in [
        ("another agent", good.replace("\"work\"", "\"evil\""), true),
        ("an agent with a wrong MAC", good.replace("mac ", "mac A"), false),
        ("an older file", old.clone(), false),
        ("no file", String::new(), false),
        ("not JSON", "{\nmac x\n".to_owned(), false),
    ] {
        if planted.is_empty() {
            fs::remove_file(&path).unwrap();
        } else {
            session.write(".local/share/strongroom/settings.json", &planted);
        }
        let ran = paste(&session, "made-up-key-2");
        let claims = planted.contains("defaultAgent");
        if refused || claims {
            ran.failed("TAMPERED", 65);
            session.run(["get", "groq:default"]).failed("TAMPERED", 65);
            session.run(["export", "--to", crate::session::RECEIVER, "--out", "x"]).failed("TAMPERED", 65);
        } else {
            // The safe default, and a warning.
            assert!(ran.ok().stderr.contains("settings.json is not the file"), "{what}");
            assert_eq!(agents_of(&session, "made-up-key-2"), ["main"], "{what}");
            session.run(["--agent", "main", "remove", "groq:default", "--yes"]).ok();
        }
        let listed = session.run(["settings", "list", "--json"]).ok();
        assert_eq!(listed.json()["verified"], false, "{what}");
        assert_eq!(listed.json()["settings"][1]["value"], "main", "{what}");
        assert!(listed.stderr.contains("doctor --repair"), "{what}: {}", listed.stderr);
        set(&session, "history-days", "1").failed("TAMPERED", 65);
        session.run(["verify"]).failed("FINDINGS", 65);
        assert!(!session.home().join("agents/evil").exists(), "{what}");
    }
    session.write(".local/share/strongroom/settings.json", &good);
    assert_eq!(session.get("groq:default"), "made-up-key-1");
    session.run(["verify"]).ok();
}

#[test]
fn a_repair_resets_them() {
    let session = Session::new();
    set(&session, "default-agent", "work").ok();
    session.write(".local/share/strongroom/settings.json", "{}\nmac x\n");
    session.run(["doctor", "--repair"]);
    assert_eq!(applied(&session, &[], &[], "default-agent").1, "default");
    session.run(["verify"]).ok();
}

#[test]
fn a_rekey_keeps_them() {
    let session = Session::new();
    set(&session, "default-agent", "work").ok();
    set(&session, "history-days", "7").ok();
    paste(&session, "made-up-key-1").ok();
    session.run(["rekey", "--yes"]).ok();
    assert_eq!(applied(&session, &[], &[], "default-agent"), ("work".into(), "settings".into()));
    assert_eq!(applied(&session, &[], &[], "history-days"), ("7".into(), "settings".into()));
    assert_eq!(session.get("groq:default"), "made-up-key-1");
}

#[test]
fn a_file_without_the_newer_members_has_the_defaults() {
    let session = Session::new();
    let text = fs::read_to_string(session.home().join("settings.json")).unwrap();
    let json: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    let members: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["defaultStore", "format", "key", "vault"], "as every vault so far has it");
}

#[test]
fn a_locked_vault_says_that_they_are_not_verified() {
    let session = by_passphrase();
    let unlocked = |arguments: &[&str]| {
        session.run(["--passphrase-file", "pass"].into_iter().chain(arguments.iter().copied()))
    };
    unlocked(&["settings", "set", "default-agent", "work"]).ok();
    let listed = session.run(["settings", "list", "--json"]).ok();
    assert_eq!(listed.json()["verified"], false);
    assert_eq!(listed.json()["settings"][1]["value"], "work");
    assert!(listed.stderr.contains("not verified"), "{}", listed.stderr);
    assert_eq!(unlocked(&["settings", "list", "--json"]).ok().json()["verified"], true);
    set(&session, "color", "never").failed("LOCKED", 77);
    // Output obeys the file without a key.
    assert_eq!(session.run(["list", "--json"]).ok().json()["agents"][0]["agent"], "work");
}

#[test]
fn time_zone_and_colour_act_on_output() {
    let session = Session::new();
    let day = ["paste-token", "--provider", "groq", "--expires-at", "2030-01-01T20:00:00Z"];
    session.feed("made-up-token-1", day).ok();
    let list = |zone: Option<&str>| {
        let mut command = session.command(["list"]);
        command.env_remove("TZ");
        if let Some(zone) = zone {
            command.env("TZ", zone);
        }
        ran(command, b"").ok().stdout
    };
    set(&session, "time-zone", "Asia/Tokyo").ok();
    assert!(list(None).contains("2030-01-02 05:00"), "{}", list(None));
    assert!(list(Some("UTC")).contains("2030-01-01 20:00"));
    let paint = |more: &[&str], variable: Option<&str>| {
        let mut command = session.command(more.iter().copied().chain(["get", "no:such"]));
        command.envs(variable.map(|name| (name, "1")));
        ran(command, b"").stderr.contains("\x1b[")
    };
    assert!(!paint(&[], None));
    set(&session, "color", "always").ok();
    assert!(paint(&[], None));
    assert!(!paint(&[], Some("NO_COLOR")));
    assert!(!paint(&["--color", "never"], None) && !paint(&["--color=auto"], None));
    // Values that only a hostile hand could write change nothing.
    for (member, value) in
        [("timeZone", "../../../../etc/passwd"), ("color", "\u{1b}[2J"), ("timeZone", "No/Where")]
    {
        let text = fs::read_to_string(session.home().join("settings.json")).unwrap();
        let mut json: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        json[member] = value.into();
        session.write(".local/share/strongroom/settings.json", format!("{json}\nmac x\n"));
        let listed = list(None);
        assert!(listed.contains("2030-01-0") && !listed.contains('\u{1b}'), "{listed}");
        session.run(["settings", "list"]).ok();
    }
}

#[test]
fn a_fifo_or_a_link_in_its_place_stops_nothing() {
    let session = Session::new();
    let path = session.home().join("settings.json");
    fs::remove_file(&path).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    session.run(["list"]).ok();
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", &path).unwrap();
    session.run(["list"]).ok();
}
