//! What `doctor` finds of OpenClaw: each kind of finding, from several states that lead to it. No finding quotes a secret.

mod files;
mod plaintext;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::session::{Session, binary};

const MAIN: &str = ".openclaw/agents/main/agent/auth-profiles.json";
const CONFIG: &str = ".openclaw/openclaw.json";
/// A part of every secret here.
const CANARY: &str = "made-up-canary";

/// Writes a private file and the directories above it.
fn write(session: &Session, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
    fs::create_dir_all(session.path(name).parent().unwrap()).unwrap();
    session.write(name, contents)
}

fn key(id: &str) -> (String, Value) {
    let provider = id.split(':').next().unwrap();
    (id.to_owned(), json!({ "type": "api_key", "provider": provider, "key": format!("{CANARY}-{id}") }))
}

fn to(id: &str, source: &str, alias: &str, reference: &str) -> (String, Value) {
    let provider = id.split(':').next().unwrap();
    let reference = json!({ "source": source, "provider": alias, "id": reference });
    (id.to_owned(), json!({ "type": "api_key", "provider": provider, "keyRef": reference }))
}

fn ours(id: &str) -> (String, Value) {
    to(id, "exec", "strongroom", &format!("main/{id}"))
}

fn store(profiles: &[(String, Value)]) -> String {
    let profiles: serde_json::Map<_, _> = profiles.iter().cloned().collect();
    json!({ "version": 1, "profiles": profiles }).to_string()
}

