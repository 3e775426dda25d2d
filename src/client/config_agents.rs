//! The agents of the client's configuration: `agents.list[]`, and from 2026.9 on `agents.entries`.

use jsonc_parser::ast::{Object, Value};

use super::config::params;
use super::model_choice::ModelChoice;
use super::prompt_cache::Params;
use crate::json::json5::{array, member, object, string};
use crate::vault::id::AgentName;

/// An agent of the configuration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AgentConfig {
    /// Its id.
    pub id: String,
    /// Whether it is marked as the default agent.
    pub is_default: bool,
    /// The directory of its files, if it is not the usual one.
    pub directory: Option<String>,
    /// Its models, as far as they differ from the defaults.
    pub model: ModelChoice,
    /// Its parameters.
    pub params: Params,
}

impl AgentConfig {
    fn read(id: &str, agent: &Object<'_>) -> Self {
        Self {
            id: id.to_owned(),
            is_default: member(agent, "default").and_then(Value::as_boolean_lit).is_some_and(|lit| lit.value),
            directory: string(agent, "agentDir").map(str::trim).filter(|d| !d.is_empty()).map(str::to_owned),
            model: ModelChoice::read(agent, "model"),
            params: params(agent),
        }
    }

    /// Returns its name, if its id is one. The client ignores case.
    #[must_use]
    pub fn name(&self) -> Option<AgentName> {
        self.id.trim().to_ascii_lowercase().parse().ok()
    }
}

/// Reads the agents, each with its object. With `agents.entries`, the client does not read `agents.list`.
pub(super) fn read<'o, 'a>(agents: &'o Object<'a>) -> Vec<(AgentConfig, &'o Object<'a>)> {
    if let Some(entries) = member(agents, "entries") {
        let Value::Object(entries) = entries else { return Vec::new() };
        let one = |entry: &'o jsonc_parser::ast::ObjectProp<'a>| match &entry.value {
            Value::Object(agent) => Some((AgentConfig::read(entry.name.as_str(), agent), agent)),
            _ => None,
        };
        return entries.properties.iter().filter_map(one).collect();
    }
    let one = |agent: &'o Value<'a>| match agent {
        Value::Object(agent) => Some((AgentConfig::read(string(agent, "id")?, agent), agent)),
        _ => None,
    };
    array(agents, "list").iter().filter_map(one).collect()
}

/// Returns the agent that the client uses if none is named: the one that is marked, or else the first. `agents` is that
/// member of the configuration, and `known` are its agents.
///
/// From 2026.9 on, the client asks for a name instead of taking the first of several; the order of `agents.entries` says
/// nothing, so there is no default then. With `agents.ownership: "explicit"`, marks do not count, and the agent of
/// `agents.defaults.systemAgent` is the recorded default.
pub(super) fn default_of(agents: &Object<'_>, known: &[AgentConfig]) -> Option<AgentName> {
    let is_explicit = string(agents, "ownership") == Some("explicit");
    let marked = known.iter().find(|agent| agent.is_default && !is_explicit);
    if let Some(marked) = marked {
        return marked.name();
    }
    let owner = || {
        let id = string(object(object(agents, "defaults")?, "systemAgent")?, "agentId")?;
        known.iter().find(|agent| agent.id.trim().eq_ignore_ascii_case(id.trim()))
    };
    let is_by_name = member(agents, "entries").is_some();
    match known {
        [] if is_by_name => None,
        [] => Some(AgentName::default()),
        [only] => only.name(),
        [first, ..] => match owner().filter(|_| is_explicit) {
            Some(owner) => owner.name(),
            None if is_by_name || is_explicit => None,
            None => first.name(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::AgentName;
    use crate::client::config::ClientConfig;

    #[test]
    fn the_default_agent_is_the_clients() {
        for (text, default) in [
            ("{}", Some("main")),
            ("{agents:{list:[]}}", Some("main")),
            ("{agents:{list:[{id:'ops',default:true}]}}", Some("ops")),
            ("{agents:{list:[{id:'main'},{id:' OPS ',default:true}]}}", Some("ops")),
            ("{agents:{list:[{id:'one'},{id:'two'}]}}", Some("one")),
            (
                "{agents:{list:[{id:'one',default:'yes'},{id:'two',default:true},{id:'three',default:true}]}}",
                Some("two"),
            ),
            ("{agents:{list:[{id:'no agent'}]}}", None),
            ("{agents:{entries:{ops:{default:true},main:{}}}}", Some("ops")),
            ("{agents:{entries:{ops:{}}}}", Some("ops")),
            ("{agents:{entries:{ops:{},main:{}}}}", None),
            ("{agents:{ownership:'explicit',entries:{ops:{default:true},main:{}}}}", None),
            (
                "{agents:{ownership:'explicit',defaults:{systemAgent:{agentId:'ops'}},entries:{main:{},ops:{}}}}",
                Some("ops"),
            ),
            (
                "{agents:{ownership:'explicit',defaults:{systemAgent:{agentId:'gone'}},entries:{main:{},ops:{}}}}",
                None,
            ),
            ("{agents:{entries:{}}}", None),
            ("{agents:{entries:{ops:{}},list:[{id:'main',default:true}]}}", Some("ops")),
        ] {
            let config = ClientConfig::parse(text).unwrap();
            assert_eq!(config.default_agent.as_ref().map(AgentName::as_str), default, "{text}");
        }
        let config = ClientConfig::parse("{agents:{entries:{ops:{agentDir:' ~/x ',model:'a/b'}}}}").unwrap();
        assert_eq!(config.directory("ops"), Some("~/x"));
        assert_eq!(config.providers_in_use("ops").len(), 1);
    }
}
