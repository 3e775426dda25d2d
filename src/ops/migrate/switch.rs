//! Lets the client's configuration, stores and `.env` files refer to the vault instead of holding a secret.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use strongroom_backends::shown;

use super::holdings::Holdings;
use super::survey::{Client, Left};
use crate::client::config_secrets::{Holds, Spot, model_keys, spots};
use crate::client::dotenv_edit::{self, Variable};
use crate::client::edit::{self, Change, Digest, ProfileStore, write_config};
use crate::client::file;
use crate::client::sources::Held;
use crate::client::stores::{self, Addition, Becomes, Form, Kept, StoreFile, StoredProfile};
use crate::error::{Code, Result};
use crate::messages::migrate as messages;
use crate::ops::connect::{self, Gone, Key};
use crate::ops::open::Open;
use crate::secret::{Buffer, ExposeSecret, SecretString};
use crate::transfer::environment::keys_of;
use crate::vault::id::{AgentName, Provider};

/// Which name in the path of a provider's key is the provider: `models.providers.NAME.apiKey`.
const PROVIDER_AT: usize = 2;

/// What stands for each secret of the client.
pub struct Switch<'c> {
    client: &'c Client,
    holdings: &'c Holdings,
    /// The keys in variables that the vault has, by their names.
    variables: HashMap<String, SecretString>,
    /// The values of entries of the `store` source that the vault has, by their names.
    named: HashMap<String, SecretString>,
    /// The configuration as it will be without its secrets, in which names of variables are looked for.
    config: Option<Buffer>,
}

/// What becomes of the configuration.
#[derive(Default)]
struct InConfig {
    /// The members that go.
    gone: Vec<Vec<String>>,
    /// The members that become references.
    keys: Vec<Key>,
}

impl InConfig {
    /// Returns every member that is no longer there as it was.
    fn members(self) -> impl Iterator<Item = Vec<String>> {
        self.gone.into_iter().chain(self.keys.into_iter().map(|key| key.path))
    }
}

/// What was switched.
#[derive(Default)]
pub struct Switched {
    /// The stores that were changed.
    pub stores: Vec<PathBuf>,
    /// The `.env` files that were changed.
    pub dotenv: Vec<PathBuf>,
    /// What stays.
    pub left: Vec<Left>,
}

impl<'c> Switch<'c> {
    /// Finds what stands for each secret.
    ///
    /// # Errors
    /// Those of reading the client's files.
    pub fn of(client: &'c Client, holdings: &'c Holdings) -> Result<Self> {
        let main = AgentName::default();
        let mut variables = HashMap::new();
        for variable in &client.found.variables {
            let Held::Text(text) = &variable.held else { continue };
            if let [key] = keys_of(variable.rank, text.expose_secret())[..] {
                let key = SecretString::from(key);
                if holdings.profile(&main, None, &key).is_some() {
                    variables.entry(variable.name.clone()).or_insert(key);
                }
            }
        }
        let mut named = HashMap::new();
        for one in client.named()?.into_iter().filter(|one| one.is_inert) {
            if let Some(value) = one.value.filter(|value| holdings.profile(&main, None, value).is_some()) {
                named.insert(one.name, value);
            }
        }
        let mut switch = Self { client, holdings, variables, named, config: None };
        if let Some(text) = text_of(&client.config)? {
            let all = switch.all_in_config(&text)?;
            let changes: Vec<_> = all.members().map(|path| Change::Remove { path }).collect();
            switch.config = Some(edit::edit(Some(text_in(&text)?), &changes)?.text);
        }
        Ok(switch)
    }

    /// Adds to a connection what becomes of the configuration.
    ///
    /// # Errors
    /// Those of reading it.
    pub fn in_config(&self, wanted: &mut connect::Wanted) -> Result<()> {
        let Some(text) = text_of(&self.client.config)? else { return Ok(()) };
        let mut all = self.all_in_config(&text)?;
        let is_variable = |path: &[String]| path.first().is_some_and(|first| first == "env");
        all.gone.retain(|path| !is_variable(path) || path.last().is_none_or(|name| !self.is_used(name)));
        wanted.keys.clone_from(&all.keys);
        wanted.gone = Some(Gone { members: all.members().collect(), read: Digest::of(text.expose()) });
        Ok(())
    }

