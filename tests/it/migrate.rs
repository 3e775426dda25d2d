//! `migrate openclaw` without the client itself, whose stores tell its version.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::session::{Session, snapshot};

const CONFIG: &str = "// mine\n{ gateway: { mode: 'local' }, // keep\n  env: { XAI_API_KEY: 'made-up-xai-key', HOST: 'x' },
  models: { providers: { lab: { baseUrl: 'http://127.0.0.1:9', apiKey: 'made-up-lab-key', models: [] } } },\n}\n";
const SHARED_TABLES: &str = "PRAGMA journal_mode = WAL;
    CREATE TABLE config_machine_state (
        state_key TEXT NOT NULL PRIMARY KEY, value_json TEXT NOT NULL, updated_at_ms INTEGER NOT NULL) STRICT;
    CREATE TABLE secret_store_entries (
        scope_kind TEXT NOT NULL, scope_id TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, kind TEXT NOT NULL,
        created_at_ms INTEGER NOT NULL, updated_at_ms INTEGER NOT NULL, updated_by TEXT, deleted_at_ms INTEGER,
        allowed_hosts TEXT, PRIMARY KEY (scope_kind, scope_id, name)) STRICT;
    INSERT INTO config_machine_state VALUES ('auth.sharedStore', '{\"location\":\"state-db\"}', 1);";
const AGENT_TABLES: &str = "PRAGMA journal_mode = WAL;
    CREATE TABLE auth_profile_store (
        store_key TEXT NOT NULL PRIMARY KEY, store_json TEXT NOT NULL, updated_at INTEGER NOT NULL) STRICT;";

/// Files of OpenClaw beside a vault.
pub struct Beside {
    pub session: Session,
    pub state: PathBuf,
}

impl Beside {
    pub fn new() -> Self {
        let session = Session::new();
        let state = session.path(".openclaw");
        Self { session, state }
    }

    pub fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.state.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        path
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.state.join(path)).unwrap()
    }

    /// The files of a client up to 2026.6.1, with two agents and a copy of each file.
    pub fn in_files() -> Self {
        let of = Self::new();
        of.write(MAIN, &profiles(&[("groq:one", "made-up-groq-one")]));
        of.write("agents/ops/agent/auth-profiles.json", &profiles(&[("groq:ops", "made-up-groq-ops")]));
        of.write(".env", "# mine\nOPENAI_API_KEY='made-up-openai-key' # two\nOTHER=1\n");
        of.write("openclaw.json", CONFIG);
        of.write("openclaw.json.bak", CONFIG);
        of.write(".env.bak", "OPENAI_API_KEY=made-up-openai-key\nMORE=2\n");
        of.write(
            "agents/main/agent/models.json",
            r#"{"providers":{"groq":{"apiKey":"made-up-groq-one","models":[]}}}"#,
        );
        of.write(&format!("{MAIN}.bak"), &profiles(&[("groq:one", "made-up-groq-one")]));
        of
    }

    /// The databases of a client from 2026.6.5 on; the shared one had an older secret before.
    pub fn in_databases() -> Self {
        let of = Self::new();
        let shared = rusqlite::Connection::open(of.write("state/openclaw.sqlite", "")).unwrap();
        shared.execute_batch(SHARED_TABLES).unwrap();
        let put = "INSERT OR REPLACE INTO config_machine_state VALUES ('authProfiles.store', ?1, 1)";
        shared.execute(put, [profiles(&[("groq:one", "made-up-groq-one")])]).unwrap();
        let entry =
            "INSERT INTO secret_store_entries VALUES ('team', '', ?1, ?2, ?3, 1, 1, 'cli', NULL, NULL)";
        shared.execute(entry, ["GROQ_API_KEY", "made-up-named-key", "secret"]).unwrap();
        shared.execute(entry, ["FOR_COMMANDS", "made-up-named-env", "env"]).unwrap();
        let own = rusqlite::Connection::open(of.write("agents/ops/agent/openclaw-agent.sqlite", "")).unwrap();
        own.execute_batch(AGENT_TABLES).unwrap();
        let put = "INSERT INTO auth_profile_store VALUES ('primary', ?1, 1)";
        own.execute(put, [profiles(&[("groq:ops", "made-up-groq-ops")])]).unwrap();
        of.write("openclaw.json", "{ models: { providers: { groq: { apiKey: { source: 'store', provider: 'default', id: 'GROQ_API_KEY' } } } } }\n");
        of
    }

    pub fn migrate(&self) -> Value {
        self.session.run(["migrate", "openclaw", "--yes", "--json"]).ok().json()
    }

    pub fn has(&self, secret: &str) -> bool {
        snapshot(&self.state)
            .iter()
            .any(|(_, _, bytes)| memchr::memmem::find(bytes, secret.as_bytes()).is_some())
    }
}

