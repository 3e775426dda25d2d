//! The documented commands, in the order of the rows of the requirements.

use super::{
    Case, KEY, PLAIN, asked_of_main, config, config_and_subscription, cooling, dotenv, expired, expiring,
    no_vault, no_vault_but_claude, older_config, older_dotenv, ops_has_keys, pinned, shell_env,
    stand_in_for_claude, token, two_keys, two_keys_in_order,
};

pub(super) const CASES: &[Case] = &[
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
            "Unlock with [1]:  => \\r",
            "provider's name:  => 1\\r",
            "Method [1]:  => api-key\\r",
            "Profile id => \\r",
            "then Enter:  => made-up-key-9\\r",
            "this vault? => \\r",
        ]),
        says: &["Created a vault in ", "Stored anthropic:default (api_key)."],
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
            "in the process environment is used; it takes precedence over ANTHROPIC_API_KEY in ",
            "a service uses ANTHROPIC_API_KEY in ",
        ],
        ..PLAIN
    },
    Case {
        row: "S5",
        command: "models auth setup-token --provider anthropic",
        given: stand_in_for_claude,
        terminal: Some(&[]),
        says: &["Captured the token (sk-ant-oat01-…", "Stored anthropic:default (token, expires "],
        ..PLAIN
    },
    Case {
        row: "S6",
        command: "models auth paste-token --provider anthropic",
        input: token,
        says: &["Stored anthropic:manual (token, expires in 365d)."],
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
    Case { row: "S12", command: "doctor", given: two_keys, says: &["No problems found."], ..PLAIN },
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
        says: &[
            "Created a vault in ",
            "Stored anthropic:default (api_key).",
            "was given on the command line",
        ],
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
        terminal: Some(&["Unlock with [1]:  => \\r", "this vault? => \\r"]),
        says: &["Captured the token (sk-ant-oat01-…", "Stored anthropic:default (token, expires "],
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
        says: &["No API key found for provider anthropic (agent main)", "ops has one: use `--agent ops`"],
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
            "(agent main): agent ops has one, and agents do not share profiles",
            "it has no profile for it, and agents do not share profiles; agent ops has one",
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