/// Writes the database of an agent, or the one that all share.
fn database(session: &Session, agent: Option<&str>, profiles: &[(String, Value)]) -> PathBuf {
    let name = agent.map_or(".openclaw/state/openclaw.sqlite".to_owned(), |agent| {
        format!(".openclaw/agents/{agent}/agent/openclaw-agent.sqlite")
    });
    let path = session.path(&name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let made = Connection::open(&path).unwrap();
    made.execute_batch(
        "CREATE TABLE IF NOT EXISTS config_machine_state (state_key TEXT PRIMARY KEY, value_json TEXT, updated_at_ms INTEGER);
         CREATE TABLE IF NOT EXISTS auth_profile_store (store_key TEXT PRIMARY KEY, store_json TEXT, updated_at INTEGER);",
    )
    .unwrap();
    let put = match agent {
        Some(_) => "INSERT OR REPLACE INTO auth_profile_store VALUES ('primary', ?1, 1)",
        None => "INSERT OR REPLACE INTO config_machine_state VALUES ('authProfiles.store', ?1, 1)",
    };
    made.execute(put, [store(profiles)]).unwrap();
    if agent.is_none() {
        made.execute(
            "INSERT OR REPLACE INTO config_machine_state VALUES ('auth.sharedStore', '{\"location\":\"state-db\"}', 1)",
            [],
        )
        .unwrap();
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

/// Returns the findings with a code: level, code, and what is said.
fn all(session: &Session, arguments: &[&str]) -> Vec<(String, String, String)> {
    let ran = session.run(["doctor", "--json"].iter().chain(arguments)).sane(CANARY);
    let document = ran.json();
    let findings = document["findings"].as_array().unwrap().clone();
    let text = |of: &Value, name: &str| of[name].as_str().unwrap_or_default().to_owned();
    let coded = findings.iter().filter(|one| one["code"].is_string());
    let told = coded.map(|one| {
        (text(one, "level"), text(one, "code"), format!("{} → {}", text(one, "what"), text(one, "remedy")))
    });
    let told: Vec<_> = told.collect();
    let is_wrong = findings.iter().any(|one| one["level"] == "wrong");
    assert_eq!(ran.status, if is_wrong { 65 } else { 0 });
    told
}

/// Returns the codes, each with its level.
fn codes(session: &Session) -> Vec<String> {
    all(session, &[]).into_iter().map(|(level, code, _)| format!("{level} {code}")).collect()
}

#[track_caller]
fn has(session: &Session, level: &str, code: &str, parts: &[&str]) {
    let found = all(session, &[]);
    let fits = |one: &&(String, String, String)| {
        one.0 == level && one.1 == code && parts.iter().all(|part| one.2.contains(part))
    };
    assert!(found.iter().any(|one| fits(&one)), "{level} {code} {parts:?}: {found:#?}");
}

#[track_caller]
fn lacks(session: &Session, code: &str) {
    let found = all(session, &[]);
    assert!(found.iter().all(|one| one.1 != code), "{code}: {found:#?}");
}

#[test]
fn a_service_without_a_key_at_boot_is_named() {
    let session = Session::empty();
    session.write("passphrase", "made-up-passphrase\n");
    let passphrase = session.path("passphrase").display().to_string();
    session.run(["init", "--unlock", "passphrase", "--passphrase-file", &passphrase]).ok();
    let unit = ".config/systemd/user/openclaw-gateway.service";
    let plain = "[Service]\nExecStart=/usr/bin/openclaw gateway\n";
    lacks(&session, "CLIENT_NO_KEY_AT_BOOT");
    write(&session, unit, plain);
    has(
        &session,
        "note",
        "CLIENT_NO_KEY_AT_BOOT",
        &["openclaw-gateway.service", "unlock-method add key-file"],
    );
    let connect = |more: &str| {
        let command = binary().display().to_string();
        let text = format!(
            "{{ secrets: {{ providers: {{ strongroom: {{ source: 'exec', command: '{command}'{more} }} }} }} }}"
        );
        write(&session, CONFIG, text);
    };
    connect("");
    has(&session, "wrong", "CLIENT_NO_KEY_AT_BOOT", &["unlock methods: passphrase)"]);
    for (lines, more, said) in [
        (
            "LoadCredential=strongroom-passphrase:/run/x\n",
            ", passEnv: ['HOME', 'CREDENTIALS_DIRECTORY']",
            None,
        ),
        (
            "Environment=STRONGROOM_PASSPHRASE_FILE=/run/x\n",
            ", passEnv: ['STRONGROOM_PASSPHRASE_FILE']",
            None,
        ),
        (
            "LoadCredential=strongroom-passphrase:/run/x\n",
            ", passEnv: ['HOME']",
            Some("does not pass on CREDENTIALS_DIRECTORY"),
        ),
        // The vault has no method with a key.
        (
            "Environment=STRONGROOM_KEY_FILE=/run/x\n",
            ", passEnv: ['STRONGROOM_KEY_FILE']",
            Some("without anything that unlocks"),
        ),
        ("", ", args: ['--passphrase-file', 'GONE']", Some("without anything that unlocks")),
    ] {
        write(&session, unit, format!("{plain}{lines}"));
        connect(more);
        match said {
            Some(said) => has(&session, "wrong", "CLIENT_NO_KEY_AT_BOOT", &[said]),
            None => lacks(&session, "CLIENT_NO_KEY_AT_BOOT"),
        }
    }
    write(&session, unit, plain);
    connect(&format!(", args: ['--passphrase-file', '{passphrase}']"));
    lacks(&session, "CLIENT_NO_KEY_AT_BOOT");
    connect("");
    has(&session, "wrong", "CLIENT_NO_KEY_AT_BOOT", &[]);
    session.run(["--passphrase-file", &passphrase, "unlock-method", "add", "key-file"]).ok();
    lacks(&session, "CLIENT_NO_KEY_AT_BOOT");
    fs::rename(session.key_file(), session.path("key")).unwrap();
    has(&session, "wrong", "CLIENT_NO_KEY_AT_BOOT", &["key-file, passphrase", "put the key file back"]);
    write(&session, unit, format!("{plain}LoadCredentialEncrypted=strongroom-key\n"));
    connect(", passEnv: ['CREDENTIALS_DIRECTORY']");
    lacks(&session, "CLIENT_NO_KEY_AT_BOOT");
}

#[test]
fn without_a_vault_doctor_helps_all_the_same() {
    let session = Session::empty();
    let ran = session.run(["doctor"]).ok();
    assert!(
        ran.stdout.contains("there is no vault in ") && ran.stdout.contains("`strongroom onboard`"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("No problems found.") && !ran.stdout.contains("openclaw`"), "{}", ran.stdout);
    assert!(!session.home().exists());
    write(&session, CONFIG, "{}");
    assert!(session.run(["doctor"]).ok().stdout.contains("`strongroom connect openclaw`"));
    write(&session, MAIN, store(&[key("groq:one")]));
    let ran = session.run(["doctor"]).sane(CANARY).failed("FINDINGS", 65);
    assert!(ran.stdout.contains("wrong  client: [CLIENT_PLAINTEXT] "), "{}", ran.stdout);
    assert!(ran.stdout.contains("then `strongroom migrate openclaw` takes"), "{}", ran.stdout);
    assert!(!ran.stderr.contains("--repair"), "{}", ran.stderr);
    for arguments in [&["--repair"][..], &["--accept-rollback", "0123456789abcdef"]] {
        session.run(["doctor"].iter().chain(arguments)).failed("NO_VAULT", 66);
    }
    assert!(!session.home().exists());
}

#[test]
fn one_agent_or_all_are_checked() {
    let session = Session::new();
    session.paste("groq:one", "made-up-key-1");
    session.feed("made-up-key-2", ["--agent", "ops", "paste-api-key", "--provider", "mistral"]).ok();
    write(&session, MAIN, store(&[key("groq:one")]));
    write(&session, ".openclaw/agents/ops/agent/auth-profiles.json", store(&[key("mistral:one")]));
    let named = |arguments: &[&str]| {
        let found = all(&session, arguments);
        ["groq:one", "mistral:one"].map(|id| found.iter().any(|one| one.2.contains(id)))
    };
    assert_eq!(named(&[]), [true, true]);
    assert_eq!(named(&["--agent", "ops"]), [false, true]);
    assert_eq!(named(&["--agent", "ops", "--all-agents"]), [true, true]);
    // A key outside the vault is in use if any agent has no profile of its provider.
    let used = |arguments: &[&str]| {
        let mut command = session.command(["doctor"].iter().chain(arguments));
        command.env("GROQ_API_KEY", CANARY);
        crate::session::ran(command, b"")
            .sane(CANARY)
            .stdout
            .contains("GROQ_API_KEY in the process environment is used")
    };
    assert_eq!([&[][..], &["--agent", "ops"], &["--all-agents"]].map(used), [false, true, true]);
}

#[test]
fn every_code_of_a_finding_is_documented() {
    let page = fs::read_to_string(crate::session::source("docs/errors.md")).unwrap();
    let documented: Vec<_> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `CLIENT_")?.split('`').next())
        .map(|rest| format!("CLIENT_{rest}"))
        .collect();
    let codes = strongroom::messages::doctor::FindingCode::ALL;
    assert_eq!(documented, codes.iter().map(|code| code.name().to_owned()).collect::<Vec<_>>());
}
