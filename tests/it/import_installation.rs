//! A whole installation of OpenClaw as the source of an import, and files in the directories of its agents.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::session::Session;

pub fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
}

fn profiles(id: &str, key: &str) -> String {
    let provider = id.split(':').next().unwrap();
    json!({ "version": 1, "profiles": { id: { "type": "api_key", "provider": provider, "key": key } } })
        .to_string()
}

/// Makes a database of OpenClaw 2026.9.6 with one document.
pub fn database(path: &Path, make: &str, document: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let database = rusqlite::Connection::open(path).unwrap();
    database.execute_batch(make).unwrap();
    let table = if make.contains("config_machine_state") {
        "INSERT INTO config_machine_state VALUES ('authProfiles.store', ?1, 1)"
    } else {
        "INSERT INTO auth_profile_store VALUES ('primary', ?1, 1)"
    };
    database.execute(table, [document]).unwrap();
}
/// The table of the shared database.
pub const SHARED: &str =
    "CREATE TABLE config_machine_state (state_key TEXT PRIMARY KEY, value_json TEXT, updated_at_ms INTEGER)";
/// The table of an agent's database.
pub const OF_AGENT: &str =
    "CREATE TABLE auth_profile_store (store_key TEXT PRIMARY KEY, store_json TEXT, updated_at INTEGER)";

fn installation(session: &Session) -> std::path::PathBuf {
    let state = session.path("state");
    let agent = |name: &str, file: &str| state.join("agents").join(name).join("agent").join(file);
    write(&agent("main", "auth-profiles.json"), &profiles("groq:json", "made-up-key-json"));
    write(&agent("ops", "auth-profiles.json"), &profiles("groq:ops", "made-up-key-ops"));
    database(&agent("lab", "openclaw-agent.sqlite"), OF_AGENT, &profiles("groq:lab", "made-up-key-lab"));
    database(&state.join("state/openclaw.sqlite"), SHARED, &profiles("groq:shared", "made-up-key-shared"));
    write(&state.join(".env"), "MISTRAL_API_KEY=made-up-key-env\n");
    write(
        &state.join("openclaw.json"),
        r#"{ models: { providers: { zai: { baseUrl: "https://api.z.ai", apiKey: "made-up-key-config", models: [] } } } }"#,
    );
    state
}

#[test]
fn a_whole_installation_goes_to_its_agents_and_is_not_changed() {
    let session = Session::new();
    let state = installation(&session);
    let before = crate::session::snapshot(&state);
    let state = state.to_str().unwrap();
    let plan = session.run(["import", state, "--dry-run", "--json"]).ok().sane("made-up-key").json();
    assert_eq!(plan["writes"], 6, "{plan}");
    let ran = session.run(["import", state]).ok().sane("made-up-key");
    assert!(ran.stderr.contains("migrate openclaw"), "{}", ran.stderr);
    for (agent, id, key) in [
        ("main", "groq:json", "made-up-key-json"),
        ("ops", "groq:ops", "made-up-key-ops"),
        ("lab", "groq:lab", "made-up-key-lab"),
        ("main", "groq:shared", "made-up-key-shared"),
        ("main", "mistral:default", "made-up-key-env"),
        ("main", "zai:default", "made-up-key-config"),
    ] {
        let got = session.run(["get", id, "--agent", agent]).ok().stdout;
        assert_eq!(got.trim_end(), key, "{agent} {id}");
    }
    assert_eq!(crate::session::snapshot(Path::new(state)), before);
    let again = session.run(["import", state, "--json"]).ok().json();
    assert_eq!(again["writes"], 0, "{again}");
    session.run(["verify"]).ok();
}

#[test]
fn of_two_stores_the_one_that_openclaw_uses_counts() {
    let session = Session::new();
    let state = session.path("state");
    let own = state.join("agents/main/agent");
    write(&own.join("auth-profiles.json"), &profiles("groq:one", "made-up-key-file"));
    database(&own.join("openclaw-agent.sqlite"), OF_AGENT, &profiles("groq:one", "made-up-key-own"));
    database(&state.join("state/openclaw.sqlite"), SHARED, &profiles("groq:one", "made-up-key-shared"));
    let ran = session.run(["import", state.to_str().unwrap()]).ok();
    assert_eq!(ran.stdout.matches("OpenClaw uses another one of this id").count(), 2, "{}", ran.stdout);
    assert_eq!(session.get("groq:one"), "made-up-key-own");
}

