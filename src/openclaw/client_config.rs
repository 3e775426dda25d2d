//! The client's configuration: where it lies, and what of it decides which profile is used.

use std::path::{Path, PathBuf};

use strongroom_backends::fs::dir::Dir;

use crate::env::Env;
use crate::error::{Code, Result, fail};
use crate::select::client::{Client, MAX};

/// The configuration that the client's variables name: `OPENCLAW_CONFIG_PATH`, else `openclaw.json`
/// in `OPENCLAW_STATE_DIR`, else in `.openclaw` of `OPENCLAW_HOME` or `HOME`.
#[must_use]
pub fn locate(env: &Env) -> Option<PathBuf> {
    let home = env.path("OPENCLAW_HOME").or_else(|| env.path("HOME"));
    env.path("OPENCLAW_CONFIG_PATH")
        .or_else(|| env.path("OPENCLAW_STATE_DIR").map(|directory| directory.join("openclaw.json")))
        .or_else(|| home.map(|home| home.join(".openclaw/openclaw.json")))
}

/// Reads a configuration; one that is not there is an empty one.
///
/// # Errors
/// `BAD_DATA` for what is no configuration, and those of reading a file.
pub fn read(path: &Path) -> Result<Client> {
    // People keep it elsewhere and link to it; what the link leads to is judged.
    let Ok(path) = path.canonicalize() else { return Ok(Client::default()) };
    let (Some(directory), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str()))
    else {
        return fail(Code::BadData, "the client's configuration is not a file");
    };
    let Some(bytes) = Dir::open(directory)?.read_if_any(name, MAX)? else { return Ok(Client::default()) };
    match std::str::from_utf8(&bytes) {
        Ok(text) => Client::parse(text),
        Err(_) => fail(Code::BadData, "the client's configuration is not a text file"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_name_the_place() {
        for (variables, expected) in [
            (&[("HOME", "/h")][..], Some("/h/.openclaw/openclaw.json")),
            (&[("HOME", "/h"), ("OPENCLAW_HOME", "/o")], Some("/o/.openclaw/openclaw.json")),
            (&[("HOME", "/h"), ("OPENCLAW_STATE_DIR", "/s")], Some("/s/openclaw.json")),
            (&[("OPENCLAW_STATE_DIR", "/s"), ("OPENCLAW_CONFIG_PATH", "/c.json")], Some("/c.json")),
            (&[], None),
        ] {
            let env = variables.iter().fold(Env::default(), |env, (name, value)| env.with_var(name, *value));
            assert_eq!(locate(&env), expected.map(PathBuf::from));
        }
    }

    #[test]
    fn an_absent_one_is_empty_and_a_strange_one_an_error() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("openclaw.json");
        assert_eq!(read(&path).unwrap(), Client::default());
        std::fs::write(&path, b"\xff").unwrap();
        assert_eq!(read(&path).unwrap_err().code(), Code::BadData);
        std::fs::write(&path, r#"{"auth":{"order":{"a":["a:b"]}}}"#).unwrap();
        let link = temp.path().join("link.json");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert_eq!(read(&link).unwrap().order.len(), 1);
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert_eq!(read(&path).unwrap_err().code(), Code::UnsafeFile);
    }
}
