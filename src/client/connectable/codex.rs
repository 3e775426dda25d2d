//! Codex: a model provider of its own, whose `auth` runs a command (openai/codex #16267, 0.171). The built-in provider and its
//! login stay.

use super::cargo::must_become;
use super::toml::{Entry, Kind, Toml};
use super::{Client, Plan, Proxied, Wanted, directory, inserted, text_of};
use crate::client::insertion::Insertion;
use crate::client::sdk_variables::path_of;
use crate::env::Env;
use crate::error::Result;
use crate::messages::client::connectable as messages;

/// The model provider, if a person names none.
const NAME: &str = "strongroom";
/// The key that chooses a model provider.
const CHOICE: &str = "model_provider";
const PROVIDERS: &str = "model_providers";
/// Keys that say that a person has chosen how Codex signs in, or where it sends requests.
const KEEPS: [&str; 5] =
    [CHOICE, "profile", "cli_auth_credentials_store", "forced_login_method", "openai_base_url"];
/// How long the command may take, in milliseconds, and after how many milliseconds Codex runs it again. Both are Codex' own
/// defaults.
const TIMES: (u32, u32) = (5000, 300_000);

pub(super) fn plan(env: &Env, text: Option<&str>, wanted: &Wanted) -> Result<Plan> {
    let [host, ..] = wanted.hosts.as_slice() else { return Err(messages::no_host(Client::Codex.called())) };
    let words = wanted.program.words(Client::Codex.helper(), wanted.id.as_deref());
    let base_url = format!("{host}/v1");
    let provider =
        ModelProvider { name: wanted.name.as_deref(), base_url, words, mark: wanted.program.path() };
    provider.plan(env, text, vec![host.clone()])
}

/// The token is read by a command, as a key is.
pub(super) fn plan_proxied(env: &Env, text: Option<&str>, proxied: &Proxied) -> Result<Plan> {
    let words = proxied.words()?;
    let base_url = proxied.url_of("openai", path_of("openai"));
    let connected = vec![base_url.clone()];
    let mark = proxied.token_path()?;
    ModelProvider { name: proxied.name.as_deref(), base_url, words, mark }.plan(env, text, connected)
}

/// A model provider that is added.
struct ModelProvider<'a> {
    /// Its name, if a person chose one.
    name: Option<&'a str>,
    base_url: String,
    /// The command that prints the credential.
    words: Vec<String>,
    /// What a changed line is known by.
    mark: &'a str,
}

impl ModelProvider<'_> {
    fn plan(self, env: &Env, text: Option<&str>, connected: Vec<String>) -> Result<Plan> {
        let before = text.unwrap_or_default();
        let config = Toml::of(before)?;
        let Self { base_url, words, mark, .. } = &self;
        let name = self.name.unwrap_or(NAME);
        if !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')) || name.is_empty() {
            return Err(messages::bad_name());
        }
        if config.has(&[PROVIDERS, name]) {
            return Err(messages::has_section(Client::Codex.called(), name));
        }
        let (command, args) = words.split_first().ok_or_else(messages::odd_path)?;
        let (command, args) = (serde_json::json!(command), serde_json::json!(args));
        if config.entries.iter().any(|entry| entry.kind == Kind::Value && entry.path == [PROVIDERS]) {
            return Err(messages::no_table(PROVIDERS));
        }
        let base_url = serde_json::json!(base_url);
        let provider = format!(
            "[{PROVIDERS}.{name}]\nname = \"Strongroom\"\nbase_url = {base_url}\nwire_api = \"responses\"\n"
        );
        let auth = format!(
            "[{PROVIDERS}.{name}.auth]\ncommand = {command}\nargs = {args}\ntimeout_ms = {}\nrefresh_interval_ms = {}\n",
            TIMES.0, TIMES.1
        );
        let (mut insertions, mut told) = (Vec::new(), Vec::new());
        if KEEPS.iter().any(|key| config.has(&[key])) || is_logged_in(env)? {
            told.push(messages::codex_keeps(name));
        } else {
            let choice = format!("{CHOICE} = \"{name}\"\n");
            insertions.push(Insertion::before_line(before, config.end_of_root(), &choice));
        }
        let is_at_end = insertions.iter().any(|insertion| insertion.at == before.len());
        let first = if is_at_end { Insertion::after_end } else { Insertion::at_end };
        insertions.extend([first(before, &provider), Insertion::after_end(before, &auth)]);
        let plan = inserted(text, insertions, mark, (connected, told));
        let ours = |entry: &Entry| {
            entry.path == [CHOICE]
                || (entry.path.len() > 1 && entry.path[0] == PROVIDERS && entry.path[1] == name)
        };
        must_become(&config, &plan, ours)?;
        Ok(plan)
    }
}

/// Returns whether Codex has a login or a key of its own.
fn is_logged_in(env: &Env) -> Result<bool> {
    let file = directory(env, "CODEX_HOME", ".codex").map(|of| of.join("auth.json"));
    let stored = file.as_deref().map(text_of).transpose()?.flatten();
    Ok(stored.is_some_and(|text| !text.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::super::wanted;
    use super::*;

    #[test]
    fn a_provider_is_added_and_chosen_and_goes_again() {
        let text = "# mine\nmodel = \"m\"\n\n# tables\n[tui]\nx = true\n";
        let made = plan(&Env::default(), Some(text), &wanted(&["https://api.openai.com"])).unwrap();
        let after = made.text.expose_str().unwrap();
        assert!(
            after.starts_with("# mine\nmodel = \"m\"\n\nmodel_provider = \"strongroom\"\n# tables\n[tui]\n")
        );
        assert!(after.ends_with("[model_providers.strongroom.auth]\ncommand = \"/opt/it's/strongroom\"\nargs = [\"--agent\",\"main\",\"helper\",\"codex\"]\ntimeout_ms = 5000\nrefresh_interval_ms = 300000\n"));
        assert_eq!(made.undo.undo(after).unwrap().text.unwrap().expose_str(), Some(text));
        let new = plan(&Env::default(), None, &wanted(&["https://api.openai.com"])).unwrap();
        assert!(
            new.text.expose_str().unwrap().starts_with("model_provider = \"strongroom\"\n[model_providers")
        );
    }

    #[test]
    fn a_login_and_a_choice_stay() {
        let home = tempfile::tempdir().unwrap();
        let env = Env::default().with_var("CODEX_HOME", home.path());
        std::fs::write(home.path().join("auth.json"), "{}").unwrap();
        for (env, text) in [(&env, ""), (&Env::default(), "model_provider = \"x\"\n")] {
            let made = plan(env, Some(text), &wanted(&["https://api.openai.com"])).unwrap();
            assert!(!made.text.expose_str().unwrap().contains("model_provider = \"strongroom\""));
            assert_eq!(made.told.len(), 1);
        }
        let inline = "model_providers = { x = { name = \"x\" } }\n";
        assert!(plan(&Env::default(), Some(inline), &wanted(&["https://api.openai.com"])).is_err());
        let mark = "\u{feff}[tui]\nx = 1\n";
        let made = plan(&Env::default(), Some(mark), &wanted(&["https://api.openai.com"])).unwrap();
        assert!(made.text.expose_str().unwrap().starts_with("\u{feff}model_provider = "));
        let taken = "[model_providers.strongroom]\nname = \"x\"\n";
        assert!(plan(&Env::default(), Some(taken), &wanted(&["https://api.openai.com"])).is_err());
    }
}
