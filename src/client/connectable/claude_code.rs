//! Claude Code: `apiKeyHelper` in the user's settings. A login stays, because the helper would come before it.

use jsonc_parser::ast::Object;

use super::{Client, Plan, Proxied, Wanted, claude_mcp, directory, edited, text_of};
use crate::client::edit::Change;
use crate::env::Env;
use crate::error::Result;
use crate::json::json5::{member, object, with_root};
use crate::messages::client::connectable as messages;

const HELPER: &str = "apiKeyHelper";
const ENV: &str = "env";
/// The variable that says where its requests go.
const BASE_URL: &str = "ANTHROPIC_BASE_URL";
/// Variables that Claude Code prefers to the helper.
const BEFORE: [&str; 5] = [
    "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_API_KEY",
    "CLAUDE_CODE_USE_BEDROCK",
    "CLAUDE_CODE_USE_VERTEX",
    "CLAUDE_CODE_USE_FOUNDRY",
];
/// The variable of a setup-token, to which Claude Code prefers the helper.
const SETUP_TOKEN: &str = "CLAUDE_CODE_OAUTH_TOKEN";
/// What Claude Code's own file has after a login.
const LOGIN: [&str; 2] = ["oauthAccount", "primaryApiKey"];

pub(super) fn plan(env: &Env, text: Option<&str>, wanted: &Wanted) -> Result<Plan> {
    let first = prefers(env, text)?;
    let told = first.into_iter().map(|(name, _)| messages::claude_prefers(name)).collect();
    let command = wanted.program.shell(Client::ClaudeCode.helper(), wanted.id.as_deref());
    edited(Client::ClaudeCode, text, &[Change::set(&[HELPER], command)], (Vec::new(), told))
}

/// Sends its requests to the proxy, with a token that a command reads. A key in the settings would be sent there too.
pub(super) fn plan_proxied(env: &Env, text: Option<&str>, proxied: &Proxied) -> Result<Plan> {
    let called = Client::ClaudeCode.called();
    let first = prefers(env, text)?;
    if let Some((name, true)) = first {
        return Err(messages::has_member(called, &format!("env.{name}")));
    }
    let has_url = |root: &Object<'_>| object(root, ENV).is_some_and(|env| member(env, BASE_URL).is_some());
    if text.map(|text| with_root(text, "it", has_url)).transpose()?.unwrap_or_default() {
        return Err(messages::has_member(called, &format!("{ENV}.{BASE_URL}")));
    }
    let told = first.into_iter().map(|(name, _)| messages::claude_prefers(name)).collect();
    let url = proxied.url_of("anthropic", "");
    let changes = [Change::set(&[HELPER], proxied.shell()?), Change::set(&[ENV, BASE_URL], url.as_str())];
    edited(Client::ClaudeCode, text, &changes, (vec![url], told))
}

/// Returns a variable that Claude Code prefers to the helper, and whether it is in the settings.
///
/// # Errors
/// `EXISTS` if there is a login or another helper, `BAD_DATA`.
fn prefers(env: &Env, text: Option<&str>) -> Result<Option<(&'static str, bool)>> {
    let called = Client::ClaudeCode.called();
    if is_logged_in(env)? {
        return Err(messages::claude_login());
    }
    let read = |root: &Object<'_>| {
        let of_settings = object(root, ENV);
        let first = BEFORE.iter().find(|name| of_settings.is_some_and(|env| member(env, name).is_some()));
        let has_token = of_settings.is_some_and(|env| member(env, SETUP_TOKEN).is_some());
        (member(root, HELPER).is_some(), first.copied(), has_token)
    };
    let read = text.map(|text| with_root(text, "it", read)).transpose();
    let (has_helper, first, has_token) =
        read.map_err(|_| messages::not_an_object(called))?.unwrap_or_default();
    let is_set = |name: &str| env.var(name).is_some_and(|value| !value.is_empty());
    if has_token || is_set(SETUP_TOKEN) {
        return Err(messages::claude_login());
    }
    if has_helper {
        return Err(messages::has_member(called, HELPER));
    }
    let of_process = || BEFORE.into_iter().find(|name| is_set(name)).map(|name| (name, false));
    Ok(first.map(|name| (name, true)).or_else(of_process))
}