pub const MAIN: &str = "agents/main/agent/auth-profiles.json";

pub fn profiles(all: &[(&str, &str)]) -> String {
    let entry = |(id, key): &(&str, &str)| {
        (id.to_string(), json!({ "type": "api_key", "provider": id.split(':').next().unwrap(), "key": key }))
    };
    let all: serde_json::Map<String, Value> = all.iter().map(entry).collect();
    json!({ "version": 1, "profiles": all }).to_string()
}

pub fn references(document: &str) -> Vec<String> {
    let document: Value = serde_json::from_str(document).unwrap();
    let of =
        |(id, entry): (&String, &Value)| format!("{id} {}", entry["keyRef"]["id"].as_str().unwrap_or("-"));
    document["profiles"].as_object().unwrap().iter().map(of).collect()
}

pub fn document(path: &Path, query: &str) -> String {
    let database = rusqlite::Connection::open(path).unwrap();
    database.query_row(query, [], |row| row.get(0)).unwrap()
}

#[test]
fn every_plaintext_of_the_files_goes_and_the_rest_of_them_stays() {
    let beside = Beside::in_files();
    let before = snapshot(&beside.state);
    let plan =
        beside.session.run(["migrate", "openclaw", "--dry-run", "--json"]).ok().sane("made-up-").json();
    assert_eq!(
        (&plan["result"], plan["plaintext"].as_array().unwrap().len()),
        (&json!("dry-run"), 5),
        "{plan}"
    );
    beside.session.run(["migrate", "openclaw"]).failed("NOT_CONFIRMED", 64);
    assert!(snapshot(&beside.state) == before, "neither writes anything");
    let receipt = beside.migrate();
    assert_eq!(
        (&receipt["result"], &receipt["stored"], &receipt["left"]),
        (&json!("migrated"), &json!(5), &json!([]))
    );
    assert!(!beside.has("made-up-"), "{receipt}");
    for (agent, id, key) in [
        ("main", "groq:one", "made-up-groq-one"),
        ("ops", "groq:ops", "made-up-groq-ops"),
        ("main", "openai:default", "made-up-openai-key"),
        ("main", "xai:default", "made-up-xai-key"),
        ("main", "lab:default", "made-up-lab-key"),
    ] {
        assert_eq!(beside.session.run(["get", id, "--agent", agent]).ok().stdout, format!("{key}\n"));
    }
    assert_eq!(
        references(&beside.read(MAIN)),
        [
            "groq:one main/groq:one",
            "lab:default main/lab:default",
            "openai:default main/openai:default",
            "xai:default main/xai:default"
        ]
    );
    assert_eq!(beside.read(".env"), "# mine\nOTHER=1\n");
    assert_eq!(beside.read(".env.bak"), "MORE=2\n");
    assert_eq!(beside.read("agents/main/agent/models.json"), r#"{"providers":{"groq":{"models":[]}}}"#);
    assert!(!beside.state.join(format!("{MAIN}.bak")).exists(), "an archive without anything else goes");
    let (config, copy) = (beside.read("openclaw.json"), beside.read("openclaw.json.bak"));
    assert!(config.contains("// keep") && config.contains("HOST: 'x'"), "{config}");
    assert!(!config.contains("apiKey") && copy.contains("// keep"), "{config} {copy}");
    beside.session.run(["verify"]).ok();

    let again = beside.migrate();
    assert_eq!(
        (&again["stored"], &again["stores"], &again["removed"]),
        (&json!(0), &json!([]), &json!([])),
        "{again}"
    );
    beside.session.feed("made-up-groq-new", ["rotate", "groq:one"]).ok();
    assert_eq!(beside.read("openclaw.json"), config, "a rotation needs no change of the configuration");
    let gone = beside.session.run(["disconnect", "openclaw", "--yes", "--json"]).ok().json();
    assert_eq!(gone["identical"], json!(true), "{gone}");
    assert!(!beside.has("made-up-") && !beside.has("strongroom"), "no secret and no reference comes back");
    assert!(beside.read("openclaw.json").contains("// keep"));
}

#[test]
fn a_database_that_another_program_has_open_stops_it_before_anything_is_written() {
    let beside = Beside::in_databases();
    let held = rusqlite::Connection::open(beside.state.join("state/openclaw.sqlite")).unwrap();
    held.query_row("SELECT count(*) FROM config_machine_state", [], |row| row.get::<_, i64>(0)).unwrap();
    let refused = beside.session.run(["migrate", "openclaw", "--yes"]).failed("LOCK_TIMEOUT", 75);
    assert!(refused.stderr.contains("openclaw gateway stop"), "{}", refused.stderr);
    beside.session.run(["get", "groq:one"]).failed("NOT_FOUND", 66);
    assert!(beside.read("openclaw.json").contains("'store'"));
    drop(held);
    beside.session.run(["migrate", "openclaw", "--yes"]).failed("FINDINGS", 65);
}

#[test]
fn a_secret_that_the_vault_has_under_another_value_is_refused_until_a_person_decides() {
    let beside = Beside::in_files();
    beside.session.paste("groq:one", "made-up-of-the-vault");
    let before = snapshot(&beside.state);
    let refused = beside.session.run(["migrate", "openclaw", "--yes"]).failed("CONFLICT", 73);
    assert!(
        refused.stderr.contains("main/groq:one") && refused.stderr.contains("--on-conflict replace"),
        "{}",
        refused.stderr
    );
    assert!(snapshot(&beside.state) == before);
    let state = beside.state.to_str().unwrap();
    beside.session.run(["import", state, "--on-conflict", "rename"]).ok();
    beside.migrate();
    assert!(!beside.has("made-up-"));
    assert_eq!(beside.session.get("groq:one"), "made-up-of-the-vault");
}

#[test]
fn an_earlier_version_counts_as_stored_and_the_client_gets_the_current_one() {
    let beside = Beside::in_files();
    beside.session.paste("groq:one", "made-up-groq-one");
    beside.session.feed("made-up-groq-new", ["rotate", "groq:one"]).ok();
    beside.migrate();
    assert!(!beside.has("made-up-"));
    assert_eq!(references(&beside.read(MAIN))[0], "groq:one main/groq:one");
    assert_eq!(beside.session.get("groq:one"), "made-up-groq-new");
}

#[test]
fn what_is_needed_elsewhere_or_cannot_be_stored_stays_and_is_named() {
    let beside = Beside::in_files();
    beside.write(
        ".env",
        "OPENAI_API_KEY=made-up-openai-key\nGROQ_API_KEY=made-up-env-1\nGROQ_API_KEY=made-up-env-2\n",
    );
    beside.write(
        MAIN,
        r#"{"version":1,"profiles":{"x:me":{"type":"oauth","provider":"x","access":"made-up-access","refresh":"made-up-refresh"},"x:y z":{"type":"api_key","provider":"x","key":"made-up-odd-id"}}}"#,
    );
    beside.write("openclaw.json", "{ tools: { search: { key: '${OPENAI_API_KEY}' } } }\n");
    let ran = beside.session.run(["migrate", "openclaw", "--yes", "--json"]).failed("FINDINGS", 65);
    let receipt = ran.json();
    let left: Vec<_> = receipt["left"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["what"].as_str().unwrap(), one["why"].as_str().unwrap()))
        .collect();
    for expected in [
        ("x:me", "OpenClaw renews this sign-in itself"),
        ("OPENAI_API_KEY", "something else in the configuration needs it"),
        ("GROQ_API_KEY", "the file sets it more than once"),
    ] {
        assert!(left.contains(&expected), "{left:?}");
    }
    assert!(left.iter().any(|(_, why)| *why == "the vault does not have it"), "{left:?}");
    assert!(beside.has("made-up-access") && beside.has("made-up-odd-id") && beside.has("made-up-env-1"));
    assert_eq!(
        beside.read(".env"),
        "OPENAI_API_KEY=made-up-openai-key\nGROQ_API_KEY=made-up-env-1\nGROQ_API_KEY=made-up-env-2\n"
    );
}

