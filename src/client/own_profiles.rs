//! The providers of credentials that the client keeps in its own stores.

use std::collections::BTreeSet;

use super::stores::{Effective, Kept, StoredProfile};
use crate::vault::id::Provider;

/// The providers of the credentials that an agent of the client keeps in its own stores: those that contain their secret,
/// or refer to a variable, a file or another program than this one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OwnProviders {
    /// These.
    Known(BTreeSet<String>),
    /// A store could not be read, so that it may have any.
    Unknown,
}

impl OwnProviders {
    /// Returns the providers of what an agent uses.
    #[must_use]
    pub fn of(used: &Effective) -> Self {
        let profiles = used.profiles.iter().map(|used| &used.profile);
        Self::Known(profiles.filter(|one| is_kept_there(one)).map(|one| one.provider.clone()).collect())
    }

    /// Returns whether there may be a credential of a provider.
    #[must_use]
    pub fn may_have(&self, provider: &Provider) -> bool {
        match self {
            Self::Known(providers) => providers.contains(provider.as_str()),
            Self::Unknown => true,
        }
    }
}

/// Returns whether the client gets the secret of a profile without this program.
#[must_use]
pub fn is_kept_there(profile: &StoredProfile) -> bool {
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
    use crate::client::config::ClientConfig;
    use crate::client::stores::Installation;
    use crate::env::Env;
    use crate::vault::id::AgentName;

    /// Returns the providers of the main agent. What cannot be read has none.
    fn providers(env: &Env, config: Option<&ClientConfig>) -> Vec<String> {
        let used = Installation::of(env, config).effective(&AgentName::default()).unwrap_or_default();
        let OwnProviders::Known(providers) = OwnProviders::of(&used) else { panic!() };
        providers.into_iter().collect()
    }

    #[test]
    fn what_the_client_keeps_itself_is_told_from_what_it_asks_for() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join(".openclaw/agents/main/agent");
        std::fs::create_dir_all(&directory).unwrap();
        let env = Env::default().with_var("HOME", home.path());
        let found = |text: &str| {
            std::fs::write(directory.join("auth-profiles.json"), text).unwrap();
            providers(&env, None)
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
            assert_eq!(providers(&env, Some(&config)).len(), 4, "{directory}");
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
