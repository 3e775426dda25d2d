//! The commands in OpenClaw's documentation of model authentication, typed as they are there with `strongroom` instead
//! of `openclaw`: one case each, by the row of the requirements.

mod cases;

use std::path::PathBuf;

use crate::goldens::at_terminal;
use crate::session::{Ran, Session, ran, setup_token};

/// A command as documented, in a world where it has something to do.
struct Case {
    /// The row of the requirements.
    row: &'static str,
    /// What is typed after the program's name. No argument contains a space, except the last one if it is in
    /// single quotes.
    command: &'static str,
    /// What exists before.
    given: fn(&Session),
    /// Environment variables.
    variables: &'static [(&'static str, &'static str)],
    /// The standard input.
    input: fn() -> String,
    /// At a terminal instead: which prompts appear, and what is typed.
    terminal: Option<&'static [&'static str]>,
    /// The exit status.
    exit: i32,
    /// What is printed, on standard output or standard error.
    says: &'static [&'static str],
}

fn nothing(_: &Session) {}

fn no_input() -> String {
    String::new()
}

fn token() -> String {
    setup_token("CASE")
}

fn expiring(session: &Session) {
    let arguments = ["paste-token", "--provider", "anthropic", "--expires-in", "3h"];
    session.feed(setup_token("SOON"), arguments).ok();
}

fn expired(session: &Session) {
    let arguments = ["paste-token", "--provider", "anthropic", "--expires-in", "1s"];
    session.feed(setup_token("PAST"), arguments).ok();
    // Wait until the second is over by the program's own clock.
    while session.run(["status", "--check"]).status != 1 {}
}

fn two_keys(session: &Session) {
    session.paste("anthropic:default", "made-up-key-1");
    session.paste("anthropic:work", "made-up-key-2");
}

fn two_keys_in_order(session: &Session) {
    two_keys(session);
    session.run(["order", "set", "--provider", "anthropic", "anthropic:work"]).ok();
}

fn pinned(session: &Session) {
    two_keys(session);
    session.run(["pin", "--session", "tg:42", "anthropic:work"]).ok();
}

fn no_vault(session: &Session) {
    std::fs::remove_dir_all(session.home()).unwrap();
}

fn stand_in_for_claude(session: &Session) {
    let script = format!("#!/bin/sh\necho 'Your token:'\necho '{}'\n", token());
    session.write_program("bin/claude", &script);
}

fn no_vault_but_claude(session: &Session) {
    no_vault(session);
    stand_in_for_claude(session);
}

fn ops_has_keys(session: &Session) {
    let id = "anthropic:default";
    session
        .feed(
            "made-up-key-3",
            ["paste-api-key", "--provider", "anthropic", "--profile-id", id, "--agent", "ops"],
        )
        .ok();
}

fn asked_of_main() -> String {
    r#"{"protocolVersion":1,"ids":["main/anthropic:default","providers/anthropic/apiKey"]}"#.to_owned()
}

fn client_file(session: &Session, directory: &str, name: &str, text: &str) -> PathBuf {
    std::fs::create_dir_all(session.path(directory)).unwrap();
    session.write(&format!("{directory}/{name}"), text)
}

fn dotenv(session: &Session) {
    client_file(session, ".openclaw", ".env", "ANTHROPIC_API_KEY=made-up-key-4\n");
}

fn older_dotenv(session: &Session) {
    client_file(session, ".clawdbot", ".env", "ANTHROPIC_API_KEY=made-up-key-4\n");
}

fn shell_env(session: &Session) {
    client_file(session, ".openclaw", "openclaw.json", "{ env: { shellEnv: { enabled: true } } }");
    session.write(".profile", "export ANTHROPIC_API_KEY=made-up-key-5\n");
}

const CONFIG: &str = r#"// as documented
{
  env: { ANTHROPIC_API_KEY: "made-up-key-6" },
  agents: { defaults: {
    model: { primary: "anthropic/claude-opus-4-6" },
    models: { "anthropic/claude-opus-4-6": { params: { cacheRetention: "long" } } },
  } },
}"#;

fn config(session: &Session) {
    client_file(session, ".openclaw", "openclaw.json", CONFIG);
}

fn config_and_subscription(session: &Session) {
    config(session);
    session.feed(setup_token("SUB"), ["paste-token", "--provider", "anthropic"]).ok();
}

fn older_config(session: &Session) {
    let ttl = CONFIG.replace(r#"cacheRetention: "long""#, r#"cacheControlTtl: "5m""#);
    client_file(session, ".openclaw", "openclaw.json", &ttl);
}

fn cooling(session: &Session) {
    session.paste("anthropic:default", "made-up-key-7");
    let until = 4_000_000_000_000_i64;
    let state = format!(
        r#"{{"version":1,"usageStats":{{"anthropic:default":{{"cooldownUntil":{until},"cooldownReason":"rate_limit","errorCount":3}}}}}}"#
    );
    session.write(".local/share/strongroom/agents/main/auth-state.json", state);
}

const PLAIN: Case = Case {
    row: "",
    command: "",
    given: nothing,
    variables: &[],
    input: no_input,
    terminal: None,
    exit: 0,
    says: &[],
};

const KEY: &[(&str, &str)] = &[("ANTHROPIC_API_KEY", "made-up-key-8")];

impl Case {
    fn run(&self, session: &Session) -> Ran {
        if let Some(typed) = self.terminal {
            let typed: Vec<String> = typed.iter().map(|typed| (*typed).to_owned()).collect();
            return at_terminal(session, &format!("strongroom {}", self.command), &typed);
        }
        let (command, quoted) = self.command.split_once('\'').unwrap_or((self.command, ""));
        let mut arguments: Vec<&str> = command.split_whitespace().collect();
        arguments.extend(quoted.strip_suffix('\'').filter(|quoted| !quoted.is_empty()));
        let mut command = session.command(arguments);
        command.envs(self.variables.iter().copied());
        ran(command, (self.input)().as_bytes())
    }
}

#[test]
fn every_documented_command_does_what_its_row_says() {
    let mut wrong = Vec::new();
    for case in cases::CASES {
        let session = Session::new();
        std::fs::create_dir(session.path("bin")).unwrap();
        std::os::unix::fs::symlink(crate::session::binary(), session.path("bin/strongroom")).unwrap();
        (case.given)(&session);
        let ran = case.run(&session);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        if ran.status != case.exit {
            wrong.push(format!(
                "{} `{}` exits {}, not {}:\n{said}",
                case.row, case.command, ran.status, case.exit
            ));
        }
        for text in case.says.iter().filter(|text| !said.contains(**text)) {
            wrong.push(format!("{} `{}` does not say {text:?}:\n{said}", case.row, case.command));
        }
        // No secret is in what is shown.
        assert!(
            !said.contains("made-up-") && !said.contains("EXAMPLE"),
            "{} `{}`: {said}",
            case.row,
            case.command
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
