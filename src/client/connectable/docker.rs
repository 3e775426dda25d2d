//! Docker: `credHelpers` names a program for each registry, which Docker finds on `PATH` by a name that begins with
//! `docker-credential-` (docker/cli, "Credential helpers").

use jsonc_parser::ast::{Object, Value};

use super::{Client, Plan, Wanted, edited};
use crate::client::edit::Change;
use crate::error::Result;
use crate::json::json5::{object, string, with_root};
use crate::messages::client::connectable as messages;

/// The helper, after `docker-credential-`.
const HELPER: &str = "strongroom";
/// Docker Hub, and the name under which Docker's configuration has it.
const HUB: (&str, &str) = ("https://index.docker.io", "https://index.docker.io/v1/");
/// Other names of Docker Hub, under which other programs log in.
const HUB_NAMES: [&str; 3] = ["index.docker.io", "docker.io", "registry-1.docker.io"];

pub(super) fn plan(text: Option<&str>, wanted: &Wanted) -> Result<Plan> {
    let (mut changes, mut connected, mut told) = (Vec::new(), Vec::new(), Vec::new());
    for host in &wanted.hosts {
        // Docker names no scheme, and its helper takes it for https.
        let Some(name) = host.strip_prefix("https://") else {
            told.push(messages::only_https(Client::Docker.called(), host));
            continue;
        };
        let key = if host == HUB.0 { HUB.1 } else { name };
        match text.map_or(Ok(None), |text| taken(text, host))? {
            Some(Taken::Login) => told.push(messages::registry_login(host)),
            Some(Taken::Helper) => told.push(messages::other_helper(Client::Docker.called(), host)),
            None => {
                connected.push(host.clone());
                changes.push(Change::set(&["credHelpers", key], HELPER));
            }
        }
    }
    if changes.is_empty() {
        return Err(messages::has_login(&told.join("; ")));
    }
    edited(Client::Docker, text, &changes, (connected, told))
}

/// What a configuration has for a registry already.
enum Taken {
    /// A login.
    Login,
    /// Another helper.
    Helper,
}

/// Returns whether an entry is about a host, whatever its scheme.
fn is_of(entry: &str, host: &str) -> bool {
    let name = |url: &str| {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let name = rest.split('/').next().unwrap_or_default().to_ascii_lowercase();
        name.strip_suffix(":443").map_or(name.clone(), str::to_owned)
    };
    let (entry, host) = (name(entry), name(host));
    entry == host || [&entry, &host].iter().all(|name| HUB_NAMES.contains(&name.as_str()))
}

fn taken(text: &str, host: &str) -> Result<Option<Taken>> {
    let of = |root: &Object<'_>, list: &str| {
        let members = object(root, list).map_or(&[][..], |list| list.properties.as_slice());
        members.iter().any(|member| is_of(member.name.as_str(), host))
    };
    let read = |root: &Object<'_>| {
        // Docker notes a login that is in a store of credentials as an empty entry.
        let is_empty =
            |value: &Value<'_>| value.as_object().is_some_and(|object| object.properties.is_empty());
        let has_store = string(root, "credsStore").is_some_and(|store| !store.is_empty());
        let logins = object(root, "auths").map_or(&[][..], |list| list.properties.as_slice());
        let is_login = logins
            .iter()
            .any(|member| is_of(member.name.as_str(), host) && (has_store || !is_empty(&member.value)));
        match (is_login, of(root, "credHelpers")) {
            (true, _) => Some(Taken::Login),
            (false, true) => Some(Taken::Helper),
            (false, false) => None,
        }
    };
    with_root(text, "it", read).map_err(|_| messages::not_an_object(Client::Docker.called()))
}

#[cfg(test)]
mod tests {
    use super::super::wanted;
    use super::*;

    #[test]
    fn each_registry_gets_the_helper_unless_it_has_a_login() {
        let text = "{\n\t\"auths\": {\n\t\t\"ghcr.io\": { \"auth\": \"bWFkZTp1cA==\" },\n\t\t\"https://quay.io/v1/\": {}\n\t},\n\t\"credHelpers\": { \"gcr.io\": \"gcloud\" }\n}\n";
        let hosts = [
            "https://ghcr.io",
            "https://quay.io",
            "https://gcr.io",
            "https://x.io:5000",
            "http://localhost:1",
            HUB.0,
        ];
        let plan = plan(Some(text), &wanted(&hosts)).unwrap();
        let after = plan.text.expose_str().unwrap();
        let read: serde_json::Value = serde_json::from_str(after).unwrap();
        assert_eq!(
            read["credHelpers"],
            serde_json::json!({ "gcr.io": "gcloud", "quay.io": HELPER, "x.io:5000": HELPER, HUB.1: HELPER })
        );
        assert_eq!(plan.told.len(), 3, "{:?}", plan.told);
        assert_eq!(plan.undo.undo(after).unwrap().text.unwrap().expose_str(), Some(text));
    }

    #[test]
    fn a_login_in_a_store_counts_and_an_empty_configuration_is_made() {
        let text = "{\"auths\":{\"quay.io\":{}},\"credsStore\":\"desktop\"}";
        assert!(plan(Some(text), &wanted(&["https://quay.io"])).is_err());
        assert!(plan(Some("[]"), &wanted(&["https://quay.io"])).is_err());
        let made = plan(None, &wanted(&["https://quay.io"])).unwrap();
        assert_eq!(
            made.text.expose_str(),
            Some("{\n  \"credHelpers\": {\n    \"quay.io\": \"strongroom\"\n  }\n}\n")
        );
    }
}
