//! Where the client keeps its files, according to its variables. Strongroom's own settings never come from there.

use std::path::{Path, PathBuf};

use crate::env::Env;
use crate::vault::id::AgentName;

/// The client's directory in the home, then its older names. The first one that exists is in use.
const DIRECTORIES: [&str; 4] = [".openclaw", ".clawdbot", ".moldbot", ".moltbot"];
/// The client's configuration in its directory, then its older names.
pub(super) const CONFIGS: [&str; 4] = ["openclaw.json", "clawdbot.json", "moldbot.json", "moltbot.json"];

/// The directory of the agents in the state directory.
pub(super) const AGENTS: &str = "agents";
/// The directory of an agent's own files in its directory.
const OF_AGENT: &str = "agent";

/// The places of the client's files.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Places {
    /// Its state directory, with the shared database and the directories of its agents.
    pub state: Option<PathBuf>,
    /// The directory of the main agent's files, if a variable names it.
    pub main_agent: Option<PathBuf>,
    /// The home directory that the client uses.
    pub home: Option<PathBuf>,
    /// The file of variables that every process of the client reads.
    pub dotenv: Option<PathBuf>,
    /// The same file in older directories, which the client no longer reads.
    pub left_behind: Vec<PathBuf>,
    /// Its configuration.
    pub config: Option<PathBuf>,
}

impl Places {
    /// Returns the places that the variables name: `OPENCLAW_STATE_DIR` (older: `CLAWDBOT_STATE_DIR`),
    /// `OPENCLAW_CONFIG_PATH`, `OPENCLAW_AGENT_DIR` (older: `PI_CODING_AGENT_DIR`), `OPENCLAW_HOME`, `HOME`.
    #[must_use]
    pub fn of(env: &Env) -> Self {
        let home = env.path("OPENCLAW_HOME").or_else(|| env.path("HOME"));
        let path = |name| env.path(name).map(|path| expanded(path, home.as_deref()));
        let named = path("OPENCLAW_STATE_DIR").or_else(|| path("CLAWDBOT_STATE_DIR"));
        let config = path("OPENCLAW_CONFIG_PATH");
        let (directory, older) = match (named, &home) {
            (Some(named), _) => (Some(named), Vec::new()),
            (None, Some(home)) => {
                let all = DIRECTORIES.map(|name| home.join(name));
                let there = all.iter().position(|directory| directory.is_dir()).unwrap_or_default();
                (all.get(there).cloned(), all.into_iter().skip(there + 1).collect())
            }
            (None, None) => (None, Vec::new()),
        };
        let in_directory = || {
            let directory = directory.as_ref()?;
            let all = CONFIGS.map(|name| directory.join(name));
            all.iter().find(|path| path.exists()).or(all.first()).cloned()
        };
        // The `.env` is in the same directory as a configuration that is named.
        let beside = config.as_ref().filter(|_| env.var("OPENCLAW_STATE_DIR").is_none());
        let beside = beside.and_then(|config| config.parent()).map(Path::to_path_buf);
        Self {
            state: directory.clone(),
            main_agent: path("OPENCLAW_AGENT_DIR").or_else(|| path("PI_CODING_AGENT_DIR")),
            dotenv: beside.or_else(|| directory.clone()).map(|directory| directory.join(".env")),
            left_behind: older.iter().map(|directory| directory.join(".env")).collect(),
            config: config.or_else(in_directory),
            home,
        }
    }

    /// Returns the directory of an agent's files: the one that the configuration names, or else the usual one.
    #[must_use]
    pub fn of_agent(&self, agent: &AgentName, named: Option<&str>) -> Option<PathBuf> {
        if let Some(named) = named {
            return Some(expanded(PathBuf::from(named), self.home.as_deref()));
        }
        if let Some(directory) = self.main_agent.as_ref().filter(|_| *agent == AgentName::default()) {
            return Some(directory.clone());
        }
        Some(self.state.as_ref()?.join(AGENTS).join(agent.as_str()).join(OF_AGENT))
    }

    /// Returns the database that the agents share, from OpenClaw 2026.6.5 on.
    #[must_use]
    pub fn shared_database(&self) -> Option<PathBuf> {
        Some(self.state.as_ref()?.join("state").join("openclaw.sqlite"))
    }
}

