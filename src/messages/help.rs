//! The words of `--help`, `strongroom help` and the manual pages.

/// The commands by subject, under `strongroom --help`. A test holds the names against the commands.
pub const COMMANDS: &str = "\
Start:
  onboard          Create a vault and store a first credential
  init, recover    Create a vault; rebuild one with its recovery key

Credentials:
  paste-token      Store a token (setup-token or bearer token)
  paste-api-key    Store an API key
  setup-token      Run `claude setup-token` and store its token
  list, get        List the profiles; print the secret of one
  rotate, edit     Replace the secret of a profile; change what else it has
  rename, copy, remove    Rename, copy to another agent, or remove a profile
  history, undo, forget   Show earlier versions; bring one back; remove them
  order, pin       Choose the profile that is used first, or for one session
  store, settings  Move profiles between stores; show or change defaults

Health:
  status           Show which credentials are usable, and which is used next
  report, log      Record whether a request succeeded; show what was changed
  doctor, verify   Find and fix problems; check every profile

Other machines and programs:
  import, export   Import credentials; write an encrypted bundle
  recipient        Print this vault's recipient, for others to export to
  connect, disconnect     Let OpenClaw, git, Claude Code, … ask here; undo it
  migrate          Move OpenClaw's plaintext into the vault, and remove it there
  run, env         Run a program with secrets, masked in its output; print them
  resolve, helper  Answer OpenClaw's exec protocol; answer git, docker, Codex, …
  serve, access    Send clients' requests with the vault's keys; say who may ask
  models           The same commands in OpenClaw's spelling

Keys:
  unlock, lock, unlock-method    Unlock for a while; lock; ways to unlock
  rekey            Create a new vault key and encrypt every profile again
  recovery-key     Print the key that opens this vault without Strongroom
  completions, man, help   Shell completions, manual pages, help on a topic";

/// The commands by subject, under `strongroom models auth --help`. A test holds the names against the commands.
pub const AUTH_COMMANDS: &str = "\
Add:
  add              Add a credential; asks for the provider and the method
  login            Sign in, as far as that is possible without a browser
  setup-token      Run `claude setup-token` and store its token
  paste-token      Store a token (setup-token or bearer token)
  paste-api-key    Store an API key

Use:
  list             List the profiles, without unlocking the vault
  get              Print the secret of a profile
  order            Choose the profile of a provider that is used first

