//! Provider keys outside the vault.

use crate::session::{Session, kept, ran};

fn client(session: &Session, name: &str, text: &str) {
    std::fs::create_dir_all(session.path(".openclaw")).unwrap();
    session.write(&format!(".openclaw/{name}"), text);
}

#[test]
fn an_env_file_is_never_read_for_strongrooms_own_settings() {
    let session = Session::new();
    session.paste("openrouter:default", "made-up-key");
    let elsewhere = session.path("elsewhere");
    let settings = format!(
        "STRONGROOM_HOME={0}\nSTRONGROOM_AGENT=ops\nSTRONGROOM_KEY_FILE={0}/key\nSTRONGROOM_PASSPHRASE_FILE={0}/p\nHOME={0}\nXDG_DATA_HOME={0}\n",
        elsewhere.display()
    );
    session.write(".env", &settings);
    client(&session, ".env", &settings);
    client(
        &session,
        "openclaw.json",
        &format!("{{ env: {{ STRONGROOM_HOME: '{}' }} }}", elsewhere.display()),
    );
    let status = session.run(["status", "--json"]).ok().json();
    assert_eq!(status["home"], session.home().to_str().unwrap());
    assert_eq!(status["agent"], "main");
    assert_eq!(session.get("openrouter:default"), "made-up-key");
    session.run(["import", "--from", "env"]).ok();
    assert!(!elsewhere.exists());
}

#[test]
fn what_is_imported_is_what_the_client_takes_and_a_second_time_changes_nothing() {
    let session = Session::new();
    client(&session, ".env", "ANTHROPIC_OAUTH_TOKEN=made-up-1\nGROQ_API_KEY=made-up-2\n");
    client(
        &session,
        "openclaw.json",
        "{ env: { GROQ_API_KEY: 'made-up-3', MISTRAL_API_KEY: 'made-up-4', ZAI_API_KEY: '${OTHER}', shellEnv: { enabled: true } } }",
    );
    session.write(".profile", "export XAI_API_KEY=made-up-5 MISTRAL_API_KEY=made-up-6\n");
    let import = || {
        let mut command = session.command(["import", "--from", "env"]);
        command.env("ANTHROPIC_API_KEY", "made-up-7").env("OPENAI_API_KEY", "made-up-8");
        command.env("OPENAI_API_KEY_TEAM", "made-up-9");
        ran(command, b"").ok()
    };
    let said = import().stdout;
    assert!(
        said.contains(
            "skipped    ANTHROPIC_API_KEY (the process environment): shadowed by ANTHROPIC_OAUTH_TOKEN"
        ),
        "{said}"
    );
    assert!(said.contains("Imported 6 profiles."), "{said}");
    for (id, secret) in [
        ("anthropic:default", "made-up-1"),
        ("groq:default", "made-up-2"),
        ("mistral:default", "made-up-4"),
        ("xai:default", "made-up-5"),
        ("openai:default", "made-up-8"),
        ("openai:key-team", "made-up-9"),
    ] {
        assert_eq!(session.get(id), secret, "{id}");
    }
    session.run(["get", "zai:default"]).failed("NOT_FOUND", 66);
    let before = kept(&session.home());
    assert!(import().stdout.contains("the vault already holds all of it"));
    assert_eq!(kept(&session.home()), before);
    let status = session.run(["status", "--json"]).ok().json();
    let groq = &status["sources"]["providers"]
        .as_array()
        .unwrap()
        .iter()
        .find(|of| of["provider"] == "groq")
        .unwrap();
    assert_eq!(groq["winner"]["name"], "groq:default");
    assert_eq!(groq["shadowed"].as_array().unwrap().len(), 2);
}

#[test]
fn a_dash_and_a_path_mean_what_they_did() {
    let session = Session::new();
    let mut command = session.command(["import", "--from", "env", "-"]);
    command.env("OPENAI_API_KEY", "made-up-1");
    ran(command, b"GROQ_API_KEY=made-up-2\n").ok();
    assert_eq!(session.get("groq:default"), "made-up-2");
    session.run(["get", "openai:default"]).failed("NOT_FOUND", 66);
    session.run(["import"]).failed("USAGE", 64);
    session.run(["import", "--from", "openclaw"]).failed("USAGE", 64);
}