/// Replaces `~/` at the beginning by the home, as the client does.
fn expanded(path: PathBuf, home: Option<&Path>) -> PathBuf {
    match (path.strip_prefix("~"), home) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_name_the_places() {
        for (variables, dotenv, config) in [
            (&[("HOME", "/h")][..], "/h/.openclaw/.env", "/h/.openclaw/openclaw.json"),
            (&[("HOME", "/h"), ("OPENCLAW_HOME", "/o")], "/o/.openclaw/.env", "/o/.openclaw/openclaw.json"),
            (&[("HOME", "/h"), ("OPENCLAW_STATE_DIR", "/s")], "/s/.env", "/s/openclaw.json"),
            (&[("HOME", "/h"), ("OPENCLAW_STATE_DIR", "~/s")], "/h/s/.env", "/h/s/openclaw.json"),
            (&[("HOME", "/h"), ("CLAWDBOT_STATE_DIR", "/s")], "/s/.env", "/s/openclaw.json"),
            (&[("OPENCLAW_STATE_DIR", "/s"), ("OPENCLAW_CONFIG_PATH", "/c/c.json")], "/s/.env", "/c/c.json"),
            (&[("HOME", "/h"), ("OPENCLAW_CONFIG_PATH", "/c/c.json")], "/c/.env", "/c/c.json"),
            (&[], "", ""),
        ] {
            let env = variables.iter().fold(Env::default(), |env, (name, value)| env.with_var(name, *value));
            let places = Places::of(&env);
            let text = |path: &Option<PathBuf>| {
                path.as_ref().map_or_else(String::new, |path| path.display().to_string())
            };
            assert_eq!(
                (text(&places.dotenv).as_str(), text(&places.config).as_str()),
                (dotenv, config),
                "{variables:?}"
            );
        }
    }

    #[test]
    fn an_agents_directory_is_the_one_that_is_named() {
        let named = |name| Env::default().with_var("HOME", "/h").with_var(name, "~/x");
        let (main, ops) = (AgentName::default(), "ops".parse::<AgentName>().unwrap());
        for (env, agent, configured, directory) in [
            (Env::default().with_var("HOME", "/h"), &main, None, "/h/.openclaw/agents/main/agent"),
            (Env::default().with_var("HOME", "/h"), &ops, None, "/h/.openclaw/agents/ops/agent"),
            (Env::default().with_var("HOME", "/h"), &ops, Some("~/ops"), "/h/ops"),
            (named("OPENCLAW_AGENT_DIR"), &main, None, "/h/x"),
            (named("PI_CODING_AGENT_DIR"), &main, None, "/h/x"),
            (named("OPENCLAW_AGENT_DIR"), &ops, None, "/h/.openclaw/agents/ops/agent"),
            (named("OPENCLAW_AGENT_DIR"), &main, Some("/configured"), "/configured"),
            (named("OPENCLAW_STATE_DIR"), &ops, None, "/h/x/agents/ops/agent"),
            // The state stays in its directory if only the configuration is elsewhere.
            (named("OPENCLAW_CONFIG_PATH"), &ops, None, "/h/.openclaw/agents/ops/agent"),
        ] {
            assert_eq!(Places::of(&env).of_agent(agent, configured), Some(PathBuf::from(directory)));
        }
        assert_eq!(Places::of(&Env::default()).of_agent(&main, None), None);
    }

    #[test]
    fn the_first_directory_that_is_there_is_in_use() {
        let home = tempfile::tempdir().unwrap();
        let env = Env::default().with_var("HOME", home.path());
        for (make, dotenv, config, left) in [
            (".moltbot", ".moltbot/.env", ".moltbot/openclaw.json", 0),
            (".clawdbot", ".clawdbot/.env", ".clawdbot/clawdbot.json", 2),
            (".openclaw", ".openclaw/.env", ".openclaw/openclaw.json", 3),
        ] {
            std::fs::create_dir(home.path().join(make)).unwrap();
            std::fs::write(home.path().join(".moltbot/other.json"), "{}").unwrap();
            if make == ".clawdbot" {
                std::fs::write(home.path().join(".clawdbot/clawdbot.json"), "{}").unwrap();
            }
            let places = Places::of(&env);
            assert_eq!(places.dotenv, Some(home.path().join(dotenv)));
            assert_eq!(places.config, Some(home.path().join(config)));
            assert_eq!(places.left_behind.len(), left);
        }
    }
}