Change:
  rotate           Replace the secret of a profile
  edit             Change what a profile has apart from its secret
  rename           Rename a profile
  copy             Copy a profile to another agent
  remove           Remove a profile
  history          Show the versions of a profile
  undo             Bring back the version before, or a removed profile
  forget           Remove the earlier versions for good
  logout           Remove a profile (OpenClaw's name for it)";

/// The options of every command, in a line under the help of each.
pub const OPTIONS: &str =
    "Options of every command (--home, --agent, --json, --no-input, …): `strongroom help options`";

/// What `strongroom help options` says first.
pub const OPTIONS_ABOUT: &str =
    "These options may stand before or after the name of any command. A flag wins over its variable.";

/// Examples of each command, by its names, that can be pasted. A test parses each.
pub const EXAMPLES: &[(&str, &[&str])] = &[
    ("", &["strongroom paste-token --provider anthropic"]),
    ("init", &["strongroom init", "strongroom init --store file --unlock key-file"]),
    ("onboard", &["strongroom onboard", "strongroom onboard --anthropic-api-key - < key.txt"]),
    ("recover", &["strongroom recover --recovery-key recovery.txt"]),
    ("paste-token", &["strongroom paste-token --provider anthropic --expires-in 365d"]),
    ("paste-api-key", &["strongroom paste-api-key --provider openai --profile-id openai:work"]),
    ("setup-token", &["strongroom setup-token"]),
    ("list", &["strongroom list --provider anthropic"]),
    ("get", &["strongroom get anthropic:work --copy", "strongroom get anthropic:work --reveal"]),
    ("rotate", &["strongroom rotate anthropic:work"]),
    (
        "edit",
        &[
            "strongroom edit anthropic:work --expires-in 365d",
            "strongroom edit azure:work --host https://made-up.openai.azure.com",
        ],
    ),
    ("rename", &["strongroom rename anthropic:manual anthropic:work"]),
    (
        "connect",
        &[
            "strongroom connect openclaw --dry-run",
            "strongroom connect git --host https://github.com",
            "strongroom connect claude-code --proxy",
        ],
    ),
    ("disconnect", &["strongroom disconnect git"]),
    ("migrate", &["strongroom migrate openclaw --dry-run", "strongroom migrate openclaw"]),
    ("copy", &["strongroom copy anthropic:work --to-agent ops"]),
    ("remove", &["strongroom remove anthropic:old"]),
    ("history", &["strongroom history anthropic:work"]),
    ("undo", &["strongroom undo anthropic:work"]),
    ("forget", &["strongroom forget anthropic:work"]),
    ("logout", &["strongroom models auth logout anthropic:old"]),
    ("add", &["strongroom models auth add"]),
    ("login", &["strongroom models auth login --provider anthropic"]),
    ("order", &["strongroom order set --provider anthropic anthropic:work anthropic:home"]),
    ("order get", &["strongroom order get --provider anthropic"]),
    ("order set", &["strongroom order set --provider anthropic anthropic:work anthropic:home"]),
    ("order clear", &["strongroom order clear --provider anthropic"]),
    (
        "pin",
        &[
            "strongroom pin --session telegram:42 anthropic:work",
            "strongroom pin --session telegram:42 --clear",
        ],
    ),
    ("store", &["strongroom store move --to keychain"]),
    ("store move", &["strongroom store move --to keychain"]),
    ("store prune", &["strongroom store prune --dry-run"]),
    ("settings", &["strongroom settings list", "strongroom settings set default-agent work"]),
    ("settings list", &["strongroom settings list"]),
    ("settings get", &["strongroom settings get default-store"]),
    ("settings set", &["strongroom settings set history-days 90"]),
    ("settings unset", &["strongroom settings unset time-zone"]),
    ("status", &["strongroom status", "strongroom status --check && echo usable"]),
    ("report", &["strongroom report anthropic:work --failure rate_limit"]),
    ("doctor", &["strongroom doctor", "strongroom doctor --repair"]),
    ("verify", &["strongroom verify"]),
    ("log", &["strongroom log --since 7d"]),
    ("import", &["strongroom import ~/.openclaw/agents/main/agent/auth-profiles.json --dry-run"]),
    (
        "export",
        &["strongroom export --to age1… --out bundle.age", "strongroom export --passphrase --out bundle.age"],
    ),
    ("recipient", &["strongroom recipient"]),
    ("resolve", &["strongroom resolve < request.json"]),
    ("helper", &["strongroom helper git get < request", "strongroom helper claude-api-key anthropic:work"]),
    ("helper git", &["strongroom helper git get < request"]),
    ("helper docker", &["strongroom helper docker list"]),
    ("helper cargo", &["strongroom helper cargo crates-io:work"]),
    ("helper kubectl", &["strongroom helper kubectl cluster:work"]),
    ("helper aws", &["strongroom helper aws aws:work"]),
    ("helper claude-api-key", &["strongroom helper claude-api-key anthropic:work"]),
    ("helper claude-mcp-headers", &["strongroom helper claude-mcp-headers"]),
    ("helper codex", &["strongroom helper codex --provider openai"]),
    ("helper hermes", &["strongroom helper hermes"]),
    (
        "run",
        &[
            "strongroom run --provider anthropic -- claude",
            "strongroom run --proxy --provider anthropic -- claude",
            "strongroom run --env DEPLOY_KEY=openai:work -- ./deploy",
            "strongroom run --env-file .env --profile openai:work -- npm test",
        ],
    ),
    ("serve", &["strongroom serve", "strongroom serve --agent ops --listen 127.0.0.1:7788 --ttl 8h"]),
    ("access", &["strongroom access add builder --provider anthropic", "strongroom access list"]),
    ("access add", &["strongroom access add ci --profile anthropic:ci --expires-in 30d --per-minute 60"]),
    ("access list", &["strongroom access list"]),
    ("access remove", &["strongroom access remove ci"]),
    ("env", &["strongroom env --provider openai --shell dotenv > key.env", "strongroom env allow .env"]),
    ("env allow", &["strongroom env allow .env"]),
    ("env list", &["strongroom env list"]),
    ("env forget", &["strongroom env forget .env"]),
    (
        "models",
        &["strongroom models status --check", "strongroom models auth paste-token --provider anthropic"],
    ),
    ("auth", &["strongroom models auth paste-token --provider anthropic"]),
    ("unlock", &["strongroom unlock --ttl 8h"]),
    ("lock", &["strongroom lock"]),
    ("unlock-method", &["strongroom unlock-method list"]),
    ("unlock-method list", &["strongroom unlock-method list"]),
    ("unlock-method add", &["strongroom unlock-method add passphrase"]),
    ("unlock-method remove", &["strongroom unlock-method remove passphrase"]),
    ("rekey", &["strongroom rekey"]),
    ("recovery-key", &["strongroom recovery-key > recovery.txt"]),
    (
        "completions",
        &[
            "strongroom completions bash > ~/.local/share/bash-completion/completions/strongroom",
            "strongroom completions zsh > ~/.zfunc/_strongroom",
            "strongroom completions fish > ~/.config/fish/completions/strongroom.fish",
        ],
    ),
    ("man", &["strongroom man ~/.local/share/man/man1"]),
    ("help", &["strongroom help backups", "strongroom help WRONG_KEY", "strongroom help topics"]),
];

/// What `completions` says of itself.
pub const COMPLETIONS: &str = "\
Print the completions for a shell

In bash, zsh and fish, commands and options are completed, and also the vault's profiles, agents,
providers and unlock methods. The vault is not unlocked for that. The examples write each script to
the file in which its shell looks for it; create the directory first.

Bash uses that file if the package bash-completion is installed. If it is not, put this line into
~/.bashrc: source <(strongroom completions bash)
Zsh uses that file if ~/.zshrc says this before compinit: fpath=(~/.zfunc $fpath)";

/// Returns where the person at a terminal on which a script was printed finds what to do with it.
#[must_use]
pub fn completions_belong_in(shell: &str) -> String {
    format!("The comment at the top of the script says where {shell} looks for it.")
}

/// Returns the examples of a command by its names, without `strongroom`, and without `models auth`.
#[must_use]
pub fn examples(names: &str) -> &'static [&'static str] {
    EXAMPLES.iter().find(|(of, _)| *of == names).map_or(&[], |(_, lines)| lines)
}