    fn all_in_config(&self, text: &Buffer) -> Result<InConfig> {
        let mut all = InConfig::default();
        for Spot { path, holds } in spots(text_in(text)?)? {
            let key = match &holds {
                Holds::Variable(name, value) => {
                    if self.has_all(name, value) {
                        all.gone.push(path);
                    }
                    continue;
                }
                Holds::Key(key) => Some(key),
                Holds::NameOf(name) => self.variables.get(name),
                Holds::Stored(name) => self.named.get(name),
            };
            let Some(key) = key else { continue };
            let main = AgentName::default();
            // A profile of the provider counts before its key in the configuration, which the client's audit would call
            // shadowed.
            let provider = path.get(PROVIDER_AT).and_then(|name| Provider::named(name));
            if provider.is_some_and(|provider| self.holdings.serves(&main, &provider, key)) {
                all.gone.push(path);
            } else if let Some(reference) = self.holdings.reference(&main, None, key) {
                all.keys.push(Key { path, reference });
            }
        }
        Ok(all)
    }

    /// Returns whether the vault has every key in the value of a variable.
    fn has_all(&self, name: &str, value: &SecretString) -> bool {
        let main = AgentName::default();
        let rank = self.client.found.variables.iter().find(|one| one.name == name).map(|one| one.rank);
        let Some(rank) = rank else { return false };
        let keys = keys_of(rank, value.expose_secret());
        !keys.is_empty()
            && keys
                .into_iter()
                .all(|key| self.holdings.profile(&main, None, &SecretString::from(key)).is_some())
    }

    /// Returns whether something in the configuration that stays needs a variable.
    fn is_used(&self, name: &str) -> bool {
        let text = self.config.as_ref().and_then(Buffer::expose_str).unwrap_or_default();
        text.match_indices(name).any(|(at, _)| {
            let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let before = text[..at].chars().next_back();
            let after = text[at + name.len()..].chars().next();
            !before.is_some_and(is_part) && !after.is_some_and(is_part)
        })
    }

    /// Switches the stores and the `.env` files. The configuration must have the exec provider already.
    ///
    /// # Errors
    /// `LOCK_TIMEOUT` if the client holds a lock or has a database open; those of reading and writing. What was switched
    /// before stays switched.
    pub fn carry_out(&self, open: &Open<'_>) -> Result<Switched> {
        let mut switched = Switched::default();
        for store in self.client.installation.stores() {
            if self.switch_store(open, &store)? {
                switched.stores.push(store.path);
            }
        }
        for path in &self.client.dotenv {
            if self.switch_dotenv(path, &mut switched.left)? {
                switched.dotenv.push(path.clone());
            }
        }
        Ok(switched)
    }

    /// Adds what the vault has and the client does not know of, such as keys of `.env` files, to the databases: those of
    /// main to the store that its agents share. A database without profiles is left to the client.
    ///
    /// # Errors
    /// Those of [`StoreFile::add`].
    pub fn add(&self, connection: &connect::Planned, now: i64) -> Result<()> {
        let installation = &self.client.installation;
        for agent in installation.agents() {
            let lacking: Vec<_> = connection.lacking(&agent.name).map(addition).collect();
            let own = agent.stores().into_iter().find(|store| store.form == Form::AgentDatabase);
            let shared = installation.shared().filter(|_| agent.name == AgentName::default());
            if let Some(store) = shared.or(own).filter(|_| !lacking.is_empty()) {
                store.add(&lacking, now)?;
            }
        }
        Ok(())
    }