#[test]
fn the_login_shell_is_started_only_when_asked_for() {
    let session = Session::new();
    session.paste("groq:default", "made-up-key");
    client(&session, "openclaw.json", "{ env: { shellEnv: { enabled: true, timeoutMs: 15000 } } }");
    session.write(".profile", "echo started >>started; export XAI_API_KEY=made-up-1\n");
    let started = session.path("started");
    session.run(["status"]).ok();
    session.run(["status", "--check", "--json"]).ok();
    session.run(["get", "groq:default"]).ok();
    session.resolve(&["main/groq:default", "providers/xai/apiKey"]);
    assert!(!started.exists());
    let said = session.run(["status", "--sources"]).ok().stdout;
    assert!(started.exists() && said.contains("xai: XAI_API_KEY in the login shell is used"), "{said}");
    std::fs::remove_file(&started).unwrap();
    client(&session, "openclaw.json", "{ env: { shellEnv: { enabled: false } } }");
    session.run(["status", "--sources"]).ok();
    session.run(["doctor"]).ok();
    assert!(!started.exists());
}

#[test]
fn what_cannot_be_read_is_told_and_stops_nothing() {
    let session = Session::new();
    std::fs::create_dir_all(session.path(".openclaw/.env")).unwrap();
    client(&session, "openclaw.json", "{ env: { GROQ_API_KEY: 'canary' ");
    session.write(".profile", "");
    for arguments in [&["status"][..], &["status", "--sources", "--json"], &["doctor"]] {
        let ran = session.run(arguments).ok().sane("canary");
        assert!(ran.stdout.contains("is a directory, not a regular file"), "{}", ran.stdout);
        assert!(ran.stdout.contains("is not JSON5"), "{}", ran.stdout);
    }
}

#[test]
fn a_configuration_that_cannot_be_read_is_told_once() {
    let session = Session::new();
    session.paste("groq:default", "made-up-key");
    client(&session, "openclaw.json", "{ auth: ");
    for (arguments, times) in [
        (&["status"][..], 1),
        (&["status", "--json"], 1),
        (&["status", "--explain", "groq"], 1),
        (&["status", "--explain", "groq", "--json"], 1),
        (&["report", "groq:default", "--success"], 1),
        (&["doctor"], 1),
        (&["import", "--from", "env", "--dry-run"], 1),
    ] {
        let ran = session.run(arguments);
        // It is unknown whether there is a key to import.
        assert_eq!(ran.status, if arguments[0] == "import" { 65 } else { 0 }, "{arguments:?}");
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert_eq!(
            said.matches("openclaw.json: the client's configuration is not").count(),
            times,
            "{arguments:?}: {said}"
        );
        assert_eq!(said.matches("JSON5").count(), times, "{arguments:?}: {said}");
    }
}

#[test]
fn selection_reads_the_configuration_that_the_sources_read() {
    let ordered = "{ auth: { order: { groq: ['groq:two'] } }, env: { XAI_API_KEY: 'made-up-1' } }";
    for (place, variable) in [
        ("state/openclaw.json", Some(("OPENCLAW_STATE_DIR", "~/state"))),
        ("else.json", Some(("OPENCLAW_CONFIG_PATH", "~/else.json"))),
        (".clawdbot/clawdbot.json", None),
        (".openclaw/openclaw.json", None),
    ] {
        let session = Session::new();
        for id in ["groq:one", "groq:two"] {
            session.paste(id, &format!("made-up-{id}"));
        }
        std::fs::create_dir_all(session.path(place).parent().unwrap()).unwrap();
        session.write(place, ordered);
        let run = |arguments: &[&str], input: &[u8]| {
            let mut command = session.command(arguments);
            command.envs(variable);
            ran(command, input).ok()
        };
        let status = run(&["status", "--json"], b"").json();
        assert_eq!(status["vault"]["providers"][0]["next"], "groq:two", "{place}");
        assert_eq!(status["sources"]["providers"][0]["winner"]["kind"], "config", "{place}");
        let request = br#"{"protocolVersion":1,"ids":["providers/groq/apiKey"]}"#;
        assert_eq!(run(&["resolve"], request).json()["values"]["providers/groq/apiKey"], "made-up-groq:two");
    }
}

