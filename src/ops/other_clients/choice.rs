//! Which profiles a client may get: by their hosts if it names a host, or else the ones that name its helper.

use serde::{Deserialize, Serialize};

use crate::client::alias::ALIASES;
use crate::client::connectable::Client;
use crate::error::Result;
use crate::looks::SETUP_TOKEN;
use crate::messages::helper as of_helper;
use crate::messages::other_clients as messages;
use crate::ops::helper::{has_helper, hosts_of};
use crate::ops::ids::not_found;
use crate::ops::open::Open;
use crate::secret::ExposeSecret;
use crate::vault::id::{ProfileId, Provider};
use crate::vault::record::Record;

/// What a person asks for.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Asked {
    /// This profile, by its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// These hosts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// A part of the client's configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Asked {
    fn is_all(&self) -> bool {
        *self == Self::default()
    }

    /// Returns whether this takes the place of what was asked for before. Otherwise, both are connected.
    pub(super) fn replaces(&self, before: &Self, client: Client) -> bool {
        if client.has_parts() {
            return self.name == before.name;
        }
        let covers = |host| self.hosts.contains(host);
        !client.names_host()
            || self.is_all()
            || before.is_all()
            || (self.name == before.name
                && (self.hosts.is_empty() || before.hosts.iter().all(covers))
                && (self.profile.is_none() || self.profile == before.profile))
    }
}

/// What a client gets.
pub(super) struct Choice {
    /// The profile that it asks for by its id.
    pub id: Option<ProfileId>,
    /// The hosts of the profiles.
    pub hosts: Vec<String>,
    /// Whether the client names a host, and a profile is chosen by that.
    pub by_host: bool,
    /// The profile that has to name the helper.
    pub of: Option<ProfileId>,
    /// The profile that does not name the helper yet, and is to.
    pub adds: Option<ProfileId>,
}

pub(super) fn choose(open: &Open<'_>, client: Client, asked: &Asked) -> Result<Choice> {
    let named = asked.profile.as_deref().map(str::parse).transpose()?;
    let records = records(open, client, named.as_ref())?;
    let by_host_alone = client.names_host() || client == Client::Kubectl && !asked.hosts.is_empty();
    if by_host_alone {
        return by_host(open, client, asked, named, &records);
    }
    let (record, is_named) = match (&named, records.as_slice()) {
        (Some(_), [record, ..]) => (record, true),
        _ => match records.iter().find(|record| has_helper(record, client.helper())) {
            Some(record) => (record, false),
            None => (only(client, &records)?, false),
        },
    };
    must_serve(client, record)?;
    let lacks_helper = !has_helper(record, client.helper());
    let mut hosts: Vec<_> = hosts_of(record).into_iter().map(str::to_owned).collect();
    must_have(open, client, asked, &hosts)?;
    hosts.retain(|host| asked.hosts.is_empty() || asked.hosts.contains(host));
    let id = record.profile.clone();
    // Without a cluster, kubectl has to say which profile; Hermes gets one of each provider.
    let says_id = (is_named || client == Client::Kubectl) && client != Client::Hermes;
    Ok(Choice {
        id: says_id.then(|| id.clone()),
        hosts,
        by_host: false,
        adds: lacks_helper.then(|| id.clone()),
        of: Some(id),
    })
}

fn records(open: &Open<'_>, client: Client, named: Option<&ProfileId>) -> Result<Vec<Record>> {
    let Some(reader) = open.reader()? else {
        return Err(match named {
            Some(id) => not_found(open.vault, &open.agent, id),
            None => messages::no_profile(client.called(), &open.agent),
        });
    };
    if let Some(id) = named {
        let record = reader.record(id)?.ok_or_else(|| not_found(open.vault, &open.agent, id))?;
        return Ok(vec![record]);
    }
    let ids = reader.record_ids()?;
    // A failure happens again for each record.
    let _ = reader.fetch(&ids.iter().collect::<Vec<_>>());
    let read = ids.iter().map(|id| reader.record(id)).collect::<Result<Vec<_>>>()?;
    Ok(read.into_iter().flatten().collect())
}

fn by_host(
    open: &Open<'_>,
    client: Client,
    asked: &Asked,
    named: Option<ProfileId>,
    records: &[Record],
) -> Result<Choice> {
    if named.is_some() {
        records.iter().try_for_each(|record| must_serve(client, record))?;
    }
    let serving = records.iter().filter(|record| must_serve(client, record).is_ok());
    let mut hosts: Vec<String> = Vec::new();
    for host in serving.flat_map(hosts_of) {
        if !hosts.iter().any(|known| known == host) {
            hosts.push(host.to_owned());
        }
    }
    must_have(open, client, asked, &hosts)?;
    hosts.retain(|host| asked.hosts.is_empty() || asked.hosts.contains(host));
    if hosts.is_empty() {
        return Err(messages::no_host(client.called(), client.needs_username(), &open.agent));
    }
    let takes_id = matches!(client, Client::Cargo | Client::Kubectl);
    let id = named.filter(|_| takes_id);
    Ok(Choice { id, hosts, by_host: true, of: None, adds: None })
}

/// Refuses hosts that no profile has.
fn must_have(open: &Open<'_>, client: Client, asked: &Asked, hosts: &[String]) -> Result<()> {
    match asked.hosts.iter().find(|host| !hosts.contains(host)) {
        Some(host) => Err(messages::not_a_host(client.called(), client.needs_username(), host, &open.agent)),
        None => Ok(()),
    }
}

/// Returns the only profile of the client's own provider that serves it.
fn only(client: Client, records: &[Record]) -> Result<&Record> {
    let provider: Option<Provider> = client.provider().and_then(|name| name.parse().ok());
    let is_of = |record: &&Record| {
        provider.as_ref().is_some_and(|provider| ALIASES.shared(&record.credential.provider, provider))
    };
    let serving: Vec<_> =
        records.iter().filter(is_of).filter(|record| must_serve(client, record).is_ok()).collect();
    match serving.as_slice() {
        [record] => Ok(record),
        _ => Err(messages::name_profile(client.as_str())),
    }
}

/// Refuses a profile that the client's helper would not give out.
fn must_serve(client: Client, record: &Record) -> Result<()> {
    let id = &record.profile;
    if client.needs_username() && record.details.username.is_none() {
        return Err(of_helper::no_username(id, &id.word()));
    }
    let own = client.provider().filter(|_| client == Client::ClaudeCode);
    let is_own = |own: &str| own.parse().is_ok_and(|own| ALIASES.shared(&record.credential.provider, &own));
    if own.is_some_and(|own| !is_own(own)) {
        return Err(messages::not_of_provider(id, &record.credential.provider, client.called()));
    }
    if client == Client::ClaudeCode && record.credential.secret.expose_secret().starts_with(SETUP_TOKEN) {
        return Err(of_helper::setup_token(id));
    }
    Ok(())
}
