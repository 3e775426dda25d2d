//! MCP servers of Claude Code: `headersHelper` of each server in the user's own file whose URL is a host of a profile.
//! Claude Code names the server in a variable, so that one command serves all.

use std::path::PathBuf;

use jsonc_parser::ast::{Object, Value};

use super::{Client, Plan, Wanted, edited};
use crate::client::edit::Change;
use crate::client::helpers::origin_of;
use crate::env::Env;
use crate::error::Result;
use crate::json::json5::{member, object, string, with_root};
use crate::messages::client::connectable as messages;

const SERVERS: &str = "mcpServers";
const HELPER: &str = "headersHelper";

/// Returns Claude Code's own file.
pub(super) fn config(env: &Env) -> Option<PathBuf> {
    env.path("CLAUDE_CONFIG_DIR").or_else(|| env.path("HOME")).map(|of| of.join(".claude.json"))
}

pub(super) fn plan(text: Option<&str>, wanted: &Wanted) -> Result<Plan> {
    let called = Client::ClaudeMcp.called();
    let read = text.map(|text| with_root(text, "it", |root| servers(root, wanted))).transpose();
    let servers = read.map_err(|_| messages::not_an_object(called))?.unwrap_or_default();
    let command = wanted.program.shell(Client::ClaudeMcp.helper(), None);
    let (mut changes, mut connected, mut told) = (Vec::new(), Vec::new(), Vec::new());
    for Server { name, is_taken } in servers {
        if is_taken {
            told.push(messages::other_headers(&name));
        } else {
            changes.push(Change::set(&[SERVERS, &name, HELPER], command.as_str()));
            connected.push(name);
        }
    }
    if changes.is_empty() {
        return Err(if told.is_empty() {
            messages::no_server(&wanted.hosts.join(", "))
        } else {
            messages::has_login(&told.join("; "))
        });
    }
    edited(Client::ClaudeMcp, text, &changes, (connected, told))
}

/// A server whose URL is a host of a profile.
struct Server {
    name: String,
    /// Whether it has a header or a helper of its own.
    is_taken: bool,
}

fn servers(root: &Object<'_>, wanted: &Wanted) -> Vec<Server> {
    let all = object(root, SERVERS).map_or(&[][..], |servers| servers.properties.as_slice());
    let of = |entry: &jsonc_parser::ast::ObjectProp<'_>| {
        let Value::Object(server) = &entry.value else { return None };
        let name = entry.name.as_str().to_owned();
        let origin = string(server, "url").and_then(|url| origin_of(url).ok())?;
        let is_remote = string(server, "type").is_none_or(|kind| kind != "stdio");
        let is_wanted = is_remote
            && wanted.hosts.contains(&origin)
            && wanted.name.as_ref().is_none_or(|own| *own == name);
        let is_taken = [HELPER, "headers", "oauth"].iter().any(|name| member(server, name).is_some());
        is_wanted.then_some(Server { name, is_taken })
    };
    all.iter().filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::super::wanted;
    use super::*;

    #[test]
    fn servers_of_the_hosts_get_the_helper() {
        let text = r#"{"numStartups":3,"mcpServers":{"a":{"type":"http","url":"https://mcp.x.io/v1"},"b":{"command":"x"},"c":{"type":"http","url":"https://mcp.x.io@evil.io/"},"d":{"url":"https://mcp.x.io/d","headers":{"authorization":"made-up"}}}}"#;
        let made = plan(Some(text), &wanted(&["https://mcp.x.io"])).unwrap();
        let read: serde_json::Value = serde_json::from_str(made.text.expose_str().unwrap()).unwrap();
        let servers = &read[SERVERS];
        assert_eq!(servers["a"][HELPER], "'/opt/it'\\''s/strongroom' --agent main helper claude-mcp-headers");
        assert!(servers["c"].get(HELPER).is_none() && servers["d"].get(HELPER).is_none());
        assert_eq!(made.told.len(), 1);
        let undone = made.undo.undo(made.text.expose_str().unwrap()).unwrap();
        assert_eq!(undone.text.unwrap().expose_str(), Some(text));
        assert_eq!(
            plan(Some(text), &wanted(&["https://evil.com"])).unwrap_err().code(),
            crate::error::Code::NotFound
        );
        assert!(plan(None, &wanted(&["https://mcp.x.io"])).is_err());
    }
}
