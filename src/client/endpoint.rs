//! Where the client's configuration sends a provider's requests: `models.providers.<p>.baseUrl`.

use std::collections::HashSet;

use jsonc_parser::ast::Object;

use super::provider_entry::{entries, has_runtime, is_keyless_marker};
use crate::json::json5::string;
use crate::secret_format;
use crate::select::endpoint::Endpoint;

/// The longest URL that is shown, in characters.
const SHOWN_MAX: usize = 200;
/// The longest name of an API that is shown, in characters.
const API_MAX: usize = 64;
/// Shown in place of what is left out.
const LEFT_OUT: &str = "…";

/// Returns the endpoints of a configuration. If a provider is spelled in several ways, the last one counts.
pub(super) fn read(root: &Object<'_>) -> Vec<Endpoint> {
    let mut found: Vec<Endpoint> = Vec::new();
    let mut known = HashSet::new();
    for (provider, entry) in entries(root) {
        if !known.insert(provider.clone()) {
            continue;
        }
        let text = |name| string(entry, name).map(str::trim).filter(|text| !text.is_empty());
        let url = text("baseUrl");
        let host = url.map(|url| host(authority(url).1)).unwrap_or_default();
        let keyless = is_local(host)
            || text("auth") == Some("aws-sdk")
            || text("apiKey").is_some_and(is_keyless_marker)
            || has_runtime(entry);
        found.push(Endpoint {
            custom: url.is_some() && host != "api.openai.com",
            url: url.map(shown),
            api: text("api").map(|api| api.chars().take(API_MAX).collect()),
            provider,
            keyless,
        });
    }
    found
}

/// Splits a URL into the scheme with its slashes, the authority, and the rest.
fn authority(url: &str) -> (&str, &str, &str) {
    let at = url.find("://").map_or(0, |at| at + 3);
    let (scheme, rest) = url.split_at(at);
    let end = rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len());
    (scheme, &rest[..end], &rest[end..])
}

/// Returns the host of an authority.
fn host(authority: &str) -> &str {
    let host = authority.rsplit('@').next().unwrap_or_default();
    match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    }
}

/// Returns whether the client treats a host as one that may need no key.
fn is_local(host: &str) -> bool {
    const NAMES: [&str; 6] =
        ["localhost", "0.0.0.0", "::1", "docker.orb.internal", "host.docker.internal", "host.orb.internal"];
    let host = host.to_ascii_lowercase();
    if NAMES.contains(&host.as_str()) || host.rsplit_once('.').is_some_and(|(_, last)| last == "local") {
        return true;
    }
    host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_private() || address.is_loopback())
}

/// Returns a URL without what may be a password or a key.
fn shown(url: &str) -> String {
    let (scheme, authority, rest) = authority(url);
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    // User info that is not escaped correctly, so its end is unknown.
    let unclear = rest.contains('@') && !scheme.is_empty();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let port = host.rsplit_once(':').filter(|_| !host.ends_with(']')).map(|(_, port)| port);
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~:[]${}".contains(&b) || !b.is_ascii();
    let numeric = port.is_none_or(|port| port.starts_with('$') || port.bytes().all(|b| b.is_ascii_digit()));
    if unclear || !numeric || !scheme_is_plain(scheme) || !host.bytes().all(plain) {
        return LEFT_OUT.to_owned();
    }
    let mut out = format!("{scheme}{host}");
    for (n, part) in path.split('/').enumerate() {
        if n > 0 {
            out.push('/');
        }
        out.push_str(if secret_format::looks_random(part) { LEFT_OUT } else { part });
    }
    if out.chars().count() > SHOWN_MAX {
        out = out.chars().take(SHOWN_MAX).chain(LEFT_OUT.chars()).collect();
    }
    out
}

fn scheme_is_plain(scheme: &str) -> bool {
    scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.:/".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::json5::with_root;

    #[test]
    fn a_url_is_shown_without_what_may_be_secret() {
        for (url, expected) in [
            ("https://llm.example/v1", "https://llm.example/v1"),
            ("http://127.0.0.1:4000", "http://127.0.0.1:4000"),
            ("http://[::1]:11434/v1", "http://[::1]:11434/v1"),
            ("https://user:canary@llm.example/v1", "https://llm.example/v1"),
            ("https://canary@llm.example", "https://llm.example"),
            ("https://llm.example/v1?key=canary#canary", "https://llm.example/v1"),
            ("https://llm.example#canary", "https://llm.example"),
            ("https://user:can/ary@llm.example/v1", "…"),
            ("https://user:12?canary@llm.example/v1", "…"),
            ("https://user:can ary", "…"),
            ("https://user:canary", "…"),
            ("https://llm.example/sk-canary-0123456789/v1", "https://llm.example/…/v1"),
            ("https://llm.example/v1\u{1b}[2J", "https://llm.example/v1\u{1b}[2J"),
            ("${BASE}/v1", "${BASE}/v1"),
            ("llm.example/v1", "llm.example/v1"),
            ("user:canary@llm.example/v1", "llm.example/v1"),
        ] {
            assert_eq!(shown(url), expected, "{url}");
        }
        let long = shown(&format!("https://llm.example/{}", "a/".repeat(300)));
        assert_eq!(long.chars().count(), SHOWN_MAX + 1);
    }

    #[test]
    fn what_needs_no_key_is_told_from_what_does() {
        for (entry, keyless) in [
            ("baseUrl: 'http://localhost:4000/v1'", true),
            ("baseUrl: 'http://u:p@127.0.0.1/v1'", true),
            ("baseUrl: 'http://[::1]:1/v1'", true),
            ("baseUrl: 'http://192.168.1.5:8000'", true),
            ("baseUrl: 'http://172.31.0.1'", true),
            ("baseUrl: 'http://box.local:8000'", true),
            ("baseUrl: 'http://172.32.0.1'", false),
            ("baseUrl: 'https://localhost.example/v1'", false),
            ("baseUrl: 'https://llm.example/localhost'", false),
            ("auth: 'aws-sdk'", true),
            ("auth: 'oauth'", false),
            ("apiKey: 'custom-local'", true),
            ("apiKey: 'minimax-oauth'", false),
            ("", false),
        ] {
            let text = format!("{{ models: {{ providers: {{ Groq: {{ {entry} }} }} }} }}");
            let found = with_root(&text, "it", read).unwrap();
            assert_eq!((found[0].provider.as_str(), found[0].keyless), ("groq", keyless), "{entry}");
        }
        let text = "{ models: { providers: { openai: { baseUrl: 'https://api.openai.com/v1', api: ' openai-responses ' },
            groq: {}, GROQ: { baseUrl: 'https://llm.example' } } } }";
        let found = with_root(text, "it", read).unwrap();
        let told: Vec<_> =
            found.iter().map(|one| (one.provider.as_str(), one.api.as_deref(), one.custom)).collect();
        assert_eq!(told, [("groq", None, true), ("openai", Some("openai-responses"), false)]);
        assert!(with_root("{ models: { providers: [1] } }", "it", read).unwrap().is_empty());
    }
}