#[test]
fn a_key_that_is_another_providers_profile_becomes_a_reference_in_the_configuration() {
    let beside = Beside::in_files();
    beside.session.paste("groq:same", "made-up-lab-key");
    beside.migrate();
    let config = beside.read("openclaw.json");
    assert!(config.contains("id: 'main/groq:same'") && !beside.has("made-up-"), "{config}");
    beside.session.run(["connect", "openclaw", "--yes"]).ok();
    assert_eq!(beside.read("openclaw.json"), config, "connecting keeps it");
    beside.session.run(["disconnect", "openclaw", "--yes"]).ok();
    assert!(!beside.read("openclaw.json").contains("apiKey"));
}

#[test]
fn a_file_that_is_no_store_is_reported_and_not_touched() {
    let beside = Beside::in_files();
    let log = beside.write("logs/gateway.log", "request with made-up-groq-one\n");
    let ran = beside.session.run(["migrate", "openclaw", "--yes"]).failed("FINDINGS", 65);
    assert!(ran.stderr.contains("logs/gateway.log has the secret of main/groq:one"), "{}", ran.stderr);
    assert_eq!(fs::read_to_string(log).unwrap(), "request with made-up-groq-one\n");
}

#[test]
fn a_secret_that_only_a_copy_has_stays_there_and_is_named() {
    let beside = Beside::in_files();
    let archive = format!("{MAIN}.migrated-2026-11-01T00-00-00-a");
    beside.write(&archive, &profiles(&[("groq:one", "made-up-groq-one"), ("groq:old", "made-up-groq-old")]));
    beside.write(
        "openclaw.json.bak",
        "{ env: { GROQ_API_KEY: 'made-up-only-here', XAI_API_KEY: 'made-up-xai-key' } }",
    );
    let receipt =
        beside.session.run(["migrate", "openclaw", "--yes", "--json"]).failed("FINDINGS", 65).json();
    let left: Vec<_> =
        receipt["left"].as_array().unwrap().iter().map(|one| one["what"].as_str().unwrap()).collect();
    assert_eq!(left, ["groq:old", "env.GROQ_API_KEY"], "{receipt}");
    assert_eq!(beside.read(&archive), profiles(&[("groq:old", "made-up-groq-old")]));
    assert_eq!(beside.read("openclaw.json.bak"), "{ env: { GROQ_API_KEY: 'made-up-only-here' } }");
}