/// For each provider with a key outside the vault: the winner's kind, name and reference, and what is shadowed.
fn beside(status: &serde_json::Value) -> Vec<String> {
    let told = |source: &serde_json::Value| {
        let member = |name: &str| source[name].as_str().unwrap_or("-").to_owned();
        format!("{} {} {}", member("kind"), member("name"), member("reference"))
    };
    let providers = status["sources"]["providers"].as_array().unwrap().iter();
    let row = |of: &serde_json::Value| {
        let shadowed: Vec<_> = of["shadowed"].as_array().unwrap().iter().map(told).collect();
        format!("{}: {} > {}", of["provider"].as_str().unwrap(), told(&of["winner"]), shadowed.join(", "))
    };
    providers.map(row).collect()
}

const ENTRIES: &str = "{ models: { providers: {
    groq: { apiKey: 'made-up-1' }, mistral: { apiKey: 'made-up-2' }, 'my-proxy': { apiKey: 'made-up-3' },
    zai: { apiKey: '${MY_KEY}' }, venice: { apiKey: '${NOT_SET}' }, together: { apiKey: 'TOGETHER_API_KEY' },
    xai: { apiKey: { source: 'exec', provider: 'strongroom', id: 'providers/xai/apiKey' } },
    openai: { apiKey: 'made-up-4', auth: 'api-key' }, ollama: { apiKey: 'ollama-local' } } },
    env: { MY_KEY: 'made-up-5' } }";

#[test]
fn keys_of_the_configurations_providers_are_sources() {
    let session = Session::new();
    session.paste("mistral:default", "made-up-key-1");
    session.paste("openai:default", "made-up-key-2");
    client(&session, "openclaw.json", ENTRIES);
    let run = |arguments: &[&str]| {
        let mut command = session.command(arguments);
        command.env("GROQ_API_KEY", "made-up-6").env("TOGETHER_API_KEY", "made-up-7");
        ran(command, b"").ok().sane("made-up-key")
    };
    let entry = |provider: &str, reference: &str| {
        format!("config_provider models.providers.{provider}.apiKey {reference}")
    };
    assert_eq!(
        beside(&run(&["status", "--json"]).json()),
        [
            format!("groq: process GROQ_API_KEY - > {}", entry("groq", "-")),
            format!("mistral: profile mistral:default - > {}", entry("mistral", "-")),
            format!("my-proxy: {} > ", entry("my-proxy", "-")),
            format!("openai: {} > profile openai:default -", entry("openai", "-")),
            "together: process TOGETHER_API_KEY - > ".to_owned(),
            format!("venice: - - - > {}", entry("venice", "-")),
            format!("xai: {} > ", entry("xai", "exec:strongroom:providers/xai/apiKey")),
            format!("zai: {} > ", entry("zai", "${MY_KEY}")),
        ]
    );
    let doctor = run(&["doctor"]).stdout;
    let place = format!("{}/.openclaw/openclaw.json", session.temp.path().display());
    for said in [
        format!("my-proxy: models.providers.my-proxy.apiKey in {place} is used"),
        format!(
            "mistral: the vault's profiles take precedence over models.providers.mistral.apiKey in {place}"
        ),
        format!("openai: models.providers.openai.apiKey in {place} is used"),
        format!(
            "xai: models.providers.xai.apiKey in {place} (a reference: exec:strongroom:providers/xai/apiKey) is used"
        ),
    ] {
        assert!(doctor.contains(&said), "{said}: {doctor}");
    }
    // A reference to the vault is correct.
    session.paste("xai:default", "made-up-key-3");
    assert!(!run(&["doctor"]).stdout.contains("xai:"));
}

#[test]
fn keys_of_the_configurations_providers_are_imported_where_they_are_text() {
    let session = Session::new();
    client(&session, "openclaw.json", ENTRIES);
    let mut command = session.command(["import", "--from", "env"]);
    command.env("GROQ_API_KEY", "made-up-6");
    let said = ran(command, b"").ok().stdout;
    for (id, secret) in [
        ("groq:default", "made-up-6"),
        ("mistral:default", "made-up-2"),
        ("my-proxy:default", "made-up-3"),
        ("openai:default", "made-up-4"),
    ] {
        assert_eq!(session.get(id), secret, "{said}");
    }
    for id in ["zai:default", "xai:default", "venice:default"] {
        session.run(["get", id]).failed("NOT_FOUND", 66);
    }
    for reason in [
        "shadowed by GROQ_API_KEY",
        "a reference (${MY_KEY}), which is not resolved",
        "a reference (exec:strongroom:providers/xai/apiKey), which is not resolved",
        "refers to a variable that is not set",
    ] {
        assert!(said.contains(reason), "{reason}: {said}");
    }
    assert!(said.contains("Imported 4 profiles."), "{said}");
}
