//! Clients other than OpenClaw that can be connected: which file of theirs says how to ask for a credential, and what is
//! put into it. One file a client, without writing anything. How they ask is in [`helpers`](super::helpers).

mod aws;
mod cargo;
mod claude_code;
mod claude_mcp;
mod codex;
mod docker;
mod git;
mod hermes;
mod kubectl;
mod openclaw;
mod program;
mod proxied;
mod toml;
mod undo;

use std::path::{Path, PathBuf};

use crate::client::edit::{self, Change};
use crate::client::file::{self, SOURCE_MAX};
use crate::client::insertion::{Insertion, insert};
use crate::client::places::Places;
use crate::client::sdk_variables::SdkVariables;
use crate::env::Env;
use crate::error::{Code, Result};
use crate::messages::client::connectable as messages;
use crate::secret::Buffer;

pub use program::Program;
pub use proxied::Proxied;
pub use undo::{Place, Undo, Undone, undo_all};

/// A client that can be connected, apart from OpenClaw with references.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Client {
    /// Claude Code, which gets an API key by its `apiKeyHelper`.
    ClaudeCode,
    /// MCP servers of Claude Code, which get headers by its `headersHelper`.
    ClaudeMcp,
    /// Codex, by a model provider of its own.
    Codex,
    /// git, by a credential helper for each host.
    Git,
    /// The AWS command line and SDKs, by `credential_process`.
    Aws,
    /// Docker and what reads its configuration, by a credential helper for each registry.
    Docker,
    /// cargo, by a credential provider for each registry.
    Cargo,
    /// kubectl, by an exec plugin of a user.
    Kubectl,
    /// Hermes, by its `secrets.command`.
    Hermes,
    /// OpenClaw, through the proxy alone: its connection with references is another one.
    Openclaw,
    /// An environment file for providers' own libraries, through the proxy alone.
    EnvFile,
}

/// What connecting is to write.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// How the client runs this program.
    pub program: Program,
    /// The profile that it asks for; without one, the profile that is used next among those that allow it.
    pub id: Option<String>,
    /// The origins of the profiles that it may get.
    pub hosts: Vec<String>,
    /// Whether the client says where the secret goes, and a profile is chosen by that.
    pub by_host: bool,
    /// The name of a part of its configuration: an AWS profile, a user, a registry, a server or a model provider.
    pub name: Option<String>,
}

/// What a client's configuration would become.
#[derive(Debug)]
pub struct Plan {
    /// Its text.
    pub text: Buffer,
    /// What undoes the change.
    pub undo: Undo,
    /// The hosts, or the client's own names, for which it was connected.
    pub connected: Vec<String>,
    /// What is left as it is, and what a person has to do, as sentences.
    pub told: Vec<String>,
}

impl Client {
    /// Those that ask for secrets themselves, in the order in which they are listed.
    pub const ALL: [Self; 9] = [
        Self::ClaudeCode,
        Self::ClaudeMcp,
        Self::Codex,
        Self::Hermes,
        Self::Git,
        Self::Aws,
        Self::Docker,
        Self::Kubectl,
        Self::Cargo,
    ];

    /// Returns its name on the command line, its name for people, and its helper.
    const fn names(self) -> [&'static str; 3] {
        match self {
            Self::ClaudeCode => ["claude-code", "Claude Code", "claude-api-key"],
            Self::ClaudeMcp => ["claude-mcp", "Claude Code", "claude-mcp-headers"],
            Self::Codex => ["codex", "Codex", "codex"],
            Self::Hermes => ["hermes", "Hermes", "hermes"],
            Self::Git => ["git", "git", "git"],
            Self::Aws => ["aws", "AWS", "aws"],
            Self::Docker => ["docker", "Docker", "docker"],
            Self::Kubectl => ["kubectl", "kubectl", "kubectl"],
            Self::Cargo => ["cargo", "cargo", "cargo"],
            Self::Openclaw => ["openclaw", "OpenClaw", ""],
            Self::EnvFile => ["env-file", "the environment file", ""],
        }
    }