/// What the exit statuses of every command mean: the number, and the errors that have it.
pub const EXIT_STATUS: &[(&str, &str)] = &[
    ("0", "The command succeeded."),
    ("1", "`status --check`: no usable credential, or one that expired."),
    ("2", "`status --check`: a credential expires soon."),
    ("64", "The command line is wrong."),
    (
        "65",
        "An input, a file or a profile is damaged, too large or expired; `verify` or `doctor` found something.",
    ),
    ("66", "A profile, a vault or a file does not exist."),
    ("69", "A keychain, the kernel's keyring or a terminal is not available, or a deadline passed."),
    ("70", "A bug in Strongroom."),
    ("71", "The system has no memory or no thread left."),
    ("73", "What would be created exists already."),
    ("74", "A file could not be read or written, or the disk is full."),
    ("75", "Another command held the lock, or changed the same profile. Try again."),
    (
        "77",
        "The vault is locked, or the key is wrong; `run`: a secret could not be read, nothing was started.",
    ),
    ("78", "A file or directory is not safe: others could read or change it."),
    ("130", "You cancelled the command."),
];

/// The files of a vault, for manual pages.
pub const FILES: &[(&str, &str)] = &[
    (
        "~/.local/share/strongroom",
        "The vault's home: the index of each agent (auth-profiles.json) and the encrypted profiles.",
    ),
    (
        "~/.config/strongroom/key",
        "The key file that unlocks the vault, unless another method does. Never back it up with the home.",
    ),
    (
        "~/.local/state/strongroom",
        "What this machine remembers of each vault, so that an older copy is noticed.",
    ),
];

/// The variables that every command reads, for manual pages.
pub const ENVIRONMENT: &[(&str, &str)] = &[
    ("STRONGROOM_HOME", "The vault's home."),
    ("STRONGROOM_AGENT", "The agent whose profiles are used."),
    ("STRONGROOM_KEY_FILE", "A file with the key that unlocks the vault."),
    ("STRONGROOM_PASSPHRASE_FILE", "A file with the passphrase that unlocks the vault."),
    ("STRONGROOM_ANCHOR", "The directory in which this machine remembers each vault."),
    ("CREDENTIALS_DIRECTORY", "Where systemd puts the credentials strongroom-key and strongroom-passphrase."),
    ("NO_COLOR", "If it is set, no colour is used."),
    ("TZ", "The time zone in which times are shown."),
];
