//! Plain text in stores, archives, backups and `.env`; stores that hide each other.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::{CANARY, CONFIG, MAIN, all, codes, database, has, key, lacks, ours, store, to, write};
use crate::session::{Session, setup_token};

#[test]
fn plain_text_is_named_by_file_and_id_and_never_repeated() {
    let session = Session::empty();
    assert_eq!(codes(&session), [""; 0]);
    let marker = (
        "ollama:local".to_owned(),
        json!({ "type": "api_key", "provider": "ollama", "key": "ollama-local" }),
    );
    let sign_in = (
        "openai-codex:me".to_owned(),
        json!({
        "type": "oauth", "provider": "openai-codex", "access": CANARY, "refresh": CANARY }),
    );
    let mask = (setup_token("ID"), json!({ "type": "api_key", "provider": "x", "key": "***" }));
    let env = to("openai:env", "env", "default", "OPENAI_API_KEY");
    write(
        &session,
        ".openclaw/agents/ops/agent/auth-profiles.json",
        store(&[key("groq:one"), marker, sign_in, mask, env]),
    );
    assert_eq!(codes(&session), ["wrong CLIENT_PLAINTEXT", "note CLIENT_SIGN_IN"]);
    has(
        &session,
        "wrong",
        "CLIENT_PLAINTEXT",
        &["agents/ops/agent", ": groq:one → ", "strongroom migrate openclaw"],
    );
    has(&session, "note", "CLIENT_SIGN_IN", &["openai-codex:me"]);
    write(&session, ".openclaw/agents/ops/agent/auth-profiles.json", CANARY);
    assert_eq!(codes(&session), ["wrong CLIENT_UNREADABLE"]);
    write(&session, ".openclaw/agents/ops/agent/auth-profiles.json", "{\"profiles\":{}}");
    assert_eq!(codes(&session), [""; 0]);
    database(&session, Some("ops"), &[key("groq:two")]);
    fs::remove_file(session.path(".openclaw/agents/ops/agent/auth-profiles.json")).unwrap();
    has(&session, "wrong", "CLIENT_PLAINTEXT", &["openclaw-agent.sqlite", "groq:two"]);
    database(&session, None, &[key("mistral:shared")]);
    has(&session, "wrong", "CLIENT_PLAINTEXT", &["openclaw.sqlite", "mistral:shared"]);
}

#[test]
fn plain_text_in_archives_and_backups_is_found() {
    let token = setup_token("LEFT");
    let sign_in = json!({ "openai-codex": { "type": "oauth", "access": CANARY, "refresh": CANARY } });
    for (name, contents, named) in [
        (format!("{MAIN}.migrated-2026-11-20T00:00:00.000Z-made-up"), store(&[key("groq:one")]), "groq:one"),
        (format!("{MAIN}.bak"), store(&[key("groq:two")]), "groq:two"),
        (format!("{MAIN}.bak"), format!("{{\"torn\": \"{token}"), "the form of a secret"),
        (".openclaw/agents/ops/agent/auth.json".to_owned(), sign_in.to_string(), "openai-codex"),
        (".openclaw/credentials/oauth.json".to_owned(), sign_in.to_string(), "openai-codex"),
        (
            format!("{CONFIG}.bak"),
            format!("{{ models: {{ providers: {{ groq: {{ apiKey: '{CANARY}' }} }} }} }}"),
            "models.providers.groq.apiKey",
        ),
        (format!("{CONFIG}.bak.2"), format!("{{ env: {{ GROQ_API_KEY: '{CANARY}' }} }}"), "env.GROQ_API_KEY"),
        (format!("{CONFIG}.bak"), format!("{{ channels: {{ x: '{token}' }} }}"), "the form of a secret"),
        (format!("{CONFIG}.last-good"), format!("{{ torn '{token}'"), "the form of a secret"),
    ] {
        let session = Session::empty();
        fs::create_dir_all(session.path(".openclaw/agents/ops")).unwrap();
        write(&session, &name, contents);
        let found = all(&session, &[]);
        let [(level, code, said)] = &found[..] else { panic!("{name}: {found:?}") };
        assert_eq!((level.as_str(), code.as_str()), ("wrong", "CLIENT_PLAINTEXT_LEFT"), "{name}");
        assert!(
            said.contains(named) && said.contains(Path::new(&name).file_name().unwrap().to_str().unwrap()),
            "{said}"
        );
        assert!(said.contains("strongroom migrate openclaw") && !said.contains(&token), "{said}");
    }
    let session = Session::empty();
    write(&session, &format!("{MAIN}.migrated-x"), store(&[to("a:b", "env", "default", "A")]));
    write(
        &session,
        &format!("{CONFIG}.bak"),
        "{ gateway: { mode: 'local' }, env: { GROQ_API_KEY: '${X}' } }",
    );
    assert_eq!(codes(&session), [""; 0]);
}

#[test]
fn keys_in_the_clients_env_files_are_named() {
    for (name, text, named) in [
        (".openclaw/.env", format!("GROQ_API_KEY={CANARY}\n"), Some("GROQ_API_KEY")),
        (".openclaw/.env", format!("# old\nOPENAI_API_KEY=\"{CANARY}\"\nPORT=1\n"), Some("OPENAI_API_KEY")),
        (".clawdbot/.env", format!("GROQ_API_KEY={CANARY}\n"), Some("GROQ_API_KEY")),
        (".openclaw/.env", "PORT=1\nGROQ_API_KEY=\n".to_owned(), None),
        (".openclaw/.env", "GROQ_API_KEY=<your key>\n".to_owned(), None),
    ] {
        let session = Session::empty();
        write(&session, name, text);
        match named {
            Some(named) => {
                has(&session, "note", "CLIENT_DOTENV", &[named, name, "strongroom migrate openclaw"]);
            }
            None => lacks(&session, "CLIENT_DOTENV"),
        }
    }
}

#[test]
fn stores_that_hide_each_others_profiles_are_named() {
    let (one, plain) = (ours("groq:one"), key("groq:one"));
    let other = (
        "groq:one".to_owned(),
        json!({ "type": "api_key", "provider": "groq", "key": format!("{CANARY}-other") }),
    );
    let env = to("groq:one", "env", "default", "GROQ_API_KEY");
    for (own, shared, expected) in [
        (&one, &plain, Some(("wrong", "references that hide plain text"))),
        (&plain, &one, Some(("wrong", "plain text that hides references"))),
        (&plain, &other, Some(("note", "two stores differ in groq:one"))),
        (&one, &env, Some(("note", "two stores differ in groq:one"))),
        (&plain, &plain, None),
        (&one, &one, None),
        (&one, &key("groq:two"), None),
    ] {
        let session = Session::empty();
        database(&session, Some("main"), std::slice::from_ref(own));
        database(&session, None, std::slice::from_ref(shared));
        match expected {
            Some((level, said)) => {
                has(
                    &session,
                    level,
                    "CLIENT_SHADOWED",
                    &[said, "groq:one", "openclaw-agent.sqlite", "openclaw.sqlite"],
                );
            }
            None => lacks(&session, "CLIENT_SHADOWED"),
        }
    }
    // In the older files, another agent's profile hides that of main.
    let session = Session::empty();
    write(&session, MAIN, store(&[key("groq:one")]));
    write(&session, ".openclaw/agents/ops/agent/auth-profiles.json", store(&[ours("groq:one")]));
    has(&session, "wrong", "CLIENT_SHADOWED", &["agents/ops/agent", "strongroom migrate openclaw"]);
}
