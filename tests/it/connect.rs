//! `connect openclaw` and `disconnect openclaw` without the client itself, whose version an old store tells.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::session::Session;

const CONFIG: &str = "// mine\n{ gateway: { mode: \"local\" }, }\n";

/// Returns a vault with a profile, beside an OpenClaw up to 2026.6.1.
fn beside_openclaw() -> Session {
    let session = Session::new();
    session.paste("groq:one", "made-up-key-1");
    fs::create_dir_all(own(&session).parent().unwrap()).unwrap();
    fs::write(own(&session), r#"{"version":1,"profiles":{}}"#).unwrap();
    fs::write(config(&session), CONFIG).unwrap();
    session
}

fn config(session: &Session) -> PathBuf {
    session.path(".openclaw/openclaw.json")
}

fn own(session: &Session) -> PathBuf {
    session.path(".openclaw/agents/main/agent/auth-profiles.json")
}

fn references(session: &Session) -> Vec<String> {
    let store: Value = serde_json::from_slice(&fs::read(own(session)).unwrap()).unwrap();
    store["profiles"].as_object().unwrap().keys().cloned().collect()
}

#[test]
fn a_connection_is_shown_first_follows_each_change_and_is_undone() {
    let session = beside_openclaw();
    let shown = session.run(["connect", "openclaw", "--dry-run"]).ok();
    assert!(shown.stdout.contains("secrets: { providers: { strongroom: {"), "{}", shown.stdout);
    session.run(["connect", "openclaw"]).failed("NOT_CONFIRMED", 64);
    assert_eq!(fs::read_to_string(config(&session)).unwrap(), CONFIG);
    session.run(["connect", "openclaw", "--yes"]).ok();
    assert_eq!(references(&session), ["groq:one"]);
    session.paste("groq:two", "made-up-key-2");
    session.run(["rename", "groq:one", "groq:first"]).ok();
    session.run(["order", "set", "--provider", "groq", "groq:two"]).ok();
    session.run(["rekey", "--yes"]).ok();
    session.run(["remove", "groq:first", "--yes"]).ok();
    assert_eq!(references(&session), ["groq:two"]);
    let text = fs::read_to_string(config(&session)).unwrap();
    assert!(text.contains("\"groq:two\"") && !text.contains("groq:one"), "{text}");
    assert!(!fs::read_to_string(own(&session)).unwrap().contains("made-up-key"));
    session.run(["verify"]).ok();
    let gone = session.run(["disconnect", "openclaw", "--yes", "--json"]).ok().json();
    assert_eq!((&gone["identical"], &gone["left"]), (&json!(true), &json!([])));
    assert_eq!(fs::read_to_string(config(&session)).unwrap(), CONFIG);
    assert!(references(&session).is_empty());
    session.paste("groq:three", "made-up-key-3");
    assert!(references(&session).is_empty());
    session.run(["disconnect", "openclaw", "--yes"]).failed("NOT_FOUND", 66);
}

#[test]
fn limits_that_a_person_set_stay_and_go_with_the_connection() {
    let session = beside_openclaw();
    session.run(["connect", "openclaw", "--yes"]).ok();
    let text = fs::read_to_string(config(&session)).unwrap();
    fs::write(config(&session), text.replace(" timeoutMs: 5000", " timeoutMs: 9000")).unwrap();
    session.paste("groq:two", "made-up-key-2");
    let text = fs::read_to_string(config(&session)).unwrap();
    assert!(text.contains(" timeoutMs: 9000") && text.contains("groq:two"), "{text}");
    let gone = session.run(["disconnect", "openclaw", "--yes", "--json"]).ok().json();
    assert_eq!((&gone["identical"], &gone["left"]), (&json!(false), &json!([])), "{gone}");
    let text = fs::read_to_string(config(&session)).unwrap();
    assert!(!text.contains("strongroom") && text.contains("mode: \"local\""), "{text}");

    session.run(["connect", "openclaw", "--yes"]).ok();
    let text = fs::read_to_string(config(&session)).unwrap();
    fs::write(config(&session), text.replace(" timeoutMs: 5000", " timeoutMs: 9000")).unwrap();
    let gone = session.run(["disconnect", "openclaw", "--yes", "--json"]).ok().json();
    assert_eq!((&gone["identical"], &gone["left"]), (&json!(false), &json!([])), "{gone}");
    assert!(!fs::read_to_string(config(&session)).unwrap().contains("strongroom"));
}

#[test]
fn a_planted_connection_writes_nothing() {
    let session = beside_openclaw();
    session.run(["connect", "openclaw", "--yes"]).ok();
    let settings = session.home().join("settings.json");
    let target = session.path("elsewhere.json");
    let text = fs::read_to_string(&settings).unwrap();
    let planted = text.replace(own(&session).to_str().unwrap(), target.to_str().unwrap());
    assert_ne!(planted, text);
    fs::write(&settings, planted).unwrap();
    let ran = session.feed("made-up-key-2", ["paste-api-key", "--provider", "mistral"]).ok();
    assert!(ran.stderr.contains("strongroom connect openclaw"), "{}", ran.stderr);
    assert!(!target.exists());
    assert_eq!(session.get("mistral:default"), "made-up-key-2");
}

#[test]
fn a_lock_that_the_client_holds_delays_no_change_for_long_and_is_told() {
    let session = beside_openclaw();
    session.run(["connect", "openclaw", "--yes"]).ok();
    let lock = own(&session).with_file_name("auth-profiles.json.lock");
    fs::write(&lock, format!("{{\"pid\":{}}}", std::process::id())).unwrap();
    let paste = ["paste-api-key", "--provider", "mistral", "--lock-timeout", "300ms"];
    let ran = session.feed("made-up-key-2", paste).ok();
    assert!(ran.stderr.contains("is held by process"), "{}", ran.stderr);
    assert_eq!(references(&session), ["groq:one"]);
    fs::remove_file(&lock).unwrap();
    session.run(["connect", "openclaw", "--yes"]).ok();
    assert_eq!(references(&session), ["groq:one", "mistral:default"]);
}

#[test]
fn what_cannot_be_edited_or_read_is_not_touched() {
    let session = beside_openclaw();
    for (text, code) in [
        ("{ torn", "BAD_DATA"),
        ("[]", "BAD_DATA"),
        ("{ secrets: { $include: \"./more.json\" } }", "CONFIG"),
        ("{ secrets: { providers: { strongroom: { source: \"env\" } } } }", "EXISTS"),
        ("{ secrets: 1 }", "BAD_DATA"),
    ] {
        fs::write(config(&session), text).unwrap();
        let ran = session.run(["connect", "openclaw", "--yes"]);
        assert!(ran.status != 0 && ran.stderr.contains(&format!("[{code}]")), "{text}: {}", ran.stderr);
        assert_eq!(fs::read_to_string(config(&session)).unwrap(), text);
        assert!(references(&session).is_empty());
    }
    fs::write(config(&session), CONFIG).unwrap();
    fs::write(own(&session), "{ torn").unwrap();
    session.run(["connect", "openclaw", "--yes"]).failed("BAD_DATA", 65);
    assert_eq!(fs::read_to_string(own(&session)).unwrap(), "{ torn");
    assert_eq!(fs::read_to_string(config(&session)).unwrap(), CONFIG);
}

#[test]
fn a_vault_that_is_locked_connects_nothing() {
    let session = beside_openclaw();
    fs::remove_file(session.key_file()).unwrap();
    session.run(["connect", "openclaw", "--yes"]).failed("LOCKED", 77);
    assert_eq!(fs::read_to_string(config(&session)).unwrap(), CONFIG);
}

/// Returns what `doctor` finds about the client, each as its level and its text.
fn found(session: &Session) -> Vec<String> {
    let document = session.run(["doctor", "--json"]).json();
    let findings = document["findings"].as_array().unwrap().clone();
    let of_client = findings.into_iter().filter(|finding| finding["check"] == "client");
    of_client.map(|one| format!("{} {} {}", one["level"], one["what"], one["remedy"])).collect()
}

#[test]
fn doctor_names_what_is_wrong_with_the_clients_files() {
    let session = beside_openclaw();
    let only_mine = || std::os::unix::fs::PermissionsExt::from_mode(0o600);
    let private = || fs::set_permissions(own(&session), only_mine());
    private().unwrap();
    fs::set_permissions(config(&session), only_mine()).unwrap();
    session.run(["connect", "openclaw", "--yes"]).ok();
    assert!(found(&session).iter().all(|one| one.starts_with("\"ok\"")), "{:?}", found(&session));
    let connected = fs::read(own(&session)).unwrap();
    session.run(["disconnect", "openclaw", "--yes"]).ok();

    let store = json!({ "version": 1, "profiles": { "groq:plain": {
        "type": "api_key", "provider": "groq", "key": "made-up-key-plain" } } });
    fs::write(own(&session), store.to_string()).unwrap();
    let plain = found(&session).join("\n");
    assert!(plain.contains("groq:plain") && plain.contains("strongroom migrate openclaw"), "{plain}");
    assert!(!plain.contains("made-up-key"), "{plain}");

    session.run(["rename", "groq:one", "groq:other"]).ok();
    fs::write(own(&session), &connected).unwrap();
    let gone = found(&session).join("\n");
    assert!(
        gone.contains("does not have: groq:one") && gone.contains("strongroom connect openclaw"),
        "{gone}"
    );

    let lock = own(&session).with_file_name("auth-profiles.json.lock");
    fs::write(&lock, r#"{"pid":2147483646,"createdAt":"2026-01-01T00:00:00.000Z"}"#).unwrap();
    assert!(found(&session).iter().any(|one| one.contains("which is gone")), "{:?}", found(&session));
    fs::remove_file(&lock).unwrap();

    fs::set_permissions(own(&session), std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    assert!(found(&session).iter().any(|one| one.contains("chmod 600")), "{:?}", found(&session));
    private().unwrap();

    let database = session.path(".openclaw/state/openclaw.sqlite");
    fs::create_dir_all(database.parent().unwrap()).unwrap();
    let made = rusqlite::Connection::open(&database).unwrap();
    made.execute_batch("CREATE TABLE config_machine_state (state_key TEXT PRIMARY KEY, value_json TEXT, updated_at_ms INTEGER)")
        .unwrap();
    drop(made);
    let both = found(&session).join("\n");
    assert!(both.contains("stops if it finds") && both.contains("mv -n "), "{both}");
}

/// Returns a vault with a profile of two agents, connected to a client whose default agent is `ops`.
fn connected_to_ops() -> Session {
    let session = beside_openclaw();
    let ops = ["--agent", "ops", "paste-api-key", "--provider", "groq", "--profile-id", "groq:ops"];
    session.feed("made-up-key-2", ops).ok();
    fs::write(config(&session), "{ agents: { list: [{ id: \"main\" }, { id: \"ops\", default: true }] } }")
        .unwrap();
    let ran = session.run(["connect", "openclaw", "--yes"]).ok();
    assert!(ran.stdout.contains("agent ops"), "{}", ran.stdout);
    session
}

fn listed(session: &Session, before: &[&str]) -> String {
    let listed = session.run([before, &["list", "--json"]].concat()).ok().json();
    listed["agents"][0]["agent"].as_str().unwrap().to_owned()
}

#[test]
fn the_default_agent_of_a_connected_client_is_the_agent_of_commands_that_name_none() {
    let session = connected_to_ops();
    assert_eq!(
        (listed(&session, &[]), listed(&session, &["--agent", "main"])),
        ("ops".into(), "main".into())
    );
    let found = session.run(["settings", "get", "default-agent", "--json"]).ok().json();
    assert_eq!((&found["value"], &found["source"]), (&json!("ops"), &json!("connection openclaw")));
    session.paste("groq:new", "made-up-key-3");
    assert_eq!(session.run(["--agent", "ops", "get", "groq:new"]).ok().stdout, "made-up-key-3\n");
    session.run(["rekey", "--yes"]).ok();
    assert_eq!(listed(&session, &[]), "ops");
    session.run(["settings", "set", "default-agent", "main"]).ok();
    assert_eq!(listed(&session, &[]), "main");
    let unset = session.run(["settings", "unset", "default-agent"]).ok();
    assert_eq!(unset.stdout, "Unset default-agent: the default is ops (was main).\n");
    session.run(["connect", "openclaw", "--dry-run", "--json"]).ok();
    let gone = session.run(["disconnect", "openclaw", "--yes"]).ok();
    assert!(gone.stderr.contains("use agent main again"), "{}", gone.stderr);
    assert_eq!(listed(&session, &[]), "main");
}

#[test]
fn a_planted_default_agent_of_the_client_gets_no_secret() {
    let session = connected_to_ops();
    // In the client's configuration: it counts only after a person connected again.
    let text = fs::read_to_string(config(&session)).unwrap();
    let planted = text.replace("{ id: \"main\" }", "{ id: \"main\" }, { id: \"evil\", default: true }");
    let planted = planted.replace("id: \"ops\", default: true", "id: \"ops\"");
    assert_ne!(planted, text);
    fs::write(config(&session), planted).unwrap();
    session.paste("groq:new", "made-up-key-3");
    session.paste("groq:newer", "made-up-key-4");
    assert_eq!(session.run(["--agent", "ops", "get", "groq:newer"]).ok().stdout, "made-up-key-4\n");
    assert!(!session.home().join("agents/evil").exists());
    // In the settings.
    let settings = session.home().join("settings.json");
    let good = fs::read_to_string(&settings).unwrap();
    let planted = good.replace("\"defaultAgent\":\"ops\"", "\"defaultAgent\":\"evil\"");
    assert_ne!(planted, good);
    fs::write(&settings, planted).unwrap();
    session.feed("made-up-key-5", ["paste-api-key", "--provider", "groq"]).failed("TAMPERED", 65);
    session.run(["get", "groq:ops"]).failed("TAMPERED", 65);
    assert!(!session.home().join("agents/evil").exists());
    session.feed("made-up-key-5", ["--agent", "main", "paste-api-key", "--provider", "groq"]).ok();
    fs::write(&settings, good).unwrap();
    assert_eq!(session.get("groq:ops"), "made-up-key-2");
}

/// Sets an order as the client of 2026.6.1 does, for the agent main.
fn order_in_openclaw(session: &Session, orders: &Value) {
    let state = own(session).with_file_name("auth-state.json");
    fs::write(state, json!({ "version": 1, "order": orders, "mine": 1.50 }).to_string()).unwrap();
}

fn order_of(session: &Session, provider: &str) -> Value {
    session.run(["order", "get", "--provider", provider, "--json"]).ok().json()["order"].clone()
}

#[test]
fn an_order_that_openclaw_stores_is_read_back_if_the_vault_has_none() {
    let session = beside_openclaw();
    session.paste("groq:two", "made-up-key-2");
    session.paste("zai:one", "made-up-key-3");
    session.paste("zai:two", "made-up-key-4");
    session.run(["order", "set", "--provider", "zai", "zai:two"]).ok();
    order_in_openclaw(
        &session,
        &json!({ "groq": ["groq:two", "groq:mine", "groq:one"], "zai": ["zai:one"], "xai": ["xai:gone"] }),
    );
    let plan = session.run(["connect", "openclaw", "--dry-run"]).ok().stdout;
    assert!(plan.contains("Order of groq (agent main), as set in OpenClaw: groq:two, groq:one\n"), "{plan}");
    assert!(!plan.contains("Order of zai") && !plan.contains("Order of xai"), "{plan}");
    assert_eq!(order_of(&session, "groq"), Value::Null);

    let done = session.run(["connect", "openclaw", "--yes", "--json"]).ok().json();
    let read = json!([{ "agent": "main", "provider": "groq", "ids": ["groq:two", "groq:one"] }]);
    assert_eq!(done["orders"], read);
    assert_eq!(order_of(&session, "groq"), json!(["groq:two", "groq:one"]));
    assert_eq!(order_of(&session, "zai"), json!(["zai:two"]));
    let text = fs::read_to_string(config(&session)).unwrap();
    assert!(text.contains("\"groq:two\", \"groq:one\"") || text.contains("groq: [\"groq:two\""), "{text}");
    let state = fs::read_to_string(own(&session).with_file_name("auth-state.json")).unwrap();
    assert!(state.contains("groq:mine") && state.contains("1.5"), "{state}");
    let again = session.run(["connect", "openclaw", "--yes", "--json"]).ok().json();
    assert_eq!((&again["result"], &again["orders"]), (&json!("unchanged"), &json!([])));
}

#[test]
fn an_order_that_openclaw_sets_later_is_read_back_at_the_next_change() {
    let session = beside_openclaw();
    session.run(["connect", "openclaw", "--yes"]).ok();
    order_in_openclaw(&session, &json!({ "groq": ["groq:two", "groq:one"] }));
    let changed =
        session.feed("made-up-key-2", ["paste-api-key", "--provider", "groq", "--profile-id", "groq:two"]);
    let told = "The order of groq (agent main) is now the one set in OpenClaw: groq:two, groq:one";
    assert!(changed.ok().stderr.contains(told));
    assert_eq!(order_of(&session, "groq"), json!(["groq:two", "groq:one"]));
    // What came from OpenClaw follows it, until someone sets it here.
    order_in_openclaw(&session, &json!({ "groq": ["groq:one"] }));
    session.paste("zai:one", "made-up-key-3");
    assert_eq!(order_of(&session, "groq"), json!(["groq:one"]));
    session.run(["order", "set", "--provider", "groq", "groq:two"]).ok();
    order_in_openclaw(&session, &json!({ "groq": ["groq:one", "groq:two"] }));
    session.paste("zai:two", "made-up-key-4");
    assert_eq!(order_of(&session, "groq"), json!(["groq:two"]));
}

#[test]
fn an_order_that_was_cleared_is_not_read_back_again() {
    let session = beside_openclaw();
    order_in_openclaw(&session, &json!({ "groq": ["groq:one"] }));
    session.run(["connect", "openclaw", "--yes"]).ok();
    assert_eq!(order_of(&session, "groq"), json!(["groq:one"]));
    session.run(["order", "clear", "--provider", "groq"]).ok();
    session.paste("zai:one", "made-up-key-3");
    assert_eq!(order_of(&session, "groq"), Value::Null);
    session.run(["disconnect", "openclaw", "--yes"]).ok();
    session.run(["connect", "openclaw", "--yes"]).ok();
    assert_eq!(order_of(&session, "groq"), json!(["groq:one"]));
}

#[test]
fn an_order_in_the_file_of_an_older_openclaw_is_read_back_and_stays() {
    let session = beside_openclaw();
    let store = json!({ "version": 1, "profiles": {}, "order": { "GROQ": ["groq:one"] } });
    fs::write(own(&session), store.to_string()).unwrap();
    let state = own(&session).with_file_name("auth-state.json");
    fs::write(&state, "{ torn").unwrap();
    session.run(["connect", "openclaw", "--yes"]).ok();
    assert_eq!(order_of(&session, "groq"), Value::Null, "what cannot be read is not guessed");
    fs::remove_file(&state).unwrap();
    session.run(["connect", "openclaw", "--yes"]).ok();
    assert_eq!(order_of(&session, "groq"), json!(["groq:one"]));
    assert!(fs::read_to_string(own(&session)).unwrap().contains("\"GROQ\""));
}
