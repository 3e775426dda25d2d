//! What is in the stores, and what an agent uses of it.

use std::path::Path;

use super::fixture::{TABLES, database, database_at, machine_state, store};
use super::*;
use crate::client::config::ClientConfig;
use crate::env::Env;
use crate::error::Code;
use crate::secret::ExposeSecret;
use crate::vault::credential::CredentialType;
use crate::vault::id::AgentName;

fn env(home: &Path) -> Env {
    Env::default().with_var("HOME", home)
}

fn agent(name: &str) -> AgentName {
    name.parse().unwrap()
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn plain(id: &str, secret: &str) -> String {
    let provider = id.split(':').next().unwrap();
    format!(
        r#"{{"version":1,"profiles":{{"{id}":{{"type":"api_key","provider":"{provider}","key":"{secret}"}}}}}}"#
    )
}

fn secret_of(profile: &StoredProfile) -> &str {
    match &profile.secret {
        Kept::Plain(secret) => secret.expose_secret(),
        _ => "",
    }
}

fn used(installation: &Installation, name: &str) -> Vec<(String, String, bool)> {
    let used = installation.effective(&agent(name)).unwrap().profiles;
    let one = |used: EffectiveProfile| {
        (used.profile.id.clone(), secret_of(&used.profile).to_owned(), used.shadows.is_some())
    };
    used.into_iter().map(one).collect()
}

#[test]
fn profiles_are_read_as_they_are() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("auth-profiles.json");
    let text = r#"{ "version": 1, "profiles": {
        "a:key": { "type": "api_key", "provider": "A", "key": "made-up-1" },
        "a:token": { "mode": "token", "provider": "a", "token": "made-up-2", "expires": 1826725287117.5 },
        "a:both": { "type": "token", "provider": "a", "token": "old", "tokenRef": { "source": "exec", "provider": "strongroom", "id": "main/a:both" } },
        "a:inline": { "type": "api_key", "key": { "source": "env", "provider": "default", "id": "A" } },
        "a:oauth": { "type": "oauth", "provider": "a", "access": "made-up-3", "refresh": "made-up-4", "expires": 5 },
        "a:empty": { "type": "api_key", "provider": "a", "key": " " },
        "no id": { "type": "later", "key": "made-up-5", "expires": "soon" },
        "odd": 3 },
        "order": { "a": ["a:token"] }, "usageStats": { "a:key": { "lastUsed": 5 } } }"#;
    write(&path, text);
    write(&path.with_file_name("auth-state.json"), r#"{"version":1,"order":{"a":["a:key"]}}"#);
    let file = StoreFile { form: Form::Json, path, agent: None };
    let read = file.read().unwrap().unwrap();
    let rows: Vec<_> = read
        .profiles
        .iter()
        .map(|one| {
            (one.id.as_str(), one.provider.as_str(), one.kind, one.expires, secret_of(one), one.is_plain())
        })
        .collect();
    let (key, token) = (Some(CredentialType::ApiKey), Some(CredentialType::Token));
    assert_eq!(
        rows,
        [
            ("a:key", "a", key, None, "made-up-1", true),
            ("a:token", "a", token, Some(1_826_725_287_117), "made-up-2", true),
            ("a:both", "a", token, None, "", false),
            ("a:inline", "a", key, None, "", false),
            ("a:oauth", "a", Some(CredentialType::OAuth), Some(5), "", true),
            ("a:empty", "a", key, None, "", false),
            ("no id", "no id", None, None, "made-up-5", true),
        ]
    );
    assert!(matches!(&read.profiles[2].secret, Kept::Reference(to) if to.is_to_strongroom()));
    assert!(matches!(&read.profiles[3].secret, Kept::Reference(to) if to.source == "env" && to.id == "A"));
    assert_eq!(read.state.order[&"a".parse().unwrap()], ["a:key".parse().unwrap()]);
    assert_eq!(read.state.usage.len(), 1);
    assert!(!format!("{read:?}").contains("made-up"), "{read:?}");
    assert_eq!(read.document.unwrap().expose(), text.as_bytes());
}

