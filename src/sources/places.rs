//! Where the client keeps its files, as its variables say. Strongroom's own settings never come
//! from there.

use std::path::{Path, PathBuf};

use crate::env::Env;

/// The directory of the client's files, below the home, and its older names.
const DIRECTORY: &str = ".openclaw";
/// Names that the client's directory had before; still read by old versions.
const OLDER: [&str; 3] = [".clawdbot", ".moldbot", ".moltbot"];
/// The client's configuration in its directory.
const CONFIG: &str = "openclaw.json";

/// Where the client's files lie.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Places {
    /// Files of variables that every process of the client reads, the strongest first: that of its
    /// directory, then those of its older names.
    pub dotenv: Vec<PathBuf>,
    /// Its configuration.
    pub config: Option<PathBuf>,
}

impl Places {
    /// The places that the variables name: `OPENCLAW_STATE_DIR`, `OPENCLAW_CONFIG_PATH`,
    /// `OPENCLAW_HOME`, `CLAWDBOT_STATE_DIR`, `HOME`.
    #[must_use]
    pub fn of(env: &Env) -> Self {
        let home = env.path("OPENCLAW_HOME").or_else(|| env.path("HOME"));
        let named = env.path("OPENCLAW_STATE_DIR");
        let mut directories = Vec::new();
        if let Some(named) = named {
            // A directory that is named is the only one.
            directories.push(expanded(named, home.as_deref()));
        } else {
            if let Some(home) = &home {
                directories.push(home.join(DIRECTORY));
            }
            directories.extend(env.path("CLAWDBOT_STATE_DIR"));
            directories.extend(home.iter().flat_map(|home| OLDER.map(|older| home.join(older))));
        }
        let config = env
            .path("OPENCLAW_CONFIG_PATH")
            .map(|path| expanded(path, home.as_deref()))
            .or_else(|| directories.first().map(|directory| directory.join(CONFIG)));
        Self { dotenv: directories.iter().map(|directory| directory.join(".env")).collect(), config }
    }
}

/// The client takes `~/` at the beginning for the home.
fn expanded(path: PathBuf, home: Option<&Path>) -> PathBuf {
    match (path.strip_prefix("~"), home) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(variables: &[(&str, &str)]) -> (Vec<String>, String) {
        let env = variables.iter().fold(Env::default(), |env, (name, value)| env.with_var(name, *value));
        let places = Places::of(&env);
        let text = |path: &PathBuf| path.to_string_lossy().into_owned();
        (places.dotenv.iter().map(text).collect(), places.config.as_ref().map(text).unwrap_or_default())
    }

    #[test]
    fn variables_name_the_places() {
        for (variables, dotenv, config) in [
            (
                &[("HOME", "/h")][..],
                &["/h/.openclaw/.env", "/h/.clawdbot/.env", "/h/.moldbot/.env", "/h/.moltbot/.env"][..],
                "/h/.openclaw/openclaw.json",
            ),
            (
                &[("HOME", "/h"), ("OPENCLAW_HOME", "/o")],
                &["/o/.openclaw/.env", "/o/.clawdbot/.env", "/o/.moldbot/.env", "/o/.moltbot/.env"],
                "/o/.openclaw/openclaw.json",
            ),
            (&[("HOME", "/h"), ("OPENCLAW_STATE_DIR", "/s")], &["/s/.env"], "/s/openclaw.json"),
            (&[("HOME", "/h"), ("OPENCLAW_STATE_DIR", "~/s")], &["/h/s/.env"], "/h/s/openclaw.json"),
            (&[("OPENCLAW_STATE_DIR", "/s"), ("OPENCLAW_CONFIG_PATH", "/c.json")], &["/s/.env"], "/c.json"),
            (&[], &[], ""),
        ] {
            let (found, at) = places(variables);
            assert_eq!(
                (found.as_slice(), at.as_str()),
                (dotenv.iter().map(ToString::to_string).collect::<Vec<_>>().as_slice(), config),
                "{variables:?}"
            );
        }
    }
}