#[test]
fn files_that_cannot_be_read_stop_it_before_anything_is_written() {
    for (path, text) in [
        (MAIN, "{ torn"),
        ("openclaw.json", "{ torn"),
        ("agents/ops/agent/openclaw-agent.sqlite", "no database at all"),
    ] {
        let beside = Beside::in_files();
        beside.write(path, text);
        let before = snapshot(&beside.state);
        let ran = beside.session.run(["migrate", "openclaw", "--yes"]);
        assert_eq!(ran.status, 65, "{path}: {}", ran.stderr);
        assert!(snapshot(&beside.state) == before, "{path}");
        beside.session.run(["get", "groq:one"]).failed("NOT_FOUND", 66);
    }
}

#[test]
fn databases_get_references_and_keep_no_byte_of_a_secret_in_free_pages() {
    let beside = Beside::in_databases();
    beside.write(".env", "OPENAI_API_KEY=made-up-openai-key\n");
    // An entry that commands get stays, and is what is found.
    let receipt =
        beside.session.run(["migrate", "openclaw", "--yes", "--json"]).failed("FINDINGS", 65).json();
    assert_eq!(receipt["left"].as_array().unwrap().len(), 1, "{receipt}");
    assert_eq!((&receipt["found"], &receipt["stored"]), (&json!([]), &json!(4)));
    let shared = beside.state.join("state/openclaw.sqlite");
    let of_shared = "SELECT value_json FROM config_machine_state WHERE state_key = 'authProfiles.store'";
    // All agents of the client use what was in `.env`.
    assert_eq!(
        references(&document(&shared, of_shared)),
        [
            "groq:one main/groq:one",
            "groq:store-groq-api-key main/groq:store-groq-api-key",
            "openai:default main/openai:default",
        ]
    );
    let own = beside.state.join("agents/ops/agent/openclaw-agent.sqlite");
    assert_eq!(
        references(&document(&own, "SELECT store_json FROM auth_profile_store")),
        ["groq:ops ops/groq:ops"]
    );
    assert_eq!(document(&shared, "SELECT group_concat(name) FROM secret_store_entries"), "FOR_COMMANDS");
    for gone in ["made-up-groq-one", "made-up-groq-ops", "made-up-named-key", "made-up-openai-key"] {
        assert!(!beside.has(gone), "{gone}");
    }
    assert!(!beside.read("openclaw.json").contains("apiKey"));
    let again = beside.session.run(["migrate", "openclaw", "--yes", "--json"]).failed("FINDINGS", 65).json();
    assert_eq!((&again["stored"], &again["stores"]), (&json!(0), &json!([])), "{again}");
}
