//! The part of OpenClaw's configuration that makes it ask Strongroom for its secrets.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::vault::index::entry::EXEC_PROVIDER as PROVIDER;

/// How OpenClaw runs Strongroom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecProvider {
    /// The binary; OpenClaw accepts only an absolute path.
    pub command: PathBuf,
    /// The only agent whose profiles are given out.
    pub agent: String,
    /// The vault's home, if it is not the default one.
    pub home: Option<PathBuf>,
    /// The key file, if it is not the default one.
    pub key_file: Option<PathBuf>,
    /// Whether the key or profiles are in the desktop's keychain.
    pub keychain: bool,
}

impl ExecProvider {
    /// Returns the part of the configuration, in the form of OpenClaw 2026.2.26 and later.
    ///
    /// OpenClaw passes on only the variables in `passEnv`.
    #[must_use]
    pub fn config(&self) -> Value {
        let mut args: Vec<OsString> = ["resolve", "--agent", &self.agent].map(OsString::from).into();
        let mut flag = |name: &str, path: &Option<PathBuf>| {
            if let Some(path) = path {
                args.extend([OsString::from(name), path.as_os_str().to_owned()]);
            }
        };
        flag("--home", &self.home);
        flag("--key-file", &self.key_file);
        let args: Vec<_> = args.iter().map(|argument| argument.to_string_lossy()).collect();
        let mut pass_env = vec!["HOME"];
        if self.keychain {
            pass_env.extend(["XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"]);
        }
        json!({ "secrets": {
            "providers": { PROVIDER: {
                "source": "exec",
                "command": self.command.to_string_lossy(),
                "args": args,
                "passEnv": pass_env,
                "jsonOnly": true,
            } },
            "defaults": { "exec": PROVIDER },
        } })
    }

    /// Returns the path of this agent's index in OpenClaw's directory.
    #[must_use]
    pub fn index_in(&self, directory: &Path) -> PathBuf {
        directory.join("agents").join(&self.agent).join("agent/auth-profiles.json")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_not_the_default_is_said() {
        let plain = ExecProvider {
            command: "/bin/strongroom".into(),
            agent: "main".to_owned(),
            home: None,
            key_file: None,
            keychain: false,
        };
        let provider = |of: &ExecProvider| of.config()["secrets"]["providers"][PROVIDER].clone();
        assert_eq!(provider(&plain)["args"], json!(["resolve", "--agent", "main"]));
        assert_eq!(provider(&plain)["passEnv"], json!(["HOME"]));
        let other =
            ExecProvider { home: Some("/v".into()), key_file: Some("/k".into()), keychain: true, ..plain };
        assert_eq!(
            provider(&other)["args"],
            json!(["resolve", "--agent", "main", "--home", "/v", "--key-file", "/k"])
        );
        assert_eq!(provider(&other)["passEnv"].as_array().map(Vec::len), Some(3));
    }
}
