//! What connecting the client changes in its configuration, and the plan with which it changes its own profiles.

use std::path::Path;

use jsonc_parser::ast::{Object, Value as Node};
use serde_json::{Map, Value, json};

use super::Change;
use super::document::Document;
use super::meaning::{at, to_json};
use crate::error::Result;
use crate::json::json5::{member, object};
use crate::messages::client::edit as messages;
use crate::vault::credential::CredentialType;
use crate::vault::id::{AgentName, ProfileId, Provider};

/// The longest name of an exec provider, in characters (`^[a-z][a-z0-9_-]{0,63}$` of OpenClaw 2026.6.1).
const ALIAS_MAX: usize = 64;
/// How long the client waits for an answer, in milliseconds. It is what the client waits by default, but 2026.2.26 gives
/// up after 2,000 ms without output unless `noOutputTimeoutMs` says otherwise.
const TIMEOUT_MS: u64 = 5_000;
/// Members of an exec provider that a person may have changed. They are kept.
const LIMITS: [&str; 2] = ["timeoutMs", "noOutputTimeoutMs"];
/// The variables that the client passes on. Those that a person has added stay, such as `CREDENTIALS_DIRECTORY`.
const PASS_ENV: &str = "passEnv";

/// How the client asks this vault.
#[derive(Clone, Copy, Debug)]
pub struct Connection<'c> {
    /// The name of the exec provider in the client's configuration.
    pub alias: &'c str,
    /// The program that the client runs, as an absolute path.
    pub resolver: &'c Path,
    /// The vault's home, as an absolute path.
    pub home: &'c Path,
    /// The key file, if it is not the default one.
    pub key_file: Option<&'c Path>,
    /// Whether the key or profiles are in the desktop's keychain.
    pub keychain: bool,
}

/// A profile that the client gets from this vault. OAuth sign-ins are left out: the client accepts no reference for them.
#[derive(Clone, Copy, Debug)]
pub struct Served<'c> {
    /// The agent whose profile it is.
    pub agent: &'c AgentName,
    /// Its id.
    pub id: &'c ProfileId,
    /// Its provider.
    pub provider: &'c Provider,
    /// Its type.
    pub kind: CredentialType,
    /// Its e-mail address.
    pub email: Option<&'c str>,
    /// The id by which the resolver is asked for it.
    pub reference: &'c str,
}

/// Where the client keeps its profiles.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProfileStore {
    /// In `auth-profiles.json` of each agent: up to 2026.6.1.
    Json,
    /// In SQLite, which only the client writes: from 2026.6.5 on.
    Sqlite,
}