    fn switch_store(&self, open: &Open<'_>, store: &StoreFile) -> Result<bool> {
        let agent = store.agent.clone().unwrap_or_default();
        let becomes = |profile: &StoredProfile| self.of_profile(&agent, profile);
        match (store.form, self.client.store) {
            (Form::Json, ProfileStore::Json) => {
                let _lock = connect::lock_file(open, &store.path)?;
                store.refer(&becomes, &[], open.now())
            }
            // A client that has a database refuses to work until this file is gone.
            (Form::Json, ProfileStore::Sqlite) => self.without_profiles(&store.path, false),
            (Form::SharedDatabase, _) => {
                let named: Vec<_> = self.named.iter().map(|(name, value)| (name.as_str(), value)).collect();
                store.refer(&becomes, &named, open.now())
            }
            (Form::AgentDatabase, _) => store.refer(&becomes, &[], open.now()),
        }
    }

    fn of_profile(&self, agent: &AgentName, profile: &StoredProfile) -> Becomes {
        // Nothing would have the others.
        if !profile.others.iter().all(|other| self.holdings.profile(agent, None, other).is_some()) {
            return Becomes::Same;
        }
        let reference = match &profile.secret {
            Kept::Plain(secret) => self.holdings.reference(agent, Some(&profile.id), secret),
            Kept::Reference(to) if to.source == "env" => self.of_main(self.variables.get(&to.id)),
            Kept::Reference(to) if to.source == "store" => self.of_main(self.named.get(&to.id)),
            Kept::Reference(_) | Kept::SignIn | Kept::Nowhere => None,
        };
        reference.map_or(Becomes::Same, Becomes::Reference)
    }

    fn of_main(&self, key: Option<&SecretString>) -> Option<String> {
        self.holdings.reference(&AgentName::default(), None, key?)
    }

    /// Takes profiles that the vault has out of a file that the client only keeps; out of an archive, also references.
    /// Removes the file if nothing else is in it. Returns whether it did anything.
    ///
    /// # Errors
    /// Those of reading and writing.
    pub(super) fn without_profiles(&self, path: &Path, is_archive: bool) -> Result<bool> {
        let Some(text) = text_of(path)? else { return Ok(false) };
        // A file in which nothing of ours is stays as it is.
        let is_ours = |profile: &StoredProfile| match &profile.secret {
            Kept::Plain(secret) => self.holdings.has(secret),
            Kept::Reference(to) => is_archive || to.is_to_strongroom(),
            Kept::SignIn | Kept::Nowhere => false,
        };
        if !stores::profiles_of(text_in(&text)?)?.iter().any(is_ours) {
            return Ok(false);
        }
        let becomes = |profile: &StoredProfile| match &profile.secret {
            _ if !profile.others.iter().all(|other| self.holdings.has(other)) => Becomes::Same,
            Kept::Plain(secret) if self.holdings.has(secret) => Becomes::Nothing,
            Kept::Reference(to) if is_archive || to.is_to_strongroom() => Becomes::Nothing,
            Kept::Nowhere => Becomes::Nothing,
            Kept::Plain(_) | Kept::Reference(_) | Kept::SignIn => Becomes::Same,
        };
        let kept = stores::refer(text_in(&text)?, &becomes)?;
        if stores::is_bare(text_in(kept.as_ref().unwrap_or(&text))?)? {
            std::fs::remove_file(path).map_err(|error| messages::not_removed(path, error.kind()))?;
            return Ok(true);
        }
        let Some(kept) = kept else { return Ok(false) };
        write_config(path, Some(&Digest::of(text.expose())), kept.expose())?;
        Ok(true)
    }