/// Returns whether Claude Code has a login. On macOS its secret is in the keychain, and its own file says that there is one.
fn is_logged_in(env: &Env) -> Result<bool> {
    let file = directory(env, "CLAUDE_CONFIG_DIR", ".claude").map(|of| of.join(".credentials.json"));
    let stored = file.as_deref().map(text_of).transpose()?.flatten();
    if stored.is_some_and(|text| !text.is_empty()) {
        return Ok(true);
    }
    let has = |root: &Object<'_>| LOGIN.iter().any(|name| member(root, name).is_some());
    let Some(own) = claude_mcp::config(env).as_deref().map(text_of).transpose()?.flatten() else {
        return Ok(false);
    };
    with_root(own.expose_str().unwrap_or_default(), "it", has)
        .map_err(|_| messages::not_an_object(Client::ClaudeCode.called()))
}

#[cfg(test)]
mod tests {
    use super::super::proxied::proxied;
    use super::super::wanted;
    use super::*;

    #[test]
    fn the_helper_is_set_and_goes_again() {
        let text = "{\n  \"model\": \"opus\",\n  \"env\": { \"ANTHROPIC_API_KEY\": \"made-up\" }\n}\n";
        let made = plan(&Env::default(), Some(text), &wanted(&[])).unwrap();
        let after = made.text.expose_str().unwrap();
        let read: serde_json::Value = serde_json::from_str(after).unwrap();
        assert_eq!(read[HELPER], "'/opt/it'\\''s/strongroom' --agent main helper claude-api-key");
        assert!(made.told[0].contains("ANTHROPIC_API_KEY") && !made.told[0].contains("made-up"));
        assert_eq!(made.undo.undo(after).unwrap().text.unwrap().expose_str(), Some(text));
        assert!(plan(&Env::default(), Some(after), &wanted(&[])).is_err());
    }

    #[test]
    fn the_proxy_is_set_with_the_helper_and_goes_again() {
        let text = "{\n  \"env\": { \"X\": \"1\" }\n}\n";
        let made = plan_proxied(&Env::default(), Some(text), &proxied(&["anthropic"])).unwrap();
        let after = made.text.expose_str().unwrap();
        let read: serde_json::Value = serde_json::from_str(after).unwrap();
        assert!(read[HELPER].as_str().unwrap().ends_with("/cat '/home/it'\\''s/tokens/a b'"), "{after}");
        assert_eq!(read[ENV][BASE_URL], "http://127.0.0.1:7787/anthropic");
        assert_eq!(made.undo.undo(after).unwrap().text.unwrap().expose_str(), Some(text));
        for taken in ["ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY", SETUP_TOKEN] {
            let text = format!("{{\"env\":{{\"{taken}\":\"made-up\"}}}}");
            let refused = plan_proxied(&Env::default(), Some(&text), &proxied(&["anthropic"])).unwrap_err();
            assert_eq!(refused.code(), crate::error::Code::Exists, "{taken}");
        }
    }

    #[test]
    fn a_login_stays() {
        let large = format!("{{\"x\":\"{}\",\"primaryApiKey\":\"made-up\"}}", "y".repeat(2 << 20));
        for (name, text) in [
            (".claude/.credentials.json", "{}"),
            (".claude.json", "{\"oauthAccount\":{}}"),
            (".claude.json", large.as_str()),
        ] {
            let home = tempfile::tempdir().unwrap();
            std::fs::create_dir(home.path().join(".claude")).unwrap();
            std::fs::write(home.path().join(name), text).unwrap();
            let env = Env::default().with_var("HOME", home.path());
            assert_eq!(plan(&env, None, &wanted(&[])).unwrap_err().code(), crate::error::Code::Exists);
        }
        let settings = "{\"env\":{\"CLAUDE_CODE_OAUTH_TOKEN\":\"made-up\"}}";
        assert!(plan(&Env::default(), Some(settings), &wanted(&[])).is_err());
        assert!(plan(&Env::default().with_var(SETUP_TOKEN, "made-up"), None, &wanted(&[])).is_err());
    }
}