    /// Returns its name on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.names()[0]
    }

    /// Returns its name in the settings.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            // Its connection with references has the other name.
            Self::Openclaw => "openclaw-proxy",
            _ => self.as_str(),
        }
    }

    /// Returns whether it can get a token for the proxy.
    #[must_use]
    pub const fn takes_proxy(self) -> bool {
        matches!(self, Self::ClaudeCode | Self::Codex | Self::Openclaw | Self::EnvFile)
    }

    /// Returns its name for people.
    #[must_use]
    pub const fn called(self) -> &'static str {
        self.names()[1]
    }

    /// Returns the helper by which it asks.
    #[must_use]
    pub const fn helper(self) -> &'static str {
        self.names()[2]
    }

    /// Returns whether it says where the secret goes. Otherwise, a profile has to name the helper.
    #[must_use]
    pub const fn names_host(self) -> bool {
        matches!(self, Self::ClaudeMcp | Self::Git | Self::Docker | Self::Cargo)
    }

    /// Returns whether only profiles with a user name serve it.
    #[must_use]
    pub const fn needs_username(self) -> bool {
        matches!(self, Self::Git | Self::Docker | Self::Aws)
    }

    /// Returns whether it can be connected in several parts of its configuration, each by its name.
    #[must_use]
    pub const fn has_parts(self) -> bool {
        matches!(self, Self::Codex | Self::Aws | Self::Kubectl)
    }

    /// Returns whether a name can choose a part of its configuration.
    #[must_use]
    pub const fn takes_name(self) -> bool {
        self.has_parts() || matches!(self, Self::Cargo | Self::ClaudeMcp)
    }

    /// Returns the provider whose profile it gets if a person names none.
    #[must_use]
    pub const fn provider(self) -> Option<&'static str> {
        match self {
            Self::ClaudeCode => Some("anthropic"),
            Self::Codex => Some("openai"),
            _ => None,
        }
    }

    /// Returns the file to be changed: the user's own, wherever the client's variables say that it is.
    ///
    /// # Errors
    /// `CONFIG` if there is no home directory.
    pub fn config(self, env: &Env) -> Result<PathBuf> {
        let found = match self {
            Self::ClaudeCode => {
                directory(env, "CLAUDE_CONFIG_DIR", ".claude").map(|of| of.join("settings.json"))
            }
            Self::ClaudeMcp => claude_mcp::config(env),
            Self::Codex => directory(env, "CODEX_HOME", ".codex").map(|of| of.join("config.toml")),
            Self::Git => git::config(env),
            Self::Aws => aws::file(env, "AWS_CONFIG_FILE", "config"),
            Self::Docker => directory(env, "DOCKER_CONFIG", ".docker").map(|of| of.join("config.json")),
            Self::Cargo => cargo::config(env),
            Self::Kubectl => kubectl::config(env),
            Self::Hermes => directory(env, "HERMES_HOME", ".hermes").map(|of| of.join("config.yaml")),
            Self::Openclaw => Places::of(env).config,
            // A person names it.
            Self::EnvFile => None,
        };
        found.ok_or_else(|| messages::no_home(self.called()))
    }

    /// Returns what its configuration would become. `text` is what it says now, if it exists.
    ///
    /// # Errors
    /// `BAD_DATA` if it cannot be read, `EXISTS` if the client has a login or another helper in the place, `NOT_FOUND` if
    /// it has nothing to connect.
    pub fn plan(self, env: &Env, text: Option<&str>, wanted: &Wanted) -> Result<Plan> {
        match self {
            Self::ClaudeCode => claude_code::plan(env, text, wanted),
            Self::ClaudeMcp => claude_mcp::plan(text, wanted),
            Self::Codex => codex::plan(env, text, wanted),
            Self::Git => git::plan(env, text, wanted),
            Self::Aws => aws::plan(env, text, wanted),
            Self::Docker => docker::plan(text, wanted),
            Self::Cargo => cargo::plan(env, text, wanted),
            Self::Kubectl => kubectl::plan(env, text, wanted),
            Self::Hermes => hermes::plan(text, wanted),
            Self::Openclaw | Self::EnvFile => Err(messages::by_proxy_alone(self.as_str())),
        }
    }

    /// Returns whether it can be told to send the requests for a provider to the proxy.
    #[must_use]
    pub fn may_use(self, provider: &str) -> bool {
        match self {
            Self::EnvFile => SdkVariables::of(provider).is_some(),
            Self::Openclaw => openclaw::interface_of(provider).is_some(),
            _ => self.provider().is_none_or(|own| own == provider),
        }
    }

    /// Returns what its configuration would become if it gets a token for the proxy.
    ///
    /// # Errors
    /// As [`Client::plan`]; `USAGE` if it cannot use the proxy.
    pub fn plan_proxied(self, env: &Env, text: Option<&str>, proxied: &Proxied) -> Result<Plan> {
        match self {
            Self::ClaudeCode => claude_code::plan_proxied(env, text, proxied),
            Self::Codex => codex::plan_proxied(env, text, proxied),
            Self::Openclaw => openclaw::plan_proxied(env, text, proxied),
            _ => Err(messages::not_by_proxy(self.as_str())),
        }
    }
}

/// Returns a client's directory: the one that its variable names, or else the one in the home.
fn directory(env: &Env, variable: &str, name: &str) -> Option<PathBuf> {
    env.path(variable).or_else(|| Some(env.path("HOME")?.join(name)))
}

/// Returns the text of a file of the client that can say that it has a login, if there is such a file.
///
/// # Errors
/// Those of reading: what cannot be read may be a login.
fn text_of(path: &Path) -> Result<Option<Buffer>> {
    match file::read(path, SOURCE_MAX) {
        Ok((text, _)) => Ok(Some(text)),
        Err(error) if error.code() == Code::NoInput => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns the plan of an edit of a JSON document.
fn edited(
    client: Client,
    text: Option<&str>,
    changes: &[Change],
    (connected, told): (Vec<String>, Vec<String>),
) -> Result<Plan> {
    let edited = edit::edit(text, changes).map_err(|error| match error.code() {
        Code::BadData => messages::not_an_object(client.called()),
        _ => error,
    })?;
    Ok(Plan { text: edited.text, undo: Undo::Members(edited.inverse), connected, told })
}

/// Returns the plan of lines that are put into a text. `mark` is what a changed line is known by.
fn inserted(
    text: Option<&str>,
    insertions: Vec<Insertion>,
    mark: &str,
    (connected, told): (Vec<String>, Vec<String>),
) -> Plan {
    let (text, lines) = insert(text, insertions, mark);
    Plan { text, undo: Undo::Lines(lines), connected, told }
}

/// Returns the same for a document in YAML, in which other programs may write the lines in another way.
fn inserted_in_yaml(
    text: Option<&str>,
    insertion: Insertion,
    wanted: &Wanted,
    place: Place,
    told: (Vec<String>, Vec<String>),
) -> Plan {
    let plan = inserted(text, vec![insertion], wanted.program.path(), told);
    let undo = match plan.undo {
        Undo::Lines(lines) => Undo::Yaml { lines, place },
        other => other,
    };
    Plan { undo, ..plan }
}

#[cfg(test)]
fn wanted(hosts: &[&str]) -> Wanted {
    Wanted {
        program: Program::new(["/opt/it's/strongroom".into(), "--agent".into(), "main".into()]).unwrap(),
        id: None,
        hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
        by_host: true,
        name: None,
    }
}
