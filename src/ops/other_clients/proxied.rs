//! Connections through the proxy: a client gets an access of its own, a file with the token for it, and the proxy's address.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::token_file::{TOKENS, TokenFile, must_be_private};
use super::{Asked, Kept, Part, Planned, VERSION_PROXY, before, diff, made_directory, without};
use crate::client::alias::ALIASES;
use crate::client::connectable::{Client, Proxied};
use crate::client::sdk_variables::SdkVariables;
use crate::error::{Code, Result};
use crate::messages::client::connectable::{no_home, not_by_proxy};
use crate::messages::other_clients as other_messages;
use crate::messages::proxied as messages;
use crate::ops::access::{self, Listed, Wanted};
use crate::ops::client_file::ClientFile;
use crate::ops::connect;
use crate::ops::hand_over;
use crate::ops::open::Open;
use crate::ops::proxied::access_for;
use crate::seal::keys::hex;
use crate::secret::{Buffer, ExposeSecret, SecretString};
use crate::vault::access::{Access, AccessName};
use crate::vault::id::{ProfileId, Provider};
use crate::vault::serving;

/// The address of a server that was given no other.
const USUAL_URL: &str = "http://127.0.0.1:7787";

/// What a person asks for.
#[derive(Clone, Debug, Default)]
pub struct AskedProxy {
    /// The address of the proxy, without a slash at its end; otherwise that of the server that runs.
    pub url: Option<String>,
    /// The providers that the client may use.
    pub providers: Vec<Provider>,
    /// The one profile that it may use.
    pub profile: Option<ProfileId>,
    /// The file for the token.
    pub file: Option<PathBuf>,
    /// A part of the client's configuration.
    pub name: Option<String>,
}

/// What a client got, as the settings keep it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeptProxy {
    /// The name of its access.
    access: String,
    /// The SHA-256 of its token, in hex.
    token: String,
    /// The file with the token.
    pub token_file: TokenFile,
    /// The address of the proxy.
    url: String,
    /// The providers that it uses.
    providers: Vec<String>,
    /// The one profile that it may use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    profile: Option<String>,
}

impl KeptProxy {
    /// Returns what the file of variables says, but for the token, after a sign.
    pub(super) fn shown(&self, sign: char) -> String {
        let lines = variables(&self.url, &self.providers, messages::THE_TOKEN);
        lines.map(|(name, value)| format!("{sign}{name}={value}\n")).collect()
    }

    fn is_for_same(&self, other: &Self) -> bool {
        self.providers == other.providers
            && self.profile == other.profile
            && self.token_file.path == other.token_file.path
    }
}

/// A token that is to be made, and the bytes of its file.
pub(super) struct Fresh {
    token: SecretString,
    bytes: Buffer,
}

impl std::fmt::Debug for Fresh {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fresh")
    }
}