#[test]
fn what_is_no_store_is_refused_without_a_word_of_it() {
    let home = tempfile::tempdir().unwrap();
    let file = |name: &str| StoreFile { form: Form::Json, path: home.path().join(name), agent: None };
    for (text, code) in [
        ("canary", Code::BadData),
        ("[]", Code::BadData),
        (r#"{"profiles":"canary"}"#, Code::BadData),
        (r#"{"profiles":{"canary":{},"canary":{}}}"#, Code::DuplicateKey),
    ] {
        write(&file("x.json").path, text);
        let error = file("x.json").read().unwrap_err();
        assert_eq!(error.code(), code, "{text}");
        assert!(!error.what().contains("canary") && error.what().contains("x.json"), "{error}");
    }
    // An odd state does not hide the profiles.
    write(&file("x.json").path, &plain("a:b", "made-up"));
    write(&home.path().join("auth-state.json"), "canary");
    let read = file("x.json").read().unwrap().unwrap();
    assert_eq!((read.profiles.len(), read.state_error.map(|error| error.code())), (1, Some(Code::BadData)));
    write(&file("flat.json").path, r#"{"a":{"type":"api_key","key":"made-up"},"usageStats":{"a":{}}}"#);
    std::fs::remove_file(home.path().join("auth-state.json")).unwrap();
    assert_eq!(file("flat.json").read().unwrap().unwrap().profiles.len(), 1);
    assert!(file("none.json").read().unwrap().is_none());
}

#[test]
fn agents_are_those_of_the_configuration_and_those_on_disk() {
    let home = tempfile::tempdir().unwrap();
    let state = home.path().join(".openclaw");
    for name in ["ops", "Not an agent", "providers"] {
        std::fs::create_dir_all(state.join("agents").join(name)).unwrap();
    }
    let text = r#"{agents:{list:[{id:"Work",agentDir:"~/work"},{id:"no agent"}]}}"#;
    let config = ClientConfig::parse(text).unwrap();
    let found = Installation::of(&env(home.path()), Some(&config));
    let agents: Vec<_> = found.agents().iter().map(|one| (one.name.as_str(), one.is_configured)).collect();
    assert_eq!(agents, [("main", false), ("ops", false), ("work", true)]);
    assert_eq!(found.agent(&agent("work")).unwrap().directory, home.path().join("work"));
    assert_eq!((found.generation(), found.stores().len()), (Generation::None, 0));
    write(&state.join("agents/ops/agent/auth-profiles.json"), "{}");
    assert_eq!(found.generation(), Generation::Json);
    write(&state.join("state/openclaw.sqlite"), "");
    assert_eq!(found.generation(), Generation::Both);
    let forms: Vec<_> = found.stores().into_iter().map(|store| (store.form, store.agent)).collect();
    assert_eq!(forms, [(Form::SharedDatabase, None), (Form::Json, Some(agent("ops")))]);
    assert!(Installation::of(&Env::default(), None).agents().is_empty());
}

#[test]
fn an_agents_own_profile_comes_before_the_one_of_main_in_files() {
    let home = tempfile::tempdir().unwrap();
    let of = |name: &str| home.path().join(format!(".openclaw/agents/{name}/agent/auth-profiles.json"));
    let two = r#"{"profiles":{"a:x":{"type":"api_key","provider":"a","key":"main-x"},"a:y":{"type":"api_key","provider":"a","key":"main-y"}},
        "order":{"a":["a:x"],"b":["b:x"]}}"#;
    write(&of("main"), two);
    let own = r#"{"profiles":{"b:x":{"type":"api_key","provider":"b","key":"own-b"},"a:x":{"type":"api_key","provider":"a","key":"own-x"}},
        "order":{"a":["a:y"]}}"#;
    write(&of("ops"), own);
    let found = Installation::of(&env(home.path()), None);
    let row = |id: &str, secret: &str, shadows| (id.to_owned(), secret.to_owned(), shadows);
    assert_eq!(used(&found, "main"), [row("a:x", "main-x", false), row("a:y", "main-y", false)]);
    let expected = [row("a:x", "own-x", true), row("a:y", "main-y", false), row("b:x", "own-b", false)];
    assert_eq!(used(&found, "ops"), expected);
    let orders = found.effective(&agent("ops")).unwrap().state.order;
    assert_eq!((orders.len(), orders[&"a".parse().unwrap()][0].as_str()), (2, "a:y"));
    assert_eq!(used(&found, "unknown").len(), 2);
}

#[test]
fn an_agents_own_profile_comes_before_the_shared_one_in_databases() {
    let home = tempfile::tempdir().unwrap();
    let state = home.path().join(".openclaw");
    let (_, shared) = database_at(&state.join("state/openclaw.sqlite"), TABLES);
    machine_state(&shared, "authProfiles.store", &plain("a:x", "shared"));
    machine_state(&shared, "authProfiles.state", r#"{"version":1,"lastGood":{"a":"a:x"}}"#);
    shared
        .execute_batch(
            "INSERT INTO secret_store_entries VALUES ('team', '', 'NAME', 'made-up', 'secret', 1, 1, NULL, NULL, NULL);
            INSERT INTO secret_store_entries VALUES ('identity', 'me', 'GONE', '', 'env', 1, 1, NULL, 2, NULL);",
        )
        .unwrap();
    let (_, main) = database(&state.join("agents/main/agent"), TABLES);
    store(&main, &plain("a:y", "main"));
    let (_, ops) = database(&state.join("agents/ops/agent"), TABLES);
    store(&ops, &plain("a:x", "own"));
    // What an older client left is no longer used.
    write(&state.join("agents/ops/agent/auth-profiles.json"), &plain("a:z", "old"));

    let found = Installation::of(&env(home.path()), None);
    let row = |id: &str, secret: &str, shadows| (id.to_owned(), secret.to_owned(), shadows);
    // Until the client has moved them, the shared profiles are those of main.
    assert_eq!(used(&found, "ops"), [row("a:x", "own", false), row("a:y", "main", false)]);
    machine_state(&shared, "auth.sharedStore", r#"{"location":"state-db"}"#);
    assert_eq!(used(&found, "ops"), [row("a:x", "own", true)]);
    assert_eq!(used(&found, "main"), [row("a:y", "main", false), row("a:x", "shared", false)]);
    assert_eq!(used(&found, "unknown"), [row("a:x", "shared", false)]);
    assert_eq!(found.effective(&agent("ops")).unwrap().state.last_good.len(), 1);
    assert_eq!(found.generation(), Generation::Both);

    let named = found.shared().unwrap().read().unwrap().unwrap().named;
    let named: Vec<_> = named
        .iter()
        .map(|one| {
            (one.name.as_str(), one.value.as_ref().unwrap().expose_secret(), one.deleted, one.scope.clone())
        })
        .collect();
    let me = Scope::Identity("me".to_owned());
    assert_eq!(named, [("NAME", "made-up", false, Scope::Team), ("GONE", "", true, me)]);
}