impl Connection<'_> {
    /// Returns what changes in a configuration: the exec provider, its alias as the default for `exec` if no other is set,
    /// the orders of the vault, and, if the client reads profiles from JSON, their metadata. `now` is the text with the
    /// current connection, if it has one. What others have written stays: further members of the provider and of
    /// profiles, and the places of their profiles in an order.
    ///
    /// # Errors
    /// `BAD_DATA` if the text is not JSON5, `USAGE` if the client would not accept the alias, `EXISTS` if it belongs to
    /// something else, `CONFIG` if a path is not text.
    pub fn changes(
        &self,
        config: Option<&str>,
        now: Option<&str>,
        store: ProfileStore,
        profiles: &[Served<'_>],
        orders: &[(Provider, Vec<ProfileId>)],
    ) -> Result<Vec<Change>> {
        self.check_alias()?;
        // A person's limits are in the provider as it is.
        let provider = Document::of(now.unwrap_or(super::EMPTY))?.with_root(|root| self.provider(root))??;
        let config = Document::of(config.unwrap_or(super::EMPTY))?;
        config.with_root(|root| {
            let mut changes = vec![Change::set(&["secrets", "providers", self.alias], provider)];
            if at(root, &names(&["secrets", "defaults", "exec"])).is_none() {
                changes.push(Change::set(&["secrets", "defaults", "exec"], self.alias));
            }
            if store == ProfileStore::Json {
                for profile in profiles {
                    let mut set = |name, value: &str| {
                        changes.push(Change::set(&["auth", "profiles", profile.id.as_str(), name], value));
                    };
                    set("provider", profile.provider.as_str());
                    set("mode", profile.kind.as_str());
                    if let Some(email) = profile.email {
                        set("email", email);
                    }
                }
            }
            changes.extend(orders.iter().filter_map(|(provider, ids)| order(root, provider, ids)));
            Ok(changes)
        })?
    }

    /// Returns the plan for `openclaw secrets apply`, which makes the client's profiles refer to this vault. The exec
    /// provider is in it too, because the plan is checked before anything is written. The client resolves every
    /// reference first, so the profiles must be in the vault.
    ///
    /// # Errors
    /// `CONFIG` if a path is not text.
    pub fn plan(&self, config: Option<&str>, profiles: &[Served<'_>]) -> Result<Value> {
        self.check_alias()?;
        let provider =
            Document::of(config.unwrap_or(super::EMPTY))?.with_root(|root| self.provider(root))??;
        let targets: Vec<_> = profiles.iter().filter_map(|profile| self.target(profile)).collect();
        Ok(json!({
            "version": 1,
            "protocolVersion": 1,
            "providerUpserts": { self.alias: provider },
            "targets": targets,
        }))
    }

    fn target(&self, profile: &Served<'_>) -> Option<Value> {
        let (kind, field) = match profile.kind {
            CredentialType::ApiKey => ("auth-profiles.api_key.key", "key"),
            CredentialType::Token => ("auth-profiles.token.token", "token"),
            CredentialType::OAuth => return None,
        };
        let id = profile.id.as_str();
        Some(json!({
            "type": kind,
            "path": format!("profiles.{id}.{field}"),
            // An id can have dots in it.
            "pathSegments": ["profiles", id, field],
            "agentId": profile.agent.as_str(),
            "authProfileProvider": profile.provider.as_str(),
            "ref": { "source": "exec", "provider": self.alias, "id": profile.reference },
        }))
    }

    /// Returns the exec provider, with what a person has added to the one that exists.
    fn provider(&self, root: &Object<'_>) -> Result<Value> {
        let mut args = vec![json!("--home"), json!(text(self.home)?)];
        if let Some(key_file) = self.key_file {
            args.extend([json!("--key-file"), json!(text(key_file)?)]);
        }
        args.push(json!("resolve"));
        let mut pass_env = vec!["HOME"];
        if self.keychain {
            pass_env.extend(["XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"]);
        }
        let ours = json!({
            "source": "exec",
            "command": text(self.resolver)?,
            "args": args,
            PASS_ENV: pass_env,
            "jsonOnly": true,
            "timeoutMs": TIMEOUT_MS,
            "noOutputTimeoutMs": TIMEOUT_MS,
        });
        let providers = object(root, "secrets").and_then(|secrets| object(secrets, "providers"));
        let old = providers.and_then(|providers| member(providers, self.alias));
        let (Some(old), Value::Object(mut ours)) = (old, ours.clone()) else { return Ok(ours) };
        let old = match to_json(old) {
            Value::Object(old) if self.is_same_vault(&old) => old,
            _ => return Err(messages::alias_taken(self.alias, &free(self.alias, providers))),
        };
        if let Some(Value::Array(passed)) = ours.get_mut(PASS_ENV) {
            let more = old.get(PASS_ENV).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            let more: Vec<_> = more.iter().filter(|name| !passed.contains(name)).cloned().collect();
            passed.extend(more);
        }
        let changed =
            ours.iter().filter(|(name, _)| !(LIMITS.contains(&name.as_str()) && old.contains_key(*name)));
        let changed = changed.map(|(name, value)| (name.clone(), value.clone())).collect::<Vec<_>>();
        Ok(Value::Object(old.into_iter().chain(changed).collect()))
    }

    /// Returns whether a provider runs a program of this name, perhaps at another path, for the same vault.
    fn is_same_vault(&self, old: &Map<String, Value>) -> bool {
        let command = old.get("command").and_then(Value::as_str).map(Path::new);
        let args: Vec<_> =
            old.get("args").and_then(Value::as_array).map_or(&[][..], Vec::as_slice).iter().collect();
        let home = args.iter().position(|arg| *arg == "--home").and_then(|at| args.get(at + 1));
        old.get("source").is_some_and(|source| source == "exec")
            && command.is_some_and(|old| old.file_name() == self.resolver.file_name())
            && args.iter().any(|arg| *arg == "resolve")
            && home.is_none_or(|home| home.as_str().map(Path::new) == Some(self.home))
    }

    fn check_alias(&self) -> Result<()> {
        let is_rest = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-');
        let begins = self.alias.starts_with(|c: char| c.is_ascii_lowercase());
        if begins && self.alias.len() <= ALIAS_MAX && self.alias.bytes().all(is_rest) {
            return Ok(());
        }
        Err(messages::alias_malformed())
    }
}

/// Returns the first of `NAME-2`, `NAME-3`, … that no provider has.
fn free(alias: &str, providers: Option<&Object<'_>>) -> String {
    let base: String = alias.chars().take(ALIAS_MAX - 8).collect();
    let is_taken = |name: &String| providers.is_some_and(|all| member(all, name).is_some());
    (2..1_000).map(|n| format!("{base}-{n}")).find(|name| !is_taken(name)).unwrap_or(base)
}

/// Returns the change of a provider's order. Profiles of others keep their places in it, and what is new follows.
fn order(root: &Object<'_>, provider: &Provider, ids: &[ProfileId]) -> Option<Change> {
    let orders = object(root, "auth").and_then(|auth| object(auth, "order"));
    // The client ignores the case of a provider.
    let mut named = orders.into_iter().flat_map(|orders| &orders.properties);
    let old = named.find(|entry| Provider::named(entry.name.as_str()).as_ref() == Some(provider));
    let (name, list) = match old {
        None => (provider.as_str(), Vec::new()),
        Some(entry) => match &entry.value {
            Node::Array(list) => (entry.name.as_str(), list.elements.iter().map(to_json).collect()),
            // Something else than a list is the client's to complain about.
            _ => return None,
        },
    };
    let mut ours = ids.iter().map(|id| json!(id.as_str()));
    let is_ours = |value: &Value| ids.iter().any(|id| *value == id.as_str());
    let mut all: Vec<_> = list
        .into_iter()
        .filter_map(|value| if is_ours(&value) { ours.next() } else { Some(value) })
        .collect();
    all.extend(ours);
    (!ids.is_empty()).then(|| Change::set(&["auth", "order", name], all))
}

fn names(path: &[&str]) -> Vec<String> {
    path.iter().map(|name| (*name).to_owned()).collect()
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().ok_or_else(|| messages::path_not_text(path))
}

#[cfg(test)]
mod tests {
    use super::super::{
        edit,
        tests::{as_json, text_of},
    };
    use super::*;
    use crate::error::Code;

    fn connection(alias: &str) -> Connection<'_> {
        Connection {
            alias,
            resolver: Path::new("/h/.local/bin/strongroom"),
            home: Path::new("/h/vault"),
            key_file: None,
            keychain: false,
        }
    }

    fn connected(config: Option<&str>, store: ProfileStore) -> Value {
        let agent: AgentName = "main".parse().unwrap();
        let ids: Vec<ProfileId> = ["groq:a", "groq:me@x.io"].iter().map(|id| id.parse().unwrap()).collect();
        let groq: Provider = "groq".parse().unwrap();
        let served = |id, kind, email| Served {
            agent: &agent,
            id,
            provider: &groq,
            kind,
            email,
            reference: "main/groq:a",
        };
        let profiles = [
            served(&ids[0], CredentialType::ApiKey, None),
            served(&ids[1], CredentialType::Token, Some("me@x.io")),
        ];
        let orders = [(groq.clone(), vec![ids[1].clone(), ids[0].clone()])];
        let connection = connection("strongroom");
        let changes = connection.changes(config, config, store, &profiles, &orders).unwrap();
        let edited = edit(config, &changes).unwrap();
        let after = text_of(&edited);
        // Connecting again changes nothing.
        let again = connection.changes(Some(after), Some(after), store, &profiles, &orders).unwrap();
        assert!(edit(Some(after), &again).unwrap().changed.is_empty());
        as_json(after)
    }

    #[test]
    fn a_client_that_was_never_set_up_gets_all_that_it_needs() {
        let provider = json!({
            "source": "exec", "command": "/h/.local/bin/strongroom", "args": ["--home", "/h/vault", "resolve"],
            "passEnv": ["HOME"], "jsonOnly": true, "timeoutMs": 5000, "noOutputTimeoutMs": 5000,
        });
        let secrets =
            json!({ "providers": { "strongroom": provider }, "defaults": { "exec": "strongroom" } });
        let order = json!({ "groq": ["groq:me@x.io", "groq:a"] });
        assert_eq!(
            connected(None, ProfileStore::Json),
            json!({ "secrets": secrets, "auth": { "order": order, "profiles": {
                "groq:a": { "provider": "groq", "mode": "api_key" },
                "groq:me@x.io": { "provider": "groq", "mode": "token", "email": "me@x.io" },
            } } })
        );
        assert_eq!(
            connected(None, ProfileStore::Sqlite),
            json!({ "secrets": secrets, "auth": { "order": order } })
        );
    }

    #[test]
    fn what_others_have_written_stays() {
        let config = "{
            secrets: {
                providers: {
                    vault: { source: 'env' },
                    strongroom: { source: 'exec', command: '/old/strongroom', args: ['resolve'], timeoutMs: 9000, trustedDirs: ['/h'],
                        passEnv: ['CREDENTIALS_DIRECTORY', 'HOME'] },
                },
                defaults: { exec: 'vault' },
            },
            auth: {
                order: { Groq: ['groq:x', 'groq:a', 'groq:y'], xai: ['xai:a'] },
                profiles: { 'groq:a': { mode: 'oauth', displayName: 'A' }, 'xai:a': {} },
            },
        }";
        let after = connected(Some(config), ProfileStore::Json);
        assert_eq!(after["secrets"]["defaults"]["exec"], "vault");
        assert_eq!(after["secrets"]["providers"]["vault"], json!({ "source": "env" }));
        let ours = &after["secrets"]["providers"]["strongroom"];
        assert_eq!((&ours["timeoutMs"], &ours["trustedDirs"]), (&json!(9000), &json!(["/h"])));
        assert_eq!(ours["passEnv"], json!(["HOME", "CREDENTIALS_DIRECTORY"]));
        assert_eq!(ours["command"], "/h/.local/bin/strongroom");
        assert_eq!(
            after["auth"]["order"],
            json!({ "Groq": ["groq:x", "groq:me@x.io", "groq:y", "groq:a"], "xai": ["xai:a"] })
        );
        assert_eq!(
            after["auth"]["profiles"]["groq:a"],
            json!({ "provider": "groq", "mode": "api_key", "displayName": "A" })
        );
    }

    #[test]
    fn a_name_that_belongs_to_something_else_is_refused_with_a_free_one() {
        for other in [
            "{ source: 'exec', command: '/h/other', args: ['resolve'] }",
            "{ source: 'exec', command: '/h/strongroom', args: ['--home', '/h/second', 'resolve'] }",
            "{ source: 'env' }",
            "1",
        ] {
            let config =
                format!("{{ secrets: {{ providers: {{ strongroom: {other}, 'strongroom-2': 1 }} }} }}");
            let error = connection("strongroom")
                .changes(Some(&config), Some(&config), ProfileStore::Json, &[], &[])
                .unwrap_err();
            assert_eq!(error.code(), Code::Exists, "{other}");
            assert!(error.remedy().ends_with("--alias strongroom-3"), "{}", error.remedy());
        }
        for alias in ["", "Vault", "1a", "a b", &"a".repeat(65)] {
            let error = connection(alias).plan(None, &[]).unwrap_err();
            assert_eq!(error.code(), Code::Usage);
        }
    }

    #[test]
    fn a_plan_has_a_target_for_each_profile_that_can_be_a_reference() {
        let (agent, provider): (AgentName, Provider) = ("ops".parse().unwrap(), "groq".parse().unwrap());
        let id: ProfileId = "groq:me@x.io".parse().unwrap();
        let served = |kind| Served {
            agent: &agent,
            id: &id,
            provider: &provider,
            kind,
            email: None,
            reference: "ops/groq:me_40x.io",
        };
        let all = [CredentialType::ApiKey, CredentialType::Token, CredentialType::OAuth].map(served);
        let plan = connection("vault").plan(None, &all).unwrap();
        assert_eq!((&plan["version"], &plan["protocolVersion"]), (&json!(1), &json!(1)));
        assert_eq!(plan["providerUpserts"]["vault"]["source"], "exec");
        let target = |kind: &str, field: &str| {
            json!({
                "type": kind, "path": format!("profiles.groq:me@x.io.{field}"),
                "pathSegments": ["profiles", "groq:me@x.io", field], "agentId": "ops", "authProfileProvider": "groq",
                "ref": { "source": "exec", "provider": "vault", "id": "ops/groq:me_40x.io" },
            })
        };
        assert_eq!(
            plan["targets"],
            json!([target("auth-profiles.api_key.key", "key"), target("auth-profiles.token.token", "token")])
        );
    }
}
