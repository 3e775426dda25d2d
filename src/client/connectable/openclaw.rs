//! OpenClaw through the proxy: `models.providers.<p>` has the proxy's address and a reference to the file with the token.
//! With `auth: "api-key"` OpenClaw prefers that to its own profiles and variables (2026.6.1 and 2026.9.6).

use jsonc_parser::ast::Object;

use super::{Client, Plan, Proxied, edited};
use crate::client::config::ClientConfig;
use crate::client::edit::Change;
use crate::client::own_profiles::OwnProviders;
use crate::client::provider_entry::entries;
use crate::client::sdk_variables::path_of;
use crate::client::stores::Installation;
use crate::env::Env;
use crate::error::Result;
use crate::json::json5::{member, object, with_root};
use crate::messages::client::connectable as messages;
use crate::vault::id::Provider;

/// The provider of secrets that reads the file.
const ALIAS: &str = "strongroom-proxy";
const GOOGLE: &str = "google";

pub(super) fn plan_proxied(env: &Env, text: Option<&str>, proxied: &Proxied) -> Result<Plan> {
    let called = Client::Openclaw.called();
    let read = |root: &Object<'_>| {
        let secrets = object(root, "secrets").and_then(|secrets| object(secrets, "providers"));
        let has_alias = secrets.is_some_and(|providers| member(providers, ALIAS).is_some());
        let own: Vec<Provider> = entries(root).map(|(provider, _)| provider).collect();
        (has_alias, own)
    };
    let read = text.map(|text| with_root(text, "it", read)).transpose();
    let (has_alias, own) = read.map_err(|_| messages::not_an_object(called))?.unwrap_or_default();
    if has_alias {
        return Err(messages::has_member(called, &format!("secrets.providers.{ALIAS}")));
    }
    let mut changes = vec![Change::set(
        &["secrets", "providers", ALIAS],
        serde_json::json!({ "source": "file", "path": proxied.token_path()?, "mode": "singleValue" }),
    )];
    let mut connected = Vec::new();
    for name in &proxied.providers {
        if own.iter().any(|own| own.as_str() == name) {
            return Err(messages::has_member(called, &format!("models.providers.{name}")));
        }
        if may_be_logged_in(env, name) {
            return Err(messages::openclaw_login(name));
        }
        let url = proxied.url_of(name, base_path(name));
        let entry = serde_json::json!({
            "baseUrl": url,
            "api": interface_of(name),
            "auth": "api-key",
            "apiKey": { "source": "file", "provider": ALIAS, "id": "value" },
            "models": [],
        });
        changes.push(Change::set(&["models", "providers", name], entry));
        connected.push(url);
    }
    edited(Client::Openclaw, text, &changes, (connected, Vec::new()))
}

/// Returns OpenClaw's name for the interface that a provider speaks at its base URL. Without it, OpenClaw speaks OpenAI's also to
/// others (2026.6.1).
pub(super) fn interface_of(provider: &str) -> Option<&'static str> {
    match provider {
        "anthropic" => Some("anthropic-messages"),
        "openai" => Some("openai-responses"),
        GOOGLE => Some("google-generative-ai"),
        // They have interfaces of their own, or a path for each deployment.
        "azure" | "bedrock" | "cohere" | "deepgram" | "elevenlabs" | "voyage" => None,
        _ => Some("openai-completions"),
    }
}

/// Returns what of a path OpenClaw expects in the base URL of a provider.
fn base_path(provider: &str) -> &'static str {
    if provider == GOOGLE { "/v1beta" } else { path_of(provider) }
}

/// Returns whether an agent of OpenClaw may have a credential of its own for a provider. What cannot be read may be one.
fn may_be_logged_in(env: &Env, provider: &str) -> bool {
    let Ok(provider) = provider.parse::<Provider>() else { return false };
    let Ok(config) = ClientConfig::of(env) else { return true };
    let installation = Installation::of(env, config.as_ref());
    let has = |own: OwnProviders| own.may_have(&provider);
    installation.agents().iter().any(|agent| match installation.effective(&agent.name) {
        Ok(used) => has(OwnProviders::of(&used)),
        Err(_) => true,
    })
}

#[cfg(test)]
mod tests {
    use super::super::proxied::proxied;
    use super::*;
    use crate::error::Code;

    #[test]
    fn each_provider_gets_the_address_and_a_reference_and_goes_again() {
        let text = "// mine\n{ models: { providers: { groq: { baseUrl: 'x', models: [] } } }, }\n";
        let home = tempfile::tempdir().unwrap();
        let env = Env::default().with_var("HOME", home.path());
        let made = plan_proxied(&env, Some(text), &proxied(&["anthropic", "google", "openrouter"])).unwrap();
        let after = made.text.expose_str().unwrap();
        let urls = ["/anthropic", "/google/v1beta", "/openrouter/api/v1"];
        assert_eq!(made.connected, urls.map(|path| format!("http://127.0.0.1:7787{path}")));
        for interface in ["anthropic-messages", "google-generative-ai", "openai-completions"] {
            assert_eq!(after.matches(interface).count(), 1, "{interface}");
        }
        assert_eq!(made.undo.undo(after).unwrap().text.unwrap().expose_str(), Some(text));
        let again = plan_proxied(&env, Some(after), &proxied(&["openai"])).unwrap_err();
        assert_eq!(again.code(), Code::Exists);
        assert!(plan_proxied(&env, Some(text), &proxied(&["groq"])).is_err());
    }

    #[test]
    fn a_credential_of_its_own_stays() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join(".openclaw/agents/main/agent");
        std::fs::create_dir_all(&directory).unwrap();
        let profiles = r#"{ "version": 1, "profiles": { "anthropic:x": { "type": "api_key", "provider": "anthropic", "key": "made-up" } } }"#;
        std::fs::write(directory.join("auth-profiles.json"), profiles).unwrap();
        let env = Env::default().with_var("HOME", home.path());
        assert_eq!(plan_proxied(&env, None, &proxied(&["anthropic"])).unwrap_err().code(), Code::Exists);
        assert!(plan_proxied(&env, None, &proxied(&["openai"])).is_ok());
    }
}
