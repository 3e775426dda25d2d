//! `models.providers` of the client's configuration: a key in a provider's own entry.

use std::collections::HashSet;

use jsonc_parser::ast::{Object, Value};

use crate::env_names;
use crate::json::json5::{member, object, string};
use crate::secret::SecretString;
use crate::secret_format;
use crate::vault::id::{ProfileId, Provider};

/// Values that mean a sign-in elsewhere, or a local service without a key.
const MARKERS: [&str; 6] = [
    "custom-local",
    "codex-app-server",
    "ollama-local",
    "secretref-managed",
    "gcp-vertex-credentials",
    "minimax-oauth",
];
/// The longest reference that is shown, in bytes.
const SHOWN_MAX: usize = 256;

/// The `apiKey` of an entry.
pub struct ProviderEntry {
    /// The provider.
    pub provider: Provider,
    /// The key.
    pub key: EntryKey,
    /// Whether the entry says `auth: "api-key"`, which makes the client prefer the key to profiles and variables.
    pub preferred: bool,
}

/// The value of an `apiKey`.
pub enum EntryKey {
    /// The key itself.
    Text(SecretString),
    /// The name of a variable.
    Variable(String),
    /// Something else that the client follows, for people. It holds no secret.
    Reference(String),
}

/// Returns whether a text in place of a key means that no key is needed. The marker of a sign-in does not count,
/// because that is a profile.
pub(super) fn is_keyless_marker(text: &str) -> bool {
    MARKERS.contains(&text) && text != "minimax-oauth"
}

/// Returns the entries of a configuration that have a key. If a provider is spelled in several ways, the last one
/// counts.
pub(super) fn read(root: &Object<'_>) -> Vec<ProviderEntry> {
    let mut found: Vec<ProviderEntry> = Vec::new();
    let mut known = HashSet::new();
    for (provider, entry) in entries(root) {
        if known.contains(&provider) {
            continue;
        }
        if let Some(key) = member(entry, "apiKey").and_then(|value| key(value, &provider)) {
            known.insert(provider.clone());
            let preferred = string(entry, "auth") == Some("api-key");
            found.push(ProviderEntry { provider, key, preferred });
        }
    }
    found.reverse();
    found
}

/// Returns the entries of `models.providers`, the last one first.
pub(super) fn entries<'o, 't>(root: &'o Object<'t>) -> impl Iterator<Item = (Provider, &'o Object<'t>)> {
    let providers = object(root, "models").and_then(|models| object(models, "providers"));
    let properties = providers.map_or(&[][..], |providers| providers.properties.as_slice());
    properties.iter().rev().filter_map(|property| match &property.value {
        Value::Object(entry) => Some((Provider::named(property.name.as_str())?, entry)),
        _ => None,
    })
}

/// Returns whether something is served by another program than the client itself.
pub(super) fn has_runtime(of: &Object<'_>) -> bool {
    object(of, "agentRuntime")
        .and_then(|runtime| string(runtime, "id"))
        .is_some_and(|id| id.trim() != "openclaw")
}

fn key(value: &Value<'_>, provider: &Provider) -> Option<EntryKey> {
    match value {
        Value::StringLit(text) => of_text(text.value.trim(), provider),
        Value::Object(reference) => {
            let (source, id) = (string(reference, "source")?, string(reference, "id")?.trim());
            match source {
                "env" => variable(id).map(EntryKey::Variable),
                "file" | "exec" | "store" => {
                    let alias = string(reference, "provider").unwrap_or("default").trim();
                    Some(EntryKey::Reference(shown(source, alias, id)))
                }
                _ => None,
            }
        }
        _ => None,
    }
}

fn of_text(text: &str, provider: &Provider) -> Option<EntryKey> {
    if text.is_empty() || text.starts_with("oauth:") || MARKERS.contains(&text) {
        return None;
    }
    let template = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    let prefixed = ["$", "secretref-env:", "__env__:"].iter().find_map(|prefix| text.strip_prefix(prefix));
    if let Some(name) = template.or(prefixed).or_else(|| env_names::known(text)).and_then(variable) {
        return Some(EntryKey::Variable(name));
    }
    if text.contains("${") {
        return Some(EntryKey::Reference("a text with ${…} in it".to_owned()));
    }
    if let Ok(id) = text.parse::<ProfileId>()
        && !secret_format::looks_secret(id.name())
        && (id.provider() == *provider || !env_names::names_of(id.provider().as_str()).is_empty())
    {
        // If there is no such profile, the client uses the text as the key, so its name is not shown.
        return Some(EntryKey::Reference(format!("a profile of {}", id.provider())));
    }
    Some(EntryKey::Text(SecretString::from(text)))
}

