//! kubectl: a user whose token an exec plugin gives. v1beta1 of the protocol is what every version from 1.11 on reads; older
//! ones than 1.22 do not know v1.

use std::path::PathBuf;

use serde_json::json;

use super::{Client, Place, Plan, Wanted, inserted_in_yaml, text_of};
use crate::client::yaml::{names, with_item};
use crate::env::Env;
use crate::error::Result;
use crate::messages::client::connectable as messages;

/// The user, if a person names none.
const NAME: &str = "strongroom";
const USERS: &str = "users";

/// Returns the file that kubectl writes: of those in its variable, the first one that exists, or else the last one.
pub(super) fn config(env: &Env) -> Option<PathBuf> {
    let named: Vec<PathBuf> =
        env.var("KUBECONFIG").map(|all| std::env::split_paths(all).collect()).unwrap_or_default();
    let named: Vec<_> = named.into_iter().filter(|path| !path.as_os_str().is_empty()).collect();
    let first = named.iter().find(|path| path.exists()).or(named.last()).cloned();
    first.or_else(|| Some(env.path("HOME")?.join(".kube").join("config")))
}

/// Returns the files in its variable.
fn named(env: &Env) -> Vec<PathBuf> {
    let all = env.var("KUBECONFIG").map(|all| std::env::split_paths(all).collect::<Vec<_>>());
    all.unwrap_or_default().into_iter().filter(|path| !path.as_os_str().is_empty()).collect()
}

pub(super) fn plan(env: &Env, text: Option<&str>, wanted: &Wanted) -> Result<Plan> {
    let before = text.unwrap_or_default();
    let name = wanted.name.as_deref().unwrap_or(NAME);
    if name.is_empty() || name.contains(char::is_control) {
        return Err(messages::bad_name());
    }
    let has = |text: &str| names(text, USERS, "user").map(|users| users.iter().any(|user| user.name == name));
    let own = config(env);
    let mut is_taken = has(before)?;
    for path in named(env).iter().filter(|path| own.as_ref() != Some(path)) {
        let other = text_of(path)?;
        is_taken |= has(other.as_ref().and_then(|text| text.expose_str()).unwrap_or_default())?;
    }
    if is_taken {
        return Err(messages::has_section(Client::Kubectl.called(), name));
    }
    let words = wanted.program.words(Client::Kubectl.helper(), wanted.id.as_deref());
    let (command, args) = words.split_first().ok_or_else(messages::odd_path)?;
    let user = json!({ "name": name, "user": { "exec": {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": command,
        "args": args,
        "interactiveMode": "Never",
        "provideClusterInfo": wanted.by_host,
    } } });
    let insertion = with_item(before, USERS, &user)?;
    let place = Place::Item(USERS.to_owned(), name.to_owned());
    let told = (vec![name.to_owned()], vec![messages::kubectl_user(name)]);
    Ok(inserted_in_yaml(text, insertion, wanted, place, told))
}

#[cfg(test)]
mod tests {
    use super::super::wanted;
    use super::*;

    #[test]
    fn a_user_is_added_and_goes_again() {
        let text = "apiVersion: v1\nkind: Config # mine\nusers:\n- name: other\n  user:\n    token: made-up\ncontexts: []\n";
        let made = plan(&Env::default(), Some(text), &wanted(&["https://x.io"])).unwrap();
        let after = made.text.expose_str().unwrap();
        assert!(after.contains("    token: made-up\n- name: strongroom\n  user:\n    exec:\n"), "{after}");
        assert!(after.contains("provideClusterInfo: true"), "{after}");
        assert_eq!(made.undo.undo(after).unwrap().text.unwrap().expose_str(), Some(text));
        let taken = Wanted { name: Some("other".to_owned()), ..wanted(&[]) };
        assert_eq!(plan(&Env::default(), Some(text), &taken).unwrap_err().code(), crate::error::Code::Exists);
        assert!(plan(&Env::default(), Some("users: [{name: a}]\n"), &wanted(&[])).is_err());
    }

    #[test]
    fn the_file_is_the_one_that_kubectl_writes() {
        let home = tempfile::tempdir().unwrap();
        let (one, two) = (home.path().join("one"), home.path().join("two"));
        let all = std::env::join_paths([&one, &two]).unwrap();
        let env = Env::default().with_var("HOME", "/h").with_var("KUBECONFIG", all);
        assert_eq!(config(&env), Some(two.clone()));
        std::fs::write(&one, "").unwrap();
        assert_eq!(config(&env), Some(one));
        assert_eq!(config(&Env::default().with_var("HOME", "/h")), Some("/h/.kube/config".into()));
    }
}
