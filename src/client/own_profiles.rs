//! The providers of credentials that the client keeps in its own stores.

use std::collections::BTreeSet;

use super::config::ClientConfig;
use super::stores::{Installation, Kept, StoredProfile};
use crate::env::Env;
use crate::vault::id::AgentName;

/// Returns the providers of the profiles that an agent uses and that contain their secret, or refer to a variable, a
/// file or another program than this one.
///
/// A store that cannot be read has no profiles, because the client checks its own files.
pub(super) fn providers(env: &Env, config: Option<&ClientConfig>, agent: &AgentName) -> BTreeSet<String> {
    let used = Installation::of(env, config).effective(agent).unwrap_or_default();
    let profiles = used.profiles.into_iter().map(|used| used.profile);
    profiles.filter(is_kept_there).map(|profile| profile.provider).collect()
}

fn is_kept_there(profile: &StoredProfile) -> bool {
    match &profile.secret {
        Kept::Plain(_) | Kept::SignIn => true,
        Kept::Nowhere => false,
        Kept::Reference(reference) => match reference.source.as_str() {
            "env" | "file" | "store" => true,
            "exec" => !reference.provider.is_empty() && !reference.is_to_strongroom(),
            _ => false,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_client_keeps_itself_is_told_from_what_it_asks_for() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join(".openclaw/agents/main/agent");
        std::fs::create_dir_all(&directory).unwrap();
        let env = Env::default().with_var("HOME", home.path());
        let found = |text: &str| {
            std::fs::write(directory.join("auth-profiles.json"), text).unwrap();
            providers(&env, None, &AgentName::default()).into_iter().collect::<Vec<_>>()
        };
        let text = r#"{ "version": 1, "profiles": {
            "a:x": { "type": "api_key", "provider": "A", "key": "made-up" },
            "b:x": { "type": "api_key", "provider": "b", "key": "" },
            "c:x": { "type": "token", "provider": "c", "tokenRef": { "source": "exec", "provider": "strongroom", "id": "main/c:x" } },
            "d:x": { "type": "api_key", "provider": "d", "keyRef": { "source": "env", "provider": "default", "id": "D" } },
            "e:x": { "type": "oauth", "provider": "e", "access": "made-up", "refresh": "made-up" },
            "f:x": { "type": "token", "provider": "f", "tokenRef": { "source": "exec", "provider": "other", "id": "f" } } } }"#;
        assert_eq!(found(text), ["a", "d", "e", "f"]);
        let json =
            serde_json::json!({ "agents": { "list": [{ "id": "main", "agentDir": "" }] } }).to_string();
        for directory in ["~/elsewhere", home.path().join("elsewhere").to_str().unwrap()] {
            std::fs::create_dir_all(home.path().join("elsewhere")).unwrap();
            std::fs::write(home.path().join("elsewhere/auth-profiles.json"), text).unwrap();
            std::fs::write(home.path().join(".openclaw/agents/main/agent/auth-profiles.json"), "{}").unwrap();
            let text = json.replace("\"\"", &format!("\"{directory}\""));
            let config = ClientConfig::parse(&text).unwrap();
            assert_eq!(providers(&env, Some(&config), &AgentName::default()).len(), 4, "{directory}");
        }
        let text =
            r#"{ "profiles": { "a:x": 1, "b:x": { "provider": "b", "key": "made-up\n", "more": {} } } }"#;
        assert_eq!(found(text), ["b"]);
        for text in [
            "",
            "{",
            "[]",
            r#"{"profiles":[1]}"#,
            r#"{"profiles":{"a:x":1}}"#,
            r#"{"profiles":{"a:x":{"provider":"a","key":null}}}"#,
            r#"{"profiles":{"a:x":{"provider":"a","key":3}}}"#,
        ] {
            assert!(found(text).is_empty(), "{text}");
        }
    }
}