    /// Takes variables whose keys the vault has out of a `.env` file. Returns whether it changed.
    ///
    /// # Errors
    /// Those of reading and writing.
    pub(super) fn switch_dotenv(&self, path: &Path, left: &mut Vec<Left>) -> Result<bool> {
        let Some(text) = text_of(path)? else { return Ok(false) };
        let content = text_in(&text)?;
        let is_held =
            |variable: &Variable<'_>| variable.value.is_some_and(|value| self.has_all(variable.name, value));
        let goes = |variable: &Variable<'_>| {
            is_held(variable) && !variable.is_repeated && !self.is_used(variable.name)
        };
        dotenv_edit::each(content, &mut |variable| {
            if is_held(variable) && !goes(variable) {
                let why = if variable.is_repeated { messages::REPEATED } else { messages::USED_IN_CONFIG };
                left.push(Left {
                    what: variable.name.to_owned(),
                    place: shown(path),
                    why,
                    is_expected: false,
                });
            }
        });
        let Some(kept) = dotenv_edit::without(content, &goes) else { return Ok(false) };
        write_config(path, Some(&Digest::of(text.expose())), kept.expose())?;
        Ok(true)
    }

    /// Takes keys that the vault has out of a copy of the configuration. Returns whether it changed.
    ///
    /// # Errors
    /// Those of reading and writing.
    pub(super) fn switch_copy(&self, path: &Path) -> Result<bool> {
        let Some(text) = text_of(path)? else { return Ok(false) };
        let main = AgentName::default();
        // A name of a variable, or a reference, is no secret.
        let is_held = |spot: &Spot| match &spot.holds {
            Holds::Variable(name, value) => self.has_all(name, value),
            Holds::Key(key) => self.holdings.profile(&main, None, key).is_some(),
            Holds::NameOf(_) | Holds::Stored(_) => false,
        };
        let spots = spots(text_in(&text)?)?;
        without(path, &text, spots.into_iter().filter(is_held).map(|spot| spot.path))
    }

    /// Takes keys that the vault has out of an agent's `models.json`. Returns whether it changed.
    ///
    /// # Errors
    /// Those of reading and writing.
    pub(super) fn switch_models(&self, path: &Path) -> Result<bool> {
        let Some(text) = text_of(path)? else { return Ok(false) };
        let is_held = |spot: &Spot| matches!(&spot.holds, Holds::Key(key) if self.holdings.has(key));
        let spots = model_keys(text_in(&text)?)?;
        without(path, &text, spots.into_iter().filter(is_held).map(|spot| spot.path))
    }
}

/// Takes members out of a file. Returns whether it changed.
fn without(path: &Path, text: &Buffer, members: impl Iterator<Item = Vec<String>>) -> Result<bool> {
    let changes: Vec<_> = members.map(|path| Change::Remove { path }).collect();
    let edited = edit::edit(Some(text_in(text)?), &changes)?;
    if edited.changed.is_empty() {
        return Ok(false);
    }
    write_config(path, Some(&Digest::of(text.expose())), edited.text.expose())?;
    Ok(true)
}

/// Returns the names of what a configuration has in plain text, with `variables` or only providers' keys.
pub(super) fn keys_in(path: &Path, variables: bool) -> Result<Vec<String>> {
    let Some(text) = text_of(path)? else { return Ok(Vec::new()) };
    let is_plain = |spot: &Spot| match spot.holds {
        Holds::Key(_) => true,
        Holds::Variable(..) => variables,
        Holds::NameOf(_) | Holds::Stored(_) => false,
    };
    let keys = spots(text_in(&text)?)?.into_iter().filter(is_plain);
    Ok(keys.map(|spot| spot.shown()).collect())
}

fn addition(served: &connect::Served) -> Addition {
    Addition {
        id: served.id.to_string(),
        provider: served.provider.to_string(),
        kind: served.kind,
        reference: served.reference.clone(),
    }
}

fn text_of(path: &Path) -> Result<Option<Buffer>> {
    match file::read(path, file::SOURCE_MAX) {
        Ok((text, _)) => Ok(Some(text)),
        Err(error) if error.code() == Code::NoInput => Ok(None),
        Err(error) => Err(error),
    }
}

fn text_in(text: &Buffer) -> Result<&str> {
    text.expose_str().ok_or_else(messages::not_text)
}
