//! Connects clients other than OpenClaw: their configuration says how to ask for a credential.
//!
//! What connecting writes is kept in the settings, under their MAC, with what undoes it. The order of writing is: the
//! settings, the profile that names the helper, a program under another name, the configuration. Each step can be
//! repeated, so that a killed command is finished by the next one. Disconnecting goes the other way.

mod choice;
mod disconnecting;
mod launcher;
mod proxied;
mod token_file;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::client_file::ClientFile;
use super::connect::may_be_connected;
use super::connections;
use super::edit::{Edit, Names, edit as edit_profile};
use super::notice::Notice;
use super::open::Open;
use crate::client::connectable::{Client, Program, Undo, Wanted, undo_all};
use crate::error::{Code, Result};
use crate::messages::client::connectable;
use crate::messages::{other_clients as messages, proxied as proxied_messages};
use crate::secret::Buffer;
use crate::vault::id::ProfileId;
use crate::vault::settings::Settings;

pub use choice::Asked;
pub use disconnecting::{Disconnecting, disconnect};
pub use launcher::Launcher;
pub use proxied::{AskedProxy, is_local, plan as plan_proxied};
pub use token_file::{TokenFile, must_be_private};

use self::proxied::KeptProxy;

/// The version of the form that is written, and that of a connection through the proxy, which older programs do not undo.
const VERSION: u32 = 1;
const VERSION_PROXY: u32 = 2;

/// A connection, as the settings keep it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    /// The version of this form.
    version: u32,
    /// The client's configuration.
    pub config: PathBuf,
    /// The agent whose profiles the client gets.
    agent: String,
    /// The profiles that name the helper because of this connection.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    helper_of: Vec<String>,
    /// The program under another name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launcher: Option<Launcher>,
    /// The directory that was made for the configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    made_directory: Option<PathBuf>,
    /// What was connected, in the order in which it was written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    parts: Vec<Part>,
    /// What the client got for the proxy, if it uses that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<KeptProxy>,
}

/// What one command connected.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    /// What a person asked for.
    #[serde(flatten)]
    asked: Asked,
    /// What undoes the change of the configuration.
    undo: Undo,
}

impl Kept {
    fn undos(&self) -> impl DoubleEndedIterator<Item = &Undo> {
        self.parts.iter().map(|part| &part.undo)
    }
}

/// What connecting would do. Nothing has been written.
#[derive(Debug)]
pub struct Planned {
    /// The client.
    pub client: Client,
    /// The connection as it would be.
    pub kept: Kept,
    /// What changes in the configuration; empty if nothing does.
    pub diff: String,
    /// What is left as it is, as sentences.
    pub told: Vec<String>,
    /// The profile that is to name the helper, which needs an unlock method.
    pub adds: Option<ProfileId>,
    /// The profiles that are to name the helper no longer, because another part takes their place.
    drops: Vec<String>,
    /// The hosts, or the client's own names, for which it is connected.
    pub connected: Vec<String>,
    was: Option<Kept>,
    /// `None` if there is no configuration but the file with the token.
    file: Option<ClientFile>,
    text: Buffer,
    /// The token that is to be made, if the one that is there cannot be used.
    token: Option<proxied::Fresh>,
}

impl Planned {
    /// Returns whether it lets secrets be used in one more way, which needs an unlock method.
    #[must_use]
    pub fn needs_method(&self) -> bool {
        self.adds.is_some() || self.token.is_some()
    }

    /// Returns whether everything is as it would be.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.adds.is_none()
            && self.token.is_none()
            && self.was.as_ref() == Some(&self.kept)
            && self
                .file
                .as_ref()
                .is_none_or(|file| file.text.as_ref().is_some_and(|text| text.expose() == self.text.expose()))
            && self.kept.launcher.as_ref().is_none_or(Launcher::is_there)
    }
}

/// Returns the connection of a client, if there is one.
///
/// # Errors
/// `NEWER_FORMAT` if a later version made it.
pub fn kept(settings: &Settings, client: Client) -> Result<Option<Kept>> {
    let Some(value) = settings.connections.get(client.key()) else { return Ok(None) };
    let kept: Option<Kept> = serde_json::from_value(value.clone()).ok();
    let newer = || messages::newer(client.called());
    kept.filter(|kept| kept.version <= VERSION_PROXY).map(Some).ok_or_else(newer)
}