#[test]
fn a_file_goes_to_the_agent_in_whose_directory_it_is() {
    let session = Session::new();
    let state = installation(&session);
    let file = state.join("agents/ops/agent/auth-profiles.json");
    let ran = session.run(["import", file.to_str().unwrap()]).ok();
    assert!(ran.stderr.contains("for agent ops"), "{}", ran.stderr);
    assert_eq!(session.run(["get", "groq:ops", "--agent", "ops"]).ok().stdout, "made-up-key-ops\n");
    let database = state.join("agents/lab/agent/openclaw-agent.sqlite");
    session.run(["import", database.to_str().unwrap(), "--agent", "mine"]).ok();
    assert_eq!(session.run(["get", "groq:lab", "--agent", "mine"]).ok().stdout, "made-up-key-lab\n");
}

#[test]
fn a_directory_without_openclaw_and_a_damaged_store_are_refused_by_name() {
    let session = Session::new();
    fs::create_dir(session.path("empty")).unwrap();
    session.run(["import", "empty"]).failed("NO_INPUT", 66);
    let state = installation(&session);
    write(&state.join("agents/ops/agent/auth-profiles.json"), "{ torn");
    let ran = session.run(["import", state.to_str().unwrap()]).failed("BAD_DATA", 65);
    assert!(ran.stderr.contains("agents/ops/agent/auth-profiles.json"), "{}", ran.stderr);
    session.run(["list", "--all-agents"]).ok();
    session.run(["get", "groq:json"]).failed("NOT_FOUND", 66);
}

const STATE_OF_AGENT: &str =
    "CREATE TABLE auth_profile_state (state_key TEXT PRIMARY KEY, state_json TEXT, updated_at INTEGER)";

#[test]
fn the_orders_of_every_agent_come_with_its_profiles() {
    let session = Session::new();
    let state = installation(&session);
    let agent = |name: &str, file: &str| state.join("agents").join(name).join("agent").join(file);
    // 2026.6.1 keeps an order beside the profiles, 2026.2.26 among them, and 2026.9.6 in the agent's database, also that
    // of shared profiles.
    write(&agent("main", "auth-state.json"), r#"{"version":1,"order":{"groq":["groq:gone","groq:json"]}}"#);
    let two = json!({ "version": 1, "order": { "groq": ["groq:second", "groq:first"], "zai": ["zai:x"] }, "profiles": {
        "groq:first": { "type": "api_key", "provider": "groq", "key": "made-up-key-first" },
        "groq:second": { "type": "api_key", "provider": "groq", "key": "made-up-key-second" } } });
    write(&agent("ops", "auth-profiles.json"), &two.to_string());
    let lab = rusqlite::Connection::open(agent("lab", "openclaw-agent.sqlite")).unwrap();
    lab.execute_batch(STATE_OF_AGENT).unwrap();
    let order = r#"{"version":1,"order":{"groq":["groq:shared","groq:lab"]}}"#;
    lab.execute("INSERT INTO auth_profile_state VALUES ('primary', ?1, 1)", [order]).unwrap();
    drop(lab);
    let state = state.to_str().unwrap();
    let plan = session.run(["import", state, "--dry-run", "--json"]).ok().json();
    let orders = json!([
        { "agent": "lab", "provider": "groq", "ids": ["groq:lab"] },
        { "agent": "main", "provider": "groq", "ids": ["groq:json"] },
        { "agent": "ops", "provider": "groq", "ids": ["groq:second", "groq:first"] },
    ]);
    assert_eq!(plan["orders"], orders, "{plan}");
    let ran = session.run(["import", state, "--rename", "groq:second=groq:2nd"]).ok();
    assert!(ran.stdout.contains("order      ops/groq: groq:2nd, groq:first\n"), "{}", ran.stdout);
    let order_of = |agent: &str| {
        session.run(["order", "get", "--provider", "groq", "--agent", agent, "--json"]).ok().json()["order"]
            .clone()
    };
    assert_eq!(order_of("main"), json!(["groq:json"]));
    assert_eq!(order_of("lab"), json!(["groq:lab"]));
    assert_eq!(order_of("ops"), json!(["groq:2nd", "groq:first"]));
}

#[test]
fn an_order_that_was_set_here_stays_and_is_not_in_the_plan() {
    let session = Session::new();
    let state = installation(&session);
    session.paste("groq:mine", "made-up-key-mine");
    session.run(["order", "set", "--provider", "groq", "groq:mine"]).ok();
    let own = state.join("agents/main/agent/auth-state.json");
    write(&own, r#"{"version":1,"order":{"groq":["groq:shared","groq:json"]}}"#);
    let ran = session.run(["import", state.to_str().unwrap()]).ok();
    assert!(!ran.stdout.contains("order  "), "{}", ran.stdout);
    let order = session.run(["order", "get", "--provider", "groq", "--json"]).ok().json();
    assert_eq!(order["order"], json!(["groq:mine"]));
}
