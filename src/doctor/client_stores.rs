//! Credentials that OpenClaw keeps in plain text in its own stores.

use super::{Finding, Level};
use crate::client::config::ClientConfig;
use crate::client::stores::{Installation, Kept, Store, StoreFile, StoredProfile, is_something};
use crate::env::Env;
use crate::messages::doctor::client as messages;

const CHECK: &str = "client";
/// The most names in one finding.
const NAMES_MAX: usize = 20;

/// Looks into each of the client's stores that exists, of all its agents.
#[must_use]
pub fn check(env: &Env) -> Vec<Finding> {
    let config = ClientConfig::of(env).ok().flatten();
    let stores = Installation::of(env, config.as_ref()).stores();
    let mut findings: Vec<Finding> = stores.iter().flat_map(in_store).collect();
    if findings.is_empty() && !stores.is_empty() {
        findings.push(Finding::ok(CHECK, messages::NOTHING_PLAIN));
    }
    findings
}

fn in_store(file: &StoreFile) -> Vec<Finding> {
    let store = match file.read() {
        Ok(store) => store.unwrap_or_default(),
        Err(error) => return vec![Finding::met(CHECK, &error)],
    };
    let mut findings = Vec::new();
    if let Some(names) = names_of(&store, StoredProfile::holds_secret) {
        findings.push(Finding::wrong(CHECK, messages::plain(&file.path, &names)));
    }
    if let Some(names) = names_of(&store, |profile| matches!(profile.secret, Kept::SignIn)) {
        findings.push(Finding::note(CHECK, messages::sign_ins(&file.path, &names)));
    }
    let named = store.named.iter().filter(|one| one.value.as_ref().is_some_and(is_something));
    if let Some(names) = joined(named.enumerate().map(|(at, one)| one.shown(at)).collect()) {
        findings.push(wrong(messages::named_values(&file.path, &names)));
    }
    findings.extend(store.state_error.iter().map(|error| Finding::met(CHECK, error)));
    findings
}

/// Returns a finding without a remedy, because no command of ours takes these values.
fn wrong(what: String) -> Finding {
    Finding { level: Level::Wrong, ..Finding::note(CHECK, what) }
}

/// Returns the ids of the profiles that fit, joined.
fn names_of(store: &Store, fits: impl Fn(&StoredProfile) -> bool) -> Option<String> {
    let profiles = store.profiles.iter().enumerate().filter(|(_, profile)| fits(profile));
    joined(profiles.map(|(at, profile)| profile.shown(at)).collect())
}

fn joined(mut names: Vec<String>) -> Option<String> {
    let more = names.len().saturating_sub(NAMES_MAX);
    names.truncate(NAMES_MAX);
    (!names.is_empty()).then(|| messages::joined(&names, more))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_named_by_file_and_id_and_never_repeated() {
        let home = tempfile::tempdir().unwrap();
        let env = Env::default().with_var("HOME", home.path());
        assert!(check(&env).is_empty());
        let directory = home.path().join(".openclaw/agents/ops/agent");
        std::fs::create_dir_all(&directory).unwrap();
        let write = |text: &str| std::fs::write(directory.join("auth-profiles.json"), text).unwrap();
        write(
            r#"{ "profiles": {
            "groq:one": { "type": "api_key", "provider": "groq", "key": "made-up-1" },
            "anthropic:work": { "type": "token", "provider": "anthropic", "token": "made-up-2" },
            "ollama:local": { "type": "api_key", "provider": "ollama", "key": "ollama-local" },
            "openai:ref": { "type": "api_key", "provider": "openai", "keyRef": { "source": "env", "provider": "default", "id": "A" } },
            "sk-ant-oat01-EXAMPLE-EXAMPLE-EXAMPLE-EXAMPLE": { "type": "api_key", "provider": "x", "key": "***" },
            "openai-codex:me": { "type": "oauth", "provider": "openai-codex", "access": "made-up-3", "refresh": "made-up-4" } } }"#,
        );
        let found = check(&env);
        let [plain, sign_ins] = &found[..] else { panic!("{found:?}") };
        assert_eq!((plain.level, sign_ins.level), (Level::Wrong, Level::Note));
        assert!(
            plain.what.contains("groq:one, anthropic:work") && plain.what.contains("agents/ops/agent"),
            "{plain:?}"
        );
        let remedy = plain.remedy.as_ref().unwrap();
        assert!(remedy.contains("import ") && remedy.contains("agents/ops/agent"), "{plain:?}");
        assert!(sign_ins.what.contains("openai-codex:me"));
        assert!(!format!("{found:?}").contains("made-up"));
        write("canary");
        let found = check(&env);
        assert_eq!(found[0].level, Level::Wrong);
        assert!(!format!("{found:?}").contains("canary"));
        write("{\"profiles\":{}}");
        assert_eq!(check(&env), [Finding::ok(CHECK, messages::NOTHING_PLAIN)]);
    }
}