/// Plans a connection. Writes nothing.
///
/// # Errors
/// `EXISTS` if the client is connected in another file, or has a login; `NOT_FOUND` if no profile serves it; those of
/// reading.
pub fn plan(
    open: &Open<'_>,
    client: Client,
    program: &Program,
    launcher: Option<Launcher>,
    asked: &Asked,
) -> Result<Planned> {
    if matches!(client, Client::Openclaw | Client::EnvFile) {
        return Err(connectable::by_proxy_alone(client.as_str()));
    }
    let config = client.config(&open.env)?;
    let was = before(open, client, &config)?;
    if was.as_ref().is_some_and(|was| was.proxy.is_some()) {
        return Err(proxied_messages::connected_by_proxy(client.as_str()));
    }
    if let Some(launcher) = &launcher {
        launcher.must_be_free(was.as_ref().and_then(|was| was.launcher.as_ref()))?;
    }
    let file = ClientFile::read(&config)?;
    let (now, mut text) = without(was.as_ref(), &file)?;
    let (mut parts, mut told, mut connected, mut adds) = (Vec::new(), Vec::new(), Vec::new(), None);
    let mut chosen_now = Vec::new();
    let before = was.iter().flat_map(|was| &was.parts).map(|part| &part.asked);
    for of in before.filter(|of| !asked.replaces(of, client)).chain([asked]) {
        let chosen = choice::choose(open, client, of)?;
        let wanted = Wanted {
            program: program.clone(),
            id: chosen.id.map(|id| id.to_string()),
            hosts: chosen.hosts,
            by_host: chosen.by_host,
            name: of.name.clone(),
        };
        let now = text.as_ref().and_then(Buffer::expose_str);
        let plan =
            client.plan(&open.env, now, &wanted).map_err(|error| messages::in_file(&config, &error))?;
        parts.push(Part { asked: of.clone(), undo: plan.undo });
        adds = adds.or(chosen.adds);
        chosen_now.extend(chosen.of.map(|id| id.to_string()));
        (text, told, connected) = (Some(plan.text), plan.told, plan.connected);
    }
    let text = text.unwrap_or_default();
    let after = text.expose_str().unwrap_or_default();
    let old = was.as_ref().map(|was| was.parts.as_slice()).unwrap_or_default();
    let diff = diff((old, now), (&parts, Some(after)));
    let mut helper_of = was.as_ref().map(|was| was.helper_of.clone()).unwrap_or_default();
    let added = adds.as_ref().map(ToString::to_string).filter(|id| !helper_of.contains(id));
    helper_of.extend(added);
    let drops = helper_of.extract_if(.., |id| !chosen_now.contains(id)).collect();
    let made_directory = made_directory(was.as_ref(), &config);
    let agent = open.agent.to_string();
    let kept =
        Kept { version: VERSION, config, agent, helper_of, launcher, made_directory, parts, proxy: None };
    let (file, token) = (Some(file), None);
    Ok(Planned { client, kept, diff, told, adds, drops, connected, was, file, text, token })
}

/// Returns the connection that there is.
///
/// # Errors
/// `EXISTS` if it is of another file or agent; `UNSAFE_FILE` if the file is a link to one that does not exist.
fn before(open: &Open<'_>, client: Client, config: &Path) -> Result<Option<Kept>> {
    let was = kept(&open.vault.settings(open.session.keys())?, client)?;
    if let Some(was) = was.as_ref().filter(|was| was.config != config) {
        return Err(messages::connected_elsewhere(client.as_str(), &was.config));
    }
    if let Some(was) = was.as_ref().filter(|was| was.agent != open.agent.as_str()) {
        return Err(messages::connected_for(client.as_str(), &was.agent));
    }
    if config.is_symlink() && !config.exists() {
        return Err(messages::dangling(config));
    }
    Ok(was)
}

/// Returns the text of a configuration, and what it is without a connection.
fn without<'f>(was: Option<&Kept>, file: &'f ClientFile) -> Result<(Option<&'f str>, Option<Buffer>)> {
    let in_file = |error| messages::in_file(&file.path, &error);
    let now = file.text().map_err(in_file)?;
    let text = match (was, now) {
        (Some(was), Some(now)) => undo_all(was.undos(), now).map_err(in_file)?.text,
        (_, now) => now.map(|now| Buffer::from_vec(now.as_bytes().to_vec())),
    };
    Ok((now, text))
}

/// Returns the directory that connecting makes for a configuration.
fn made_directory(was: Option<&Kept>, config: &Path) -> Option<PathBuf> {
    let of_was = was.and_then(|was| was.made_directory.clone());
    of_was.or_else(|| config.parent().filter(|of| !of.exists()).map(Path::to_owned))
}

