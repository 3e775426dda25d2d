//! `connect` and `disconnect` for clients other than OpenClaw, without the clients themselves.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::session::{Session, kept};

pub const KEY: &str = "made-up-canary-key";

/// A client with its configuration, and what connecting writes there.
pub struct Case {
    pub client: &'static str,
    pub flags: &'static [&'static str],
    pub config: &'static str,
    pub text: &'static str,
    pub written: &'static str,
}

pub const CASES: &[Case] = &[
    Case {
        client: "git",
        flags: &[],
        config: ".gitconfig",
        text: "# mine\n[user]\n\tname = a ; b\n[alias]\n\tx = \"!echo\"",
        written: "[credential \"https://git.x.io\"]\n\thelper =\n\thelper = \"!",
    },
    Case {
        client: "docker",
        flags: &["--host", "https://git.x.io"],
        config: ".docker/config.json",
        text: "{\n\t\"auths\": {},\n\t\"psFormat\": \"x\"\n}\n",
        written: "\"credHelpers\": {\n\t\t\"git.x.io\": \"strongroom\"\n\t}",
    },
    Case {
        client: "cargo",
        flags: &[],
        config: ".cargo/config.toml",
        text: "# mine\n[registries.x]\nindex = \"sparse+https://git.x.io/i/\" # here\n\n[net]\nretry = 2",
        written: "[registries.x]\ncredential-provider = [\"cargo:token-from-stdout\",\"/",
    },
    Case {
        client: "codex",
        flags: &["--profile", "openai:one"],
        config: ".codex/config.toml",
        text: "# mine\nmodel = 'm'\r\n\r\n[tui] # x\r\nnotifications = true\r\n",
        written: "base_url = \"https://api.openai.com/v1\"\r\n",
    },
    Case {
        client: "claude-code",
        flags: &[],
        config: ".claude/settings.json",
        text: "{\n    \"permissions\": { \"allow\": [\"Bash(ls:*)\"] },\n    \"model\": \"x\"\n}",
        written: "\n    \"apiKeyHelper\": \"",
    },
    Case {
        client: "claude-mcp",
        flags: &["--name", "b"],
        config: ".claude.json",
        text: "{\"mcpServers\":{\"a\":{\"type\":\"http\",\"url\":\"https://git.x.io/a\"},\"b\":{\"type\":\"http\",\"url\":\"https://git.x.io/b\"}},\"numStartups\":4}",
        written: "\"url\":\"https://git.x.io/b\",\"headersHelper\":\"",
    },
    Case {
        client: "aws",
        flags: &["--profile", "amazon:one", "--name", "work"],
        config: ".aws/config",
        text: "[default]\nregion = eu-north-1\n\n# mine\n[profile work]\noutput = json\n",
        written: "[profile work]\ncredential_process = ",
    },
];

/// More of them, in YAML.
pub const YAML: &[Case] = &[
    Case {
        client: "kubectl",
        flags: &["--host", "https://git.x.io"],
        config: ".kube/config",
        text: "apiVersion: v1\nkind: Config # mine\nusers:\n  - name: a\n    user:\n      token: made-up\ncurrent-context: \"\"\n",
        written: "      token: made-up\n  - name: strongroom\n    user:\n      exec:\n",
    },
    Case {
        client: "hermes",
        flags: &["--profile", "openai:one"],
        config: ".hermes/config.yaml",
        text: "# mine\nmodel: 'x'\n\n# the end",
        written: "secrets:\n  command:\n    command: ",
    },
];

fn cases() -> impl Iterator<Item = &'static Case> {
    CASES.iter().chain(YAML)
}

/// A vault with a profile for each of them.
pub fn session() -> Session {
    let session = Session::new();
    let store = |id: &str, flags: &[&str]| {
        let provider = id.split(':').next().unwrap();
        let paste = ["paste-api-key", "--provider", provider, "--profile-id", id];
        session.feed(format!("{KEY}-{provider}"), paste.iter().chain(flags)).ok();
    };
    store("github:one", &["--host", "https://git.x.io", "--username", "me"]);
    store("amazon:one", &["--username", "made-up-access-key-id"]);
    store("openai:one", &[]);
    store("anthropic:one", &[]);
    session
}

pub fn connect(session: &Session, verb: &str, case: &Case, more: &[&str]) -> crate::session::Ran {
    let flags = if verb == "connect" { case.flags } else { &[] };
    session.run([verb, case.client].iter().chain(flags).chain(more))
}

pub fn helpers(session: &Session, id: &str) -> serde_json::Value {
    session.run(["get", id, "--json", "--reveal"]).ok().json()["helpers"].clone()
}

