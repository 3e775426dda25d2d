//! cargo: `credential-provider` of each registry whose server is a host of a profile (The Cargo Book, "Registry
//! Authentication").

use std::path::PathBuf;

use super::toml::{Entry, Toml};
use super::{Client, Plan, Wanted, directory, inserted, text_of};
use crate::client::helpers::cargo::{CRATES_IO_ORIGIN, Registry, registry};
use crate::client::insertion::Insertion;
use crate::env::Env;
use crate::error::Result;
use crate::messages::client::connectable as messages;

/// The name of crates.io in cargo's configuration.
const CRATES_IO: &str = "crates-io";
const PROVIDER: &str = "credential-provider";
/// Lets cargo run a command that prints the token, and says which registry it is for in a variable.
const FROM_STDOUT: &str = "cargo:token-from-stdout";

/// Returns the file that cargo reads: the one without an ending if it exists, as cargo prefers that.
pub(super) fn config(env: &Env) -> Option<PathBuf> {
    named(env, "config")
}

fn named(env: &Env, name: &str) -> Option<PathBuf> {
    let directory = directory(env, "CARGO_HOME", ".cargo")?;
    let old = directory.join(name);
    Some(if old.exists() { old } else { directory.join(format!("{name}.toml")) })
}

pub(super) fn plan(env: &Env, text: Option<&str>, wanted: &Wanted) -> Result<Plan> {
    let before = text.unwrap_or_default();
    let config = Toml::of(before)?;
    let logins = named(env, "credentials").as_deref().map(text_of).transpose()?.flatten();
    let logins = logins.as_ref().map_or(Some(""), |text| text.expose_str());
    let logins = logins.and_then(|text| Toml::of(text).ok()).ok_or_else(messages::cargo_logins)?;
    let has_global = config.has(&["registry", "global-credential-providers"]);
    let words = wanted.program.words(Client::Cargo.helper(), wanted.id.as_deref());
    let words: Vec<_> = std::iter::once(FROM_STDOUT.to_owned()).chain(words).collect();
    let line = format!("{PROVIDER} = {}\n", serde_json::json!(words));
    let (mut insertions, mut connected, mut told) = (Vec::new(), Vec::new(), Vec::new());
    for name in registries(&config, wanted)? {
        let path = table(&name);
        let has = |toml: &Toml<'_>, key: &str| toml.has(&[&path, &[key][..]].concat());
        if has(&logins, "token") || has(&config, "token") {
            told.push(messages::registry_token(&name));
        } else if has(&config, PROVIDER) || has(&config, "secret-key") || has_global {
            told.push(messages::other_helper(Client::Cargo.called(), &name));
        } else if let Some(at) = config.after_header(&path) {
            insertions.push(Insertion::before_line(before, at, &line));
        } else if name == CRATES_IO && !config.has(&path) {
            insertions.push(Insertion::at_end(before, &format!("[registry]\n{line}")));
        } else {
            return Err(messages::no_table(&path.join(".")));
        }
        if insertions.len() > connected.len() {
            connected.push(name.clone());
        }
    }
    if insertions.is_empty() {
        return Err(if told.is_empty() {
            messages::no_registry(&wanted.hosts.join(", "))
        } else {
            messages::has_login(&told.join("; "))
        });
    }
    let plan = inserted(text, insertions, wanted.program.path(), (connected, told));
    let ours =
        |entry: &Entry| entry.path.last().is_some_and(|name| name == PROVIDER) || entry.path == ["registry"];
    must_become(&config, &plan, ours)?;
    Ok(plan)
}

/// Refuses a result that says something else than before and what was to be added.
pub(super) fn must_become(before: &Toml<'_>, plan: &Plan, ours: impl Fn(&Entry) -> bool) -> Result<()> {
    let after = Toml::of(plan.text.expose_str().unwrap_or_default());
    match after {
        Ok(after) if before.became(&after, ours) => Ok(()),
        _ => Err(messages::not_edited()),
    }
}

/// Returns the table of a registry.
fn table(name: &str) -> Vec<&str> {
    if name == CRATES_IO { vec!["registry"] } else { vec!["registries", name] }
}

/// Returns the registries to connect: those that are named or, without a name, those of the hosts. The token goes to the
/// server of a sparse index; one in a git repository may name any server.
fn registries(config: &Toml<'_>, wanted: &Wanted) -> Result<Vec<String>> {
    let has_host = |origin: &String| wanted.hosts.contains(origin);
    let mut found = Vec::new();
    if has_host(&CRATES_IO_ORIGIN.to_owned()) {
        found.push(CRATES_IO.to_owned());
    }
    for entry in &config.entries {
        let [first, name, key] = entry.path.as_slice() else { continue };
        if first != "registries" || key != "index" || found.contains(name) {
            continue;
        }
        let index = config.text_at(&[first, name, key]);
        let server = index.and_then(|index| registry(&index).ok());
        if matches!(&server, Some(Registry::Own(origin)) if has_host(origin)) {
            found.push(name.clone());
        }
    }
    let Some(name) = &wanted.name else { return Ok(found) };
    if found.contains(name) { Ok(vec![name.clone()]) } else { Err(messages::not_a_registry(name)) }
}

#[cfg(test)]
mod tests {
    use super::super::wanted;
    use super::*;

    const LINE: &str = "credential-provider = [\"cargo:token-from-stdout\",\"/opt/it's/strongroom\",\"--agent\",\"main\",\"helper\",\"cargo\"]\n";

    #[test]
    fn a_registry_of_the_hosts_gets_the_provider_in_its_table() {
        let text = "[build] # x\njobs = 2\n[registries.a]\nindex = \"sparse+https://a.io/i/\"\n[registries.b]\nindex = \"https://github.com/b/i\"\n[registries.c]\nindex = 'sparse+https://a.io/c/'\ncredential-provider = 'x'\n";
        let made =
            plan(&Env::default(), Some(text), &wanted(&["https://a.io", "https://github.com"])).unwrap();
        let expected = text.replace("[registries.a]\n", &format!("[registries.a]\n{LINE}"));
        assert_eq!(made.text.expose_str(), Some(expected.as_str()));
        assert_eq!(made.told.len(), 1);
        assert_eq!(made.undo.undo(&expected).unwrap().text.unwrap().expose_str(), Some(text));
        let none = plan(&Env::default(), Some(text), &wanted(&["https://z.io"])).unwrap_err();
        assert_eq!(none.code(), crate::error::Code::NotFound);
        let dotted = "registries.a.index = \"sparse+https://a.io/i/\"\n";
        assert!(plan(&Env::default(), Some(dotted), &wanted(&["https://a.io"])).is_err());
    }

    #[test]
    fn crates_io_is_the_table_registry_and_a_login_stays() {
        let home = tempfile::tempdir().unwrap();
        let env = Env::default().with_var("CARGO_HOME", home.path());
        let made = plan(&env, Some("[net]\r\nretry = 1"), &wanted(&[CRATES_IO_ORIGIN])).unwrap();
        let line = LINE.replace('\n', "\r\n");
        let expected = format!("[net]\r\nretry = 1\r\n[registry]\r\n{line}");
        assert_eq!(made.text.expose_str(), Some(expected.as_str()));
        std::fs::write(home.path().join("credentials.toml"), "[registry]\ntoken = \"made-up\"\n").unwrap();
        let refused = plan(&env, None, &wanted(&[CRATES_IO_ORIGIN])).unwrap_err();
        assert_eq!(refused.code(), crate::error::Code::Exists);
    }
}