/// Returns what changes from one text to another one, as a person sees it. A missing text is empty.
fn diff((old, before): (&[Part], Option<&str>), (new, after): (&[Part], Option<&str>)) -> String {
    if before == after {
        return String::new();
    }
    let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
    let gone = old.iter().map(|part| part.undo.shown(before, '-', after));
    let added = new.iter().map(|part| part.undo.shown(after, '+', before));
    gone.chain(added).collect()
}

/// Connects as planned.
///
/// # Errors
/// `CHANGED` if the configuration was changed since, `EXISTS` if another program has the name of ours; those of locking
/// and writing.
pub fn connect(open: &mut Open<'_>, planned: &Planned) -> Result<()> {
    let helper = planned.client.helper();
    if let Err(error) = write(open, planned) {
        // The client's file is as it was, so the settings and the profile are to be too. The first error is what counts.
        if let Some(id) = &planned.adds {
            let _ = take_helper(open, id, helper);
        }
        if let (Some(_), Some(proxy)) = (&planned.token, &planned.kept.proxy) {
            let _ = proxied::remove(open, proxy);
        }
        let _ = connections::keep(open, "connect", planned.client.key(), planned.was.as_ref());
        return Err(error);
    }
    if planned.drops.is_empty() {
        return Ok(());
    }
    planned.drops.iter().try_for_each(|id| take_helper(open, &id.parse()?, helper))?;
    connections::keep(open, "connect", planned.client.key(), Some(&planned.kept))
}

fn write(open: &mut Open<'_>, planned: &Planned) -> Result<()> {
    // A killed command is to know of every profile that names the helper.
    let helper_of = planned.kept.helper_of.iter().chain(&planned.drops).cloned().collect();
    let all = Kept { helper_of, ..planned.kept.clone() };
    connections::keep(open, "connect", planned.client.key(), Some(&all))?;
    if let Some(id) = &planned.adds {
        let add = vec![planned.client.helper().to_owned()];
        edit_profile(open, id, &Edit { helpers: Names { add, ..Names::default() }, ..Edit::default() })?;
    }
    if let Some(launcher) = &planned.kept.launcher {
        launcher.place()?;
    }
    if let (Some(fresh), Some(proxy)) = (&planned.token, &planned.kept.proxy) {
        let was = planned.was.as_ref().and_then(|was| was.proxy.as_ref());
        proxied::make(open, was, proxy, fresh)?;
    }
    match &planned.file {
        Some(file) => file.write(&planned.text).map(|_| ()),
        None => Ok(()),
    }
}

/// Takes the helper from a profile.
fn take_helper(open: &mut Open<'_>, id: &ProfileId, helper: &str) -> Result<()> {
    let helpers = Names { remove: vec![helper.to_owned()], ..Names::default() };
    match edit_profile(open, id, &Edit { helpers, ..Edit::default() }) {
        // Someone removed or renamed it since.
        Err(error) if error.code() == Code::NotFound => Ok(()),
        done => done.map(|_| ()),
    }
}

/// Notes that a profile has another id, and tells which clients ask for it by the one before. The renaming is done, so what
/// does not succeed is a notice.
pub fn renamed(open: &mut Open<'_>, old: &ProfileId, new: &ProfileId) {
    if !may_be_connected(open.vault) {
        return;
    }
    for client in Client::ALL {
        if let Err(error) = renamed_for(open, client, old, new) {
            open.tell(&Notice::ClientBehind(error));
        }
    }
}

fn renamed_for(open: &mut Open<'_>, client: Client, old: &ProfileId, new: &ProfileId) -> Result<()> {
    let Some(mut kept) = kept(&open.vault.settings(open.session.keys())?, client)? else { return Ok(()) };
    let names = |id: &String| id == old.as_str();
    if kept.agent != open.agent.as_str() {
        return Ok(());
    }
    if let Some(id) = kept.helper_of.iter_mut().find(|id| names(id)) {
        new.as_str().clone_into(id);
        connections::keep(open, "rename", client.key(), Some(&kept))?;
    }
    for part in kept.parts.iter().filter(|part| part.asked.profile.as_ref().is_some_and(names)) {
        let name = part.asked.name.as_ref().map(|name| format!(" --name {name}")).unwrap_or_default();
        let agent = open.agent.option();
        let command = format!("strongroom{agent} connect {} --profile {}{name}", client.as_str(), new.word());
        open.tell(&Notice::ClientNames { client: client.as_str(), old: old.clone(), command });
    }
    Ok(())
}