/// Plans a connection through the proxy. Writes nothing.
///
/// # Errors
/// `USAGE` if the client cannot use the proxy; `EXISTS` if it is connected in another way or has a login, or if a file or
/// an access has the name; `NOT_FOUND`, `DENIED` as [`access_for`]; `UNSAFE_FILE`; those of reading.
pub fn plan(open: &mut Open<'_>, client: Client, asked: &AskedProxy) -> Result<Planned> {
    if !client.takes_proxy() {
        return Err(not_by_proxy(client.as_str()));
    }
    let path = match &asked.file {
        Some(path) => std::path::absolute(path).map_err(|_| messages::no_file(client.as_str()))?,
        None if client == Client::EnvFile => return Err(messages::no_file(client.as_str())),
        None => {
            let directory =
                open.env.xdg("XDG_CONFIG_HOME", ".config").ok_or_else(|| no_home(client.called()))?;
            directory.join(TOKENS).join(client.as_str())
        }
    };
    let config = if client == Client::EnvFile { path.clone() } else { client.config(&open.env)? };
    let settings = open.vault.settings(open.session.keys())?;
    let has_references = client == Client::Openclaw && connect::link(&settings)?.is_some();
    let was = before(open, client, &config)?;
    if has_references || was.as_ref().is_some_and(|was| was.proxy.is_none()) {
        return Err(messages::connected_without(client.as_str()));
    }
    must_be_private(&path)?;
    let providers = bound(open, client, asked)?;
    let url = asked.url.clone().map_or_else(|| url_of_running(open), Ok)?;
    let (token, bytes) = fresh(client, &url, &providers)?;
    let made = KeptProxy {
        access: client.as_str().to_owned(),
        token: digest(&token),
        token_file: TokenFile::new(&path, &bytes),
        url,
        providers,
        profile: asked.profile.as_ref().map(ToString::to_string),
    };
    let old = was.as_ref().and_then(|was| was.proxy.as_ref());
    if let Some(old) = old.filter(|old| !old.is_for_same(&made)) {
        return Err(messages::connected_otherwise(client.as_str(), &old.token_file.path));
    }
    let there = token_of(open, &made.access)?;
    let is_valid = |old: &KeptProxy| {
        old.token_file.is_own()
            && there.as_ref() == Some(&old.token)
            && (client != Client::EnvFile || old.url == made.url)
    };
    let valid = old.filter(|old| is_valid(old));
    if valid.is_none() {
        if path.symlink_metadata().is_ok() && !old.is_some_and(|old| old.token_file.is_own()) {
            return Err(messages::file_exists(&path));
        }
        if there.is_some() && old.is_none_or(|old| there.as_ref() != Some(&old.token)) {
            return Err(crate::messages::access::exists(&made.access));
        }
    }
    let token = valid.is_none().then_some(Fresh { token, bytes });
    let proxy = match valid {
        Some(old) => KeptProxy { url: made.url, ..old.clone() },
        None => made,
    };
    let mut planned = Planned {
        client,
        kept: Kept {
            version: VERSION_PROXY,
            made_directory: made_directory(was.as_ref(), &config),
            config,
            agent: open.agent.to_string(),
            helper_of: Vec::new(),
            launcher: None,
            parts: Vec::new(),
            proxy: None,
        },
        diff: if client == Client::EnvFile && token.is_some() { proxy.shown('+') } else { String::new() },
        told: Vec::new(),
        adds: None,
        drops: Vec::new(),
        connected: proxy.providers.iter().map(|provider| format!("{}/{provider}", proxy.url)).collect(),
        was,
        file: None,
        text: Buffer::default(),
        token,
    };
    if client != Client::EnvFile {
        configure(open, &mut planned, asked, &proxy)?;
    }
    planned.kept.proxy = Some(proxy);
    Ok(planned)
}

/// Plans what the client's configuration becomes.
fn configure(open: &Open<'_>, planned: &mut Planned, asked: &AskedProxy, proxy: &KeptProxy) -> Result<()> {
    let config = &planned.kept.config;
    let file = ClientFile::read(config)?;
    let (now, text) = without(planned.was.as_ref(), &file)?;
    let proxied = Proxied {
        url: proxy.url.clone(),
        providers: proxy.providers.clone(),
        token_file: proxy.token_file.path.clone(),
        name: asked.name.clone(),
    };
    let text = text.as_ref().and_then(Buffer::expose_str);
    let plan = planned.client.plan_proxied(&open.env, text, &proxied);
    let plan = plan.map_err(|error| other_messages::in_file(config, &error))?;
    let asked = Asked { name: asked.name.clone(), ..Asked::default() };
    planned.kept.parts = vec![Part { asked, undo: plan.undo }];
    let old = planned.was.as_ref().map(|was| was.parts.as_slice()).unwrap_or_default();
    planned.diff = diff((old, now), (&planned.kept.parts, plan.text.expose_str()));
    (planned.told, planned.connected, planned.text) = (plan.told, plan.connected, plan.text);
    planned.file = Some(file);
    Ok(())
}

/// Makes the access and the file. What an earlier command made is removed first.
pub(super) fn make(
    open: &mut Open<'_>,
    was: Option<&KeptProxy>,
    proxy: &KeptProxy,
    fresh: &Fresh,
) -> Result<()> {
    if let Some(was) = was {
        remove(open, was)?;
    }
    let profile = proxy.profile.as_deref().map(str::parse).transpose()?;
    let providers = proxy.providers.iter().filter(|_| profile.is_none());
    let wanted = Wanted {
        name: proxy.access.parse()?,
        providers: providers.map(|provider| provider.parse()).collect::<Result<_>>()?,
        profiles: profile.into_iter().collect(),
        per_minute: None,
        at_once: None,
        expires: None,
    };
    access::add_with(open, &wanted, fresh.token.clone())?;
    proxy.token_file.create(&fresh.bytes)
}

