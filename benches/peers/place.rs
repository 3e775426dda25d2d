//! Where everything that is compared is stored, and how it is filled.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::process::Process;

/// The arguments from the script.
pub struct Place {
    pub strongroom: PathBuf,
    /// The program that opens records in one process, built from the same sources.
    pub opens: PathBuf,
    pub kbs2: PathBuf,
    pub rage: PathBuf,
    /// With `--all` alone.
    pub fnox: Option<PathBuf>,
    /// With `--all` alone.
    pub pass: Option<PathBuf>,
    pub scratch: PathBuf,
    /// Where the picture is written.
    pub picture: PathBuf,
    pub rounds: usize,
    /// The largest number of profiles for growth.
    pub largest: usize,
}

/// Returns the value of the profile with that number, which is as long as a setup-token.
pub fn token(n: usize) -> String {
    format!("sk-ant-oat01-{n:095}")
}

impl Place {
    pub fn path(&self, name: &str) -> PathBuf {
        self.scratch.join(name)
    }

    pub fn file(&self, name: &str, contents: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, contents).unwrap();
        path
    }

    pub fn directory(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(&path).unwrap();
        path
    }

    /// Returns a command in the vault of that name, unlocked with its key file.
    pub fn vault(&self, vault: &str, args: &[&str]) -> Process {
        Process::new(&self.strongroom, args)
            .env("HOME", &self.scratch)
            .env("STRONGROOM_HOME", self.path(vault))
            .env("STRONGROOM_KEY_FILE", self.path(&format!("{vault}-key")))
    }

    /// Creates an empty vault.
    pub fn init(&self, vault: &str) {
        self.vault(vault, &["init", "--store", "file", "--unlock", "key-file"]).run();
    }

    /// Creates a vault with that many profiles.
    pub fn stock(&self, vault: &str, profiles: usize) {
        self.init(vault);
        self.import(vault, profiles).run();
    }

    pub fn import(&self, vault: &str, profiles: usize) -> Process {
        self.vault(vault, &["import", "-"]).stdin(self.import_file(profiles))
    }

    pub fn get(&self, vault: &str) -> Process {
        self.vault(vault, &["get", "anthropic:account-00000"])
    }

    pub fn resolve(&self, vault: &str, ids: usize) -> Process {
        self.vault(vault, &["resolve"]).stdin(self.request(ids))
    }

    pub fn paste(&self, vault: &str) -> Process {
        let args = [
            "models",
            "auth",
            "paste-token",
            "--provider",
            "anthropic",
            "--profile-id",
            "anthropic:account-00000",
        ];
        self.vault(vault, &args).stdin(self.file("token", &format!("{}\n", token(7))))
    }

    /// Creates an `auth-profiles.json` of OpenClaw with that many setup-tokens in plain text.
    fn import_file(&self, profiles: usize) -> PathBuf {
        let mut text = String::from("{\"version\":1,\"profiles\":{");
        for n in 0..profiles {
            let (comma, token) = (if n == 0 { "" } else { "," }, token(n));
            let _ = write!(
                text,
                "{comma}\n\"anthropic:account-{n:05}\":{{\"type\":\"token\",\"provider\":\"anthropic\",\"token\":\"{token}\",\"expires\":4102444800000}}"
            );
        }
        text.push_str("}}\n");
        self.file(&format!("import-{profiles}.json"), &text)
    }

    fn request(&self, ids: usize) -> PathBuf {
        let ids: Vec<String> = (0..ids).map(|n| format!("\"main/anthropic:account-{n:05}\"")).collect();
        let text =
            format!("{{\"protocolVersion\":1,\"provider\":\"strongroom\",\"ids\":[{}]}}", ids.join(","));
        self.file(&format!("request-{}.json", ids.len()), &text)
    }

    pub fn kbs2(&self, store: &str, args: &[&str]) -> Process {
        let config = self.path(&format!("{store}-config"));
        let args: Vec<&str> = ["-c", config.to_str().unwrap()].iter().chain(args).copied().collect();
        Process::new(&self.kbs2, &args).env("HOME", &self.scratch)
    }

    /// Creates a kbs2 store with that many records, and its key in plain text.
    pub fn stock_kbs2(&self, store: &str, records: usize) {
        let dir = self.path(store);
        self.kbs2(store, &["init", "--insecure-not-wrapped", "-s", dir.to_str().unwrap()]).run();
        for n in 0..records {
            let value = self.file("kbs2-value", &format!("TOKEN\u{1}{}", token(n)));
            let label = format!("account-{n:05}");
            self.kbs2(store, &["new", "-t", "-k", "environment", &label]).stdin(value).run();
        }
    }

    /// Creates a rage file with one token: returns the command that opens it, its recipient and its identity file.
    pub fn rage(&self) -> (Process, String, PathBuf) {
        let (sealed, identity) = (self.path("token.age"), self.path("identity"));
        let plain = self.file("rage-token", &token(7));
        let to = |path: &Path| path.to_str().unwrap().to_owned();
        let keygen = self.rage.with_file_name("rage-keygen");
        Process::new(&keygen, &["-o", &to(&identity)]).run();
        let recipient = Process::new(&keygen, &["-y", &to(&identity)]).output().trim().to_owned();
        Process::new(&self.rage, &["-r", &recipient, "-o", &to(&sealed), &to(&plain)]).run();
        (Process::new(&self.rage, &["-d", "-i", &to(&identity), &to(&sealed)]), recipient, identity)
    }
}