/// Returns a name if the client accepts it as a variable in a reference.
fn variable(name: &str) -> Option<String> {
    let usual = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    (name.starts_with(|c: char| c.is_ascii_uppercase()) && name.len() <= 128 && name.bytes().all(usual))
        .then(|| name.to_owned())
}

/// Returns a reference as the client shows it, without what could be a secret or control a terminal.
fn shown(source: &str, alias: &str, id: &str) -> String {
    let label = format!("{source}:{alias}:{id}");
    let plain = label.bytes().all(|b| b.is_ascii_alphanumeric() || b"._:/#@+-~".contains(&b));
    let fit = plain && label.len() <= SHOWN_MAX && ![alias, id].into_iter().any(secret_format::looks_secret);
    if fit { label } else { format!("{source}:…") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::json5::with_root;
    use crate::secret::ExposeSecret;

    fn told(text: &str) -> Vec<String> {
        let entries = with_root(text, "it", read).unwrap();
        let told = entries.iter().map(|entry| {
            let key = match &entry.key {
                EntryKey::Text(text) => format!("text {}", text.expose_secret()),
                EntryKey::Variable(name) => format!("variable {name}"),
                EntryKey::Reference(label) => format!("reference {label}"),
            };
            format!("{} {key}{}", entry.provider, if entry.preferred { " first" } else { "" })
        });
        told.collect()
    }

    #[test]
    fn keys_variables_and_references_are_told_apart() {
        for (key, expected) in [
            ("'made-up-key'", Some("text made-up-key")),
            ("' made-up-key\\n'", Some("text made-up-key")),
            ("'${MY_KEY}'", Some("variable MY_KEY")),
            ("'$MY_KEY'", Some("variable MY_KEY")),
            ("'secretref-env:MY_KEY'", Some("variable MY_KEY")),
            ("'GROQ_API_KEY'", Some("variable GROQ_API_KEY")),
            ("'made-${MY_KEY}'", Some("reference a text with ${…} in it")),
            ("'groq:work'", Some("reference a profile of groq")),
            ("'openai:work'", Some("reference a profile of openai")),
            ("'nobody:work'", Some("text nobody:work")),
            ("{ source: 'env', provider: 'default', id: 'MY_KEY' }", Some("variable MY_KEY")),
            ("{ source: 'exec', provider: 'v', id: 'main/groq:a' }", Some("reference exec:v:main/groq:a")),
            ("{ source: 'file', id: '/groq' }", Some("reference file:default:/groq")),
            ("{ source: 'exec', provider: 'v', id: '\\u001b[2J' }", Some("reference exec:…")),
            (
                "{ source: 'exec', provider: 'v', id: 'sk-or-v1-0123456789abcdef0123456789abcdef' }",
                Some("reference exec:…"),
            ),
            ("{ source: 'env', id: 'no name' }", None),
            ("''", None),
            ("'ollama-local'", None),
            ("'oauth:chutes'", None),
            ("7", None),
        ] {
            let text = format!("{{ models: {{ providers: {{ Groq: {{ apiKey: {key} }} }} }} }}");
            let expected: Vec<_> = expected.iter().map(|key| format!("groq {key}")).collect();
            assert_eq!(told(&text), expected, "{key}");
        }
    }

    #[test]
    fn entries_are_read_by_provider() {
        let text = "{ models: { providers: { groq: { apiKey: 'made-up-1' }, 'my proxy': { apiKey: 'made-up-2' },
            'my-proxy': { apiKey: 'made-up-3', auth: 'api-key' }, GROQ: { apiKey: 'made-up-4', auth: 'token' }, xai: {} } } }";
        assert_eq!(told(text), ["my-proxy text made-up-3 first", "groq text made-up-4"]);
        for text in ["{}", "{ models: 1 }", "{ models: { providers: [] } }"] {
            assert!(told(text).is_empty());
        }
    }
}