/// Removes the access and the file, if they are those that were made.
pub(super) fn remove(open: &mut Open<'_>, proxy: &KeptProxy) -> Result<()> {
    proxy.token_file.remove()?;
    if token_of(open, &proxy.access)?.as_ref() != Some(&proxy.token) {
        return Ok(());
    }
    let name: AccessName = proxy.access.parse()?;
    match access::remove(open, &name) {
        Err(error) if error.code() == Code::NotFound => Ok(()),
        removed => removed,
    }
}

/// Returns the digest of an access's token, in hex, if there is one of this name.
fn token_of(open: &mut Open<'_>, name: &str) -> Result<Option<String>> {
    let listed = access::list(open)?;
    Ok(listed.iter().find_map(|listed| match listed {
        Listed::Access(access) => (access.name.as_str() == name).then(|| hex(&access.token)),
        Listed::Newer(newer) => (newer == name).then(String::new),
    }))
}

fn digest(token: &SecretString) -> String {
    hex(&Access::digest(token.expose_secret().as_bytes()))
}

/// Returns the providers that the client is to use, by their names at the proxy.
fn bound(open: &mut Open<'_>, client: Client, asked: &AskedProxy) -> Result<Vec<String>> {
    let own: Option<Provider> = client.provider().map(str::parse).transpose()?;
    let mut wanted = hand_over::Asked::default();
    match &asked.profile {
        Some(profile) => wanted.profiles.push(profile.clone()),
        None if !asked.providers.is_empty() => wanted.providers.clone_from(&asked.providers),
        None => match &own {
            Some(own) => wanted.providers.push(own.clone()),
            None => return Err(messages::no_provider(client.as_str())),
        },
    }
    let proxied = access_for(open, &wanted)?;
    let names = proxied.providers.iter().map(|provider| {
        let name = ALIASES.served_by(provider);
        if client.may_use(name) {
            Ok(name.to_owned())
        } else {
            Err(messages::not_used(client.called(), provider))
        }
    });
    let mut names = names.collect::<Result<Vec<_>>>()?;
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

/// Returns whether this is the address of a proxy on this machine, without a path.
#[must_use]
pub fn is_local(url: &str) -> bool {
    let authority = url.strip_prefix("http://").unwrap_or_default();
    match authority.strip_prefix("localhost:") {
        Some(port) => port.parse::<u16>().is_ok(),
        None => authority.parse().is_ok_and(|address: SocketAddr| address.ip().is_loopback()),
    }
}

/// Returns the address of the server of the agent that runs, or where one listens that was told nothing else. What the server says
/// of itself is in a file that others may have written.
fn url_of_running(open: &Open<'_>) -> Result<String> {
    let agent = open.vault.agent(&open.agent)?;
    let running = agent.as_ref().map(serving::running).transpose()?.flatten();
    let listeners = running.into_iter().flat_map(|running| running.listeners);
    let found = listeners.into_iter().find(|listener| is_local(listener));
    Ok(found.unwrap_or_else(|| USUAL_URL.to_owned()))
}

/// Returns the variables of a file for providers' libraries.
fn variables<'a>(
    url: &'a str,
    providers: &'a [String],
    token: &'a str,
) -> impl Iterator<Item = (&'static str, String)> + 'a {
    let own = providers.iter().filter_map(|provider| SdkVariables::of(provider));
    own.flat_map(move |own| [(own.base_url, own.base_url_at(url)), (own.token, token.to_owned())])
}

/// Returns a new token, and the bytes of its file.
fn fresh(client: Client, url: &str, providers: &[String]) -> Result<(SecretString, Buffer)> {
    let token = access::token()?;
    let mut bytes = Buffer::default();
    if client == Client::EnvFile {
        for own in providers.iter().filter_map(|provider| SdkVariables::of(provider)) {
            bytes.extend(format!("{}={}\n{}=", own.base_url, own.base_url_at(url), own.token).as_bytes());
            bytes.extend(token.expose_secret().as_bytes());
            bytes.push(b'\n');
        }
    } else {
        bytes.extend(token.expose_secret().as_bytes());
        bytes.push(b'\n');
    }
    Ok((token, bytes))
}
