//! The commands of OpenClaw's documentation of model authentication, typed as they stand there
//! with `strongroom` for `openclaw`: a case for each, by the row of what was asked for.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::goldens::at_terminal;
use crate::session::{Ran, Session, ran, setup_token};

/// A command as documented, in a world where it has something to do.
struct Case {
    /// The row.
    row: &'static str,
    /// What is typed behind the program's name. No argument of these has a space but the last in
    /// single quotes.
    command: &'static str,
    /// What is there before.
    given: fn(&Session),
    /// Variables.
    variables: &'static [(&'static str, &'static str)],
    /// What stands on standard input.
    input: fn() -> String,
    /// At a terminal instead: what is typed at which prompt.
    terminal: Option<&'static [&'static str]>,
    /// The exit status.
    exit: i32,
    /// What is said, on standard output or standard error.
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
    // Until the second is over by the program's own clock.
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
    let path = session.write("bin/claude", script);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).unwrap();
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

const CASES: &[Case] = &[
    Case {
        row: "S1",
        command: "models status",
        variables: KEY,
        says: &[
            "anthropic: ANTHROPIC_API_KEY in the process environment is used",
            "a service does not see it",
        ],
        ..PLAIN
    },
    Case {
        row: "S1",
        command: "import --from env",
        variables: KEY,
        says: &["add        main/anthropic:default (api_key)", "Imported 1 profile."],
        ..PLAIN
    },
    Case {
        row: "S2",
        command: "models status",
        given: dotenv,
        says: &["anthropic: ANTHROPIC_API_KEY in ", "/.openclaw/.env is used"],
        ..PLAIN
    },
    Case {
        row: "S2",
        command: "doctor",
        given: dotenv,
        says: &["sources: anthropic: ANTHROPIC_API_KEY in "],
        ..PLAIN
    },
    Case {
        row: "S2",
        command: "models status",
        given: older_dotenv,
        says: &["/.clawdbot/.env is used"],
        ..PLAIN
    },
    Case {
        row: "S3",
        command: "onboard",
        given: no_vault,
        terminal: Some(&[
            "Unlock by [1]:  => \\r",
            "provider's name:  => 1\\r",
            "Method [1]:  => api-key\\r",
            "Profile id => \\r",
            "then Enter:  => made-up-key-9\\r",
            "this vault? => \\r",
        ]),
        says: &["Made a vault in ", "Stored anthropic:default (api_key)."],
        ..PLAIN
    },
    Case {
        row: "S4",
        command: "doctor",
        given: shell_env,
        says: &["sources: anthropic: ANTHROPIC_API_KEY in the login shell is used"],
        ..PLAIN
    },
    Case {
        row: "S4",
        command: "models status",
        given: dotenv,
        variables: KEY,
        says: &[
            "in the process environment is used; it shadows ANTHROPIC_API_KEY in ",
            "a service takes ANTHROPIC_API_KEY in ",
        ],
        ..PLAIN
    },
    Case {
        row: "S5",
        command: "models auth setup-token --provider anthropic",
        given: stand_in_for_claude,
        terminal: Some(&[]),
        says: &["Took the token (sk-ant-oat01-…", "Stored anthropic:default (token, expires "],
        ..PLAIN
    },
    Case {
        row: "S6",
        command: "models auth paste-token --provider anthropic",
        input: token,
        says: &["Stored anthropic:manual (token)."],
        ..PLAIN
    },
    Case {
        row: "S7",
        command: "doctor --explain-error 'This credential is only authorized for use with Claude Code and cannot be used for other API requests.'",
        says: &["needs an API key", "models auth paste-api-key --provider anthropic"],
        ..PLAIN
    },
    Case {
        row: "S8",
        command: "models auth paste-token --provider openrouter",
        input: || "made-up-token".to_owned(),
        says: &["Stored openrouter:manual (token)."],
        ..PLAIN
    },
    Case {
        row: "S9",
        command: "models status --check",
        given: two_keys,
        says: &["anthropic: next is "],
        ..PLAIN
    },
    Case { row: "S9", command: "models status --check", exit: 1, says: &["No credentials found"], ..PLAIN },
    Case {
        row: "S9",
        command: "models status --check",
        given: expired,
        exit: 1,
        says: &["expired"],
        ..PLAIN
    },
    Case {
        row: "S9",
        command: "models status --check",
        given: expiring,
        exit: 2,
        says: &["expires in "],
        ..PLAIN
    },
    Case {
        row: "S9",
        command: "models status --check --profile anthropic:manual --expiring-within 2h",
        given: expiring,
        says: &["anthropic:manual"],
        ..PLAIN
    },
    Case {
        row: "S11",
        command: "models auth setup-token --provider anthropic",
        given: stand_in_for_claude,
        exit: 69,
        says: &["needs a person at a terminal", "paste-token --provider anthropic"],
        ..PLAIN
    },
    Case {
        row: "S11",
        command: "doctor --explain-error 'claude setup-token requires an interactive terminal'",
        says: &["needs an interactive terminal", "ssh -t", "paste-token --provider anthropic"],
        ..PLAIN
    },
    Case { row: "S12", command: "models status", given: two_keys, says: &["anthropic: next is "], ..PLAIN },
    Case { row: "S12", command: "doctor", given: two_keys, says: &["Nothing is wrong."], ..PLAIN },
    Case {
        row: "S13",
        command: "models pin --session tg:42 anthropic:work",
        given: two_keys,
        says: &["anthropic:work"],
        ..PLAIN
    },
    Case {
        row: "S13",
        command: "models pin --session tg:42 '/model opus@anthropic:work'",
        given: two_keys,
        says: &["opus", "anthropic:work"],
        ..PLAIN
    },
    Case {
        row: "S13",
        command: "models pin --session tg:42 '/model'",
        given: pinned,
        says: &["anthropic:work"],
        ..PLAIN
    },
    Case {
        row: "S13",
        command: "models pin --session tg:42 '/model list'",
        given: pinned,
        says: &["anthropic:default", "anthropic:work"],
        ..PLAIN
    },
    Case {
        row: "S13",
        command: "models pin --session tg:42 '/model status'",
        given: pinned,
        says: &["anthropic: next is anthropic:work", "pinned"],
        ..PLAIN
    },
    Case {
        row: "S14",
        command: "models auth order get --provider anthropic",
        given: two_keys_in_order,
        says: &["Agent: main", "Order override: anthropic:work"],
        ..PLAIN
    },
    Case {
        row: "S14",
        command: "models auth order set --provider anthropic anthropic:work anthropic:default",
        given: two_keys,
        says: &["Order override: anthropic:work, anthropic:default"],
        ..PLAIN
    },
    Case {
        row: "S14",
        command: "models auth order clear --provider anthropic",
        given: two_keys_in_order,
        says: &["Order override: (none"],
        ..PLAIN
    },
    Case {
        row: "S14",
        command: "models auth order set --provider anthropic --agent ops anthropic:default",
        given: ops_has_keys,
        says: &["Agent: ops", "Order override: anthropic:default"],
        ..PLAIN
    },
    Case {
        row: "S15",
        command: "models status",
        given: expired,
        says: &[
            "anthropic:manual  Token expired: run `claude setup-token` again, then strongroom rotate anthropic:manual",
        ],
        ..PLAIN
    },
    Case {
        row: "S15",
        command: "models status",
        given: expiring,
        says: &["anthropic:manual  Token expires in ", "run `claude setup-token` again"],
        ..PLAIN
    },
    Case { row: "S15", command: "models status", says: &["No credentials found for agent main."], ..PLAIN },
    Case {
        row: "S17",
        command: "onboard --anthropic-api-key made-up-key-10",
        given: no_vault,
        says: &["Made a vault in ", "Stored anthropic:default (api_key).", "stood on the command line"],
        ..PLAIN
    },
    Case {
        row: "S17",
        command: "onboard --non-interactive --anthropic-api-key env:ANTHROPIC_API_KEY",
        given: no_vault,
        variables: KEY,
        says: &["Stored anthropic:default (api_key)."],
        ..PLAIN
    },
    Case {
        row: "S17",
        command: "onboard --auth-choice setup-token",
        given: no_vault_but_claude,
        terminal: Some(&["Unlock by [1]:  => \\r", "this vault? => \\r"]),
        says: &["Took the token (sk-ant-oat01-…", "Stored anthropic:default (token, expires "],
        ..PLAIN
    },
    Case {
        row: "S17",
        command: "onboard --auth-choice setup-token",
        given: no_vault_but_claude,
        exit: 69,
        says: &["needs a person at a terminal", "paste-token --provider anthropic"],
        ..PLAIN
    },
    Case {
        row: "S18",
        command: "doctor",
        given: config,
        says: &["ANTHROPIC_API_KEY in the env block of ", "strongroom import --from env"],
        ..PLAIN
    },
    Case {
        row: "S19",
        command: "models status",
        given: config,
        says: &[
            "anthropic/claude-opus-4-6  long (1 hour), as configured; needs the beta header extended-cache-ttl-2025-04-11",
        ],
        ..PLAIN
    },
    Case {
        row: "S19",
        command: "models status",
        given: older_config,
        says: &["anthropic/claude-opus-4-6  short (5 minutes), as configured"],
        ..PLAIN
    },
    Case {
        row: "S19",
        command: "models status",
        given: config_and_subscription,
        says: &["anthropic/claude-opus-4-6  none: a subscription token ignores it"],
        ..PLAIN
    },
    Case {
        row: "S20",
        command: "doctor --explain-error 'OAuth token refresh failed for anthropic: invalid_grant'",
        says: &["could not be renewed", "`claude setup-token`", "paste-token --provider anthropic"],
        ..PLAIN
    },
    Case {
        row: "S21",
        command: "doctor --explain-error '401 authentication_error: invalid bearer token (anthropic)'",
        given: expiring,
        says: &[
            "profile \"anthropic:manual\" (agent main)",
            "`claude setup-token`",
            "strongroom rotate anthropic:manual",
        ],
        ..PLAIN
    },
    Case {
        row: "S22",
        command: "models status --provider anthropic",
        given: ops_has_keys,
        says: &["No API key found for provider anthropic (agent main)", "ops has one: use --agent ops"],
        ..PLAIN
    },
    Case {
        row: "S23",
        command: "get anthropic:default",
        given: ops_has_keys,
        exit: 66,
        says: &["No credentials found for profile \"anthropic:default\" (agent main)", "agent ops has one"],
        ..PLAIN
    },
    Case {
        row: "S23",
        command: "resolve",
        input: asked_of_main,
        given: ops_has_keys,
        says: &[
            "(agent main): agent ops has one, and agents share nothing",
            "it has no profile of it, and agents share nothing; agent ops has one",
        ],
        ..PLAIN
    },
    Case {
        row: "S24",
        command: "models status",
        given: cooling,
        says: &["No available auth profile (all in cooldown)", "wait, or add a profile"],
        ..PLAIN
    },
    Case {
        row: "S24",
        command: "models status --json",
        given: cooling,
        says: &[
            "\"unusableProfiles\": [",
            "\"kind\": \"cooldown\"",
            "\"reason\": \"rate_limit\"",
            "\"until\": 4000000000000",
        ],
        ..PLAIN
    },
];

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
    for case in CASES {
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
        // Nobody's secret is in what is shown.
        assert!(
            !said.contains("made-up-") && !said.contains("EXAMPLE"),
            "{} `{}`: {said}",
            case.row,
            case.command
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