pub fn put(session: &Session, name: &str, text: &str) -> PathBuf {
    let path = session.path(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    path
}

pub fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn each_client_is_connected_after_a_look_and_disconnected_to_the_byte() {
    let session = session();
    for case in cases() {
        let config = put(&session, case.config, case.text);
        let shown = connect(&session, "connect", case, &["--dry-run"]).ok();
        assert!(shown.stdout.contains("strongroom"), "{}: {}", case.client, shown.stdout);
        assert!(!shown.stdout.contains("made-up"), "{}", shown.stdout);
        connect(&session, "connect", case, &[]).failed("NOT_CONFIRMED", 64);
        assert_eq!(read(&config), case.text);
        let done = connect(&session, "connect", case, &["--yes"]).ok();
        let text = read(&config);
        assert!(text.contains(case.written), "{}: {text}", case.client);
        assert!(!format!("{}{}{text}", done.stdout, done.stderr).contains(KEY));
        let again = connect(&session, "connect", case, &["--yes", "--json"]).ok().json();
        assert_eq!(again["result"], "unchanged", "{again}");
        assert_eq!(read(&config), text);
        let gone = connect(&session, "disconnect", case, &["--yes", "--json"]).ok().json();
        assert_eq!((&gone["identical"], &gone["left"]), (&json!(true), &json!([])), "{gone}");
        assert_eq!(read(&config), case.text, "{}", case.client);
        connect(&session, "disconnect", case, &["--yes"]).failed("NOT_FOUND", 66);
    }
    assert!(!session.path(".local/bin/docker-credential-strongroom").exists());
    for id in ["amazon:one", "openai:one", "anthropic:one"] {
        assert!(helpers(&session, id).as_array().is_none_or(Vec::is_empty), "{id}");
    }
    session.run(["verify"]).ok();
}

#[test]
fn a_file_that_connecting_made_goes_and_its_directory_too() {
    let session = session();
    for case in cases().filter(|case| !matches!(case.client, "claude-mcp" | "cargo")) {
        let before = kept(&session.path(""));
        connect(&session, "connect", case, &["--yes"]).ok();
        let config = session.path(case.config);
        assert_eq!(fs::metadata(&config).unwrap().mode() & 0o777, 0o600);
        let gone = connect(&session, "disconnect", case, &["--yes"]).ok();
        assert!(gone.stdout.contains("did not exist before connecting"), "{}", gone.stdout);
        let after = kept(&session.path(""));
        let own = |files: &[(PathBuf, u32, Vec<u8>)]| {
            let is_own =
                |path: &Path| path.starts_with(session.home()) || path.to_string_lossy().contains(".local/");
            files.iter().filter(|(path, ..)| !is_own(path)).cloned().collect::<Vec<_>>()
        };
        assert_eq!(own(&after), own(&before), "{}", case.client);
        assert!(!config.exists());
    }
}

#[test]
fn what_others_changed_since_stays_and_is_named() {
    let session = session();
    for case in CASES {
        let config = put(&session, case.config, case.text);
        connect(&session, "connect", case, &["--yes"]).ok();
        let edited = read(&config).replace("helper", "other-helper").replace("\"strongroom\"", "\"other\"");
        let edited = edited.replace("base_url", "base_url_");
        fs::write(&config, &edited).unwrap();
        let gone = connect(&session, "disconnect", case, &["--yes", "--json"]).ok().json();
        assert_eq!(gone["identical"], false, "{gone}");
        assert!(read(&config).contains("other"), "{}", case.client);
    }
    let config = session.path(".aws/config");
    let case = CASES.last().unwrap();
    fs::write(&config, case.text).unwrap();
    connect(&session, "connect", case, &["--yes"]).ok();
    let edited = format!("# more\n{}[profile x]\n", read(&config));
    fs::write(&config, &edited).unwrap();
    let gone = connect(&session, "disconnect", case, &["--yes", "--json"]).ok().json();
    assert_eq!(gone["left"], json!([]), "{gone}");
    assert_eq!(read(&config), format!("# more\n{}[profile x]\n", case.text));
}

#[test]
fn a_link_is_shown_and_stays_a_link() {
    let session = session();
    fs::create_dir(session.path("dotfiles")).unwrap();
    let real = session.write("dotfiles/gitconfig", CASES[0].text);
    symlink("dotfiles/gitconfig", session.path(".gitconfig")).unwrap();
    let shown = connect(&session, "connect", &CASES[0], &["--dry-run"]).ok();
    assert!(
        shown.stdout.contains("(a link to ") && shown.stdout.contains("dotfiles/gitconfig"),
        "{}",
        shown.stdout
    );
    connect(&session, "connect", &CASES[0], &["--yes"]).ok();
    assert!(session.path(".gitconfig").is_symlink() && read(&real).contains("git.x.io"));
    connect(&session, "disconnect", &CASES[0], &["--yes"]).ok();
    assert!(session.path(".gitconfig").is_symlink());
    assert_eq!(read(&real), CASES[0].text);
}

#[test]
fn a_login_stays() {
    let session = session();
    for (client, file, text) in [
        ("git", ".git-credentials", "https://me:made-up@git.x.io\n"),
        ("docker", ".docker/config.json", "{\"auths\":{\"git.x.io\":{\"auth\":\"bWFkZTp1cA==\"}}}"),
        ("claude-code", ".claude/.credentials.json", "{\"claudeAiOauth\":{}}"),
        ("aws", ".aws/credentials", "[work]\naws_access_key_id = made-up\n"),
        ("cargo", ".cargo/credentials.toml", "[registries.x]\ntoken = \"made-up\"\n"),
    ] {
        let case = CASES.iter().find(|case| case.client == client).unwrap();
        if client != "docker" {
            put(&session, case.config, case.text);
        }
        let path = put(&session, file, text);
        let config = session.path(case.config);
        let before = read(&config);
        let refused = connect(&session, "connect", case, &["--yes"]).failed("EXISTS", 73);
        assert!(!refused.stderr.contains("made-up@"), "{}", refused.stderr);
        assert_eq!((read(&config), read(&path)), (before, text.to_owned()));
        fs::remove_file(path).unwrap();
    }
}

#[test]
fn only_a_profile_that_the_client_may_get_is_connected() {
    let session = session();
    session.write(".claude.json", "{}");
    session.run(["connect", "git", "--host", "https://other.io", "--yes"]).failed("NOT_FOUND", 66);
    session.run(["connect", "git", "--profile", "openai:one", "--yes"]).failed("CONFIG", 78);
    session.run(["connect", "claude-mcp", "--yes"]).failed("NOT_FOUND", 66);
    session.run(["connect", "aws", "--yes"]).failed("USAGE", 64);
    session.run(["connect", "codex", "--profile", "none:one", "--yes"]).failed("NOT_FOUND", 66);
    session.run(["connect", "openclaw", "--name", "x"]).failed("USAGE", 64);
    let token = format!("sk-ant-oat01-{}", "made-up-".repeat(11));
    let paste = ["paste-token", "--provider", "anthropic", "--profile-id", "anthropic:plan"];
    session.feed(token, paste).ok();
    session.run(["connect", "claude-code", "--profile", "anthropic:plan", "--yes"]).failed("BAD_DATA", 65);
    assert!(!session.path(".claude/settings.json").exists());
}

#[test]
fn a_helper_is_added_only_by_a_method_and_the_profile_is_given_out_then() {
    let session = session();
    let ask = ["helper", "claude-api-key"];
    session.run(ask).failed("NOT_FOUND", 66);
    session.run(["connect", "claude-code", "--yes"]).ok();
    assert_eq!(session.run(ask).ok().stdout, format!("{KEY}-anthropic\n"));
    assert_eq!(helpers(&session, "anthropic:one"), json!(["claude-api-key"]));
    let log = session.run(["log", "--json"]).ok().stdout;
    assert!(log.contains("claude-api-key"), "{log}");
    session.run(["disconnect", "claude-code", "--yes"]).ok();
    session.run(ask).failed("NOT_FOUND", 66);
    let Some(open) = Session::kept_unlocked() else { return };
    open.feed(KEY, ["paste-api-key", "--provider", "anthropic"]).ok();
    open.run(["connect", "claude-code", "--yes"]).failed("LOCKED", 77);
    assert!(!open.path(".claude/settings.json").exists());
}

#[test]
fn dockers_helper_has_its_name_and_its_flags() {
    let session = session();
    let program = session.path(".local/bin/docker-credential-strongroom");
    session.run(["connect", "docker", "--yes"]).ok();
    assert!(program.is_symlink());
    session.run(["disconnect", "docker", "--yes"]).ok();
    session.run(["copy", "github:one", "--to-agent", "ops"]).ok();
    session.run(["connect", "docker", "--agent", "ops", "--yes"]).ok();
    assert!(read(&program).contains("--agent ops"), "{}", read(&program));
    session.run(["disconnect", "docker", "--agent", "ops", "--yes"]).ok();
    fs::write(&program, "another program").unwrap();
    session.run(["connect", "docker", "--yes"]).failed("EXISTS", 73);
    assert_eq!(read(&program), "another program");
}
