//! Messages about `onboard` and the client's setup.

use std::path::Path;

use strongroom_backends::shown;

use crate::error::{Code, Error};

// The vault.

/// The vault exists, and `--store` or `--unlock` was given.
pub const ONLY_NEW_VAULT: &str = "`--store` and `--unlock` apply only to a new vault; use `strongroom store move` and `strongroom unlock-method add` instead";

/// The vault exists.
pub fn existing_vault(home: &Path) -> String {
    format!("Using the existing vault in {}.", shown(home))
}

/// The vault, among the things that were made.
pub const THE_VAULT: &str = "the vault";

/// What was done before an error.
pub fn kept(what: &[String]) -> String {
    format!("created before the error, and kept: {}", what.join(", "))
}

/// The remedy for a cancelled `onboard` that already stored something.
pub const CONTINUE: &str = "run `strongroom onboard` again to continue";

// Questions and lines.

/// The head of the list of keys outside the vault.
pub const FOUND_KEYS: &str = "Found plain-text keys outside the vault:";

/// The question whether these are to be stored.
pub const STORE_THEM: &str = "Store them in the vault?";

/// The question whether there is another credential.
pub const ADD_ANOTHER: &str = "Add another credential?";

/// The question whether the client's setup is to be shown.
pub const SHOW_SETUP: &str = "Show how OpenClaw gets its secrets from this vault?";

/// The head of what comes after `onboard`.
pub const NEXT: &str = "Next:";

/// What comes next if OpenClaw has credentials in plain text.
pub const NEXT_MIGRATE: &str = "  strongroom migrate openclaw                remove OpenClaw's own credentials in plain text, and connect it";

/// What comes next if OpenClaw does not use the vault yet.
pub const NEXT_CONNECT: &str =
    "  strongroom connect openclaw                let OpenClaw get its credentials from this vault";

/// The next steps that are always shown.
pub const NEXT_STEPS: [&str; 3] = [
    "  strongroom status --check                  check that everything is usable",
    "  strongroom recovery-key > recovery.txt     keep that file off this machine: it decrypts everything if the key is lost",
    "  strongroom models auth add                 add another credential",
];

// Flags.

/// `--auth-choice` has another value.
pub fn bad_choice() -> Error {
    Error::new(Code::Usage, "invalid value for `--auth-choice`")
        .with_remedy("use one of: apiKey, token, setup-token, <provider>-api-key")
}

/// Two flags read standard input.
pub fn stdin_twice() -> Error {
    Error::new(Code::Usage, "only one of the values can be read from standard input")
        .with_remedy("give the others as `env:NAME`")
}

/// Two flags give one profile.
pub fn both_for(flag: &str, other: &str, profile: &str) -> Error {
    Error::new(Code::Usage, format!("{flag} and {other} would both be stored as {profile}"))
        .with_remedy("give the token another id with `--token-profile-id ID`")
}

/// No flag gives a credential, and there is no person to ask.
pub fn nothing_given() -> Error {
    Error::new(
        Code::Usage,
        "cannot ask for a credential: `--no-input` is set or standard input is not a terminal",
    )
    .with_remedy("give `--anthropic-api-key` or another provider's, or `--token`; each takes `-` for standard input or `env:NAME` for a variable")
}

/// `--auth-choice` needs another flag.
pub fn choice_needs(choice: &str, flag: &str) -> Error {
    Error::new(Code::Usage, format!("`--auth-choice {choice}` needs `{flag}`"))
        .with_remedy(format!("add `{flag}`, or leave out `--auth-choice`"))
}

/// The flag describes a token, but no token was given.
pub fn needs_token(flag: &str) -> Error {
    Error::new(Code::Usage, format!("`{flag}` needs `--token`"))
        .with_remedy(format!("add `--token`, or leave out `{flag}`"))
}

/// The variable of a flag has no value. A name that may be a secret is not given.
pub fn variable_not_set(flag: &str, name: Option<&str>) -> Error {
    let name = name.unwrap_or("that it names");
    Error::new(Code::NoInput, format!("{flag}: the variable {name} is unset or empty"))
        .with_remedy("set it, or use `-` and send the secret on standard input")
}

/// The secret was an argument.
pub fn secret_on_command_line(flag: &str) -> String {
    format!(
        "the secret was given on the command line ({flag}), where other users of this machine and the shell's history can read it: rotate it, and use `-` (standard input) or `env:NAME` (a variable) instead"
    )
}

/// The value of a flag is no secret. `why` follows the flag.
pub fn not_a_secret(flag: &str, why: &str) -> Error {
    Error::new(Code::Usage, format!("the value of {flag} {why}")).with_remedy(format!(
        "{CHECK_VARIABLE}; send a secret that looks like this on standard input, with `-`"
    ))
}

/// The value of a flag is empty.
pub fn empty_value(flag: &str) -> Error {
    Error::new(Code::NoInput, format!("the value of {flag} is empty")).with_remedy(CHECK_VARIABLE)
}

const CHECK_VARIABLE: &str = "check that the variable it is read from is set";

/// Flags of OpenClaw's own `onboard`; at least one.
pub fn flags_without_effect(flags: &[String]) -> String {
    let (has, it) = if flags.len() == 1 { ("has", "it") } else { ("have", "them") };
    format!("{} {has} no effect here; only OpenClaw uses {it}", flags.join(", "))
}

// The client.

/// The program cannot tell where it lies.
pub fn no_own_path() -> Error {
    Error::new(Code::Config, "could not determine the path of this program")
}

/// The configuration could not be made.
pub fn no_config() -> Error {
    Error::new(Code::Config, "could not write OpenClaw's configuration as JSON")
}

/// Where the configuration belongs.
pub fn merge_into(config: &Path) -> String {
    format!("Merge this into {}:", shown(config))
}

/// How the index gets to the client: the command that copies it, and both paths.
pub fn copy_index(install: &str, index: &Path, target: &Path) -> String {
    format!(
        "Copy the index to where OpenClaw up to 2026.6.1 reads it, again after each profile that you add, rename or remove:\n  {install} {} {}\nThen run `openclaw secrets reload` (see `strongroom help openclaw`)",
        shown(index),
        shown(target),
    )
}

/// The copy replaces a file.
pub const REPLACES_FILE: &str =
    "This replaces an existing file: first import what only that file holds, with `strongroom import`.";

/// The client cannot type a passphrase.
pub const ONLY_PASSPHRASE: &str = "only a passphrase unlocks this vault, and OpenClaw cannot answer a prompt; run `strongroom unlock-method add key-file`";

/// Parts of the client's configuration could not be read.
pub fn without_parts(which: &str) -> String {
    format!("{which}; selection continues without them")
}

/// The client's configuration could not be read, and what to do.
pub fn without_config(error: &Error) -> String {
    format!("{}; selection continues without it; {}", error.what(), error.remedy())
}

/// The client's run-time state could not be read.
pub fn without_state(error: &Error) -> String {
    format!("{}; selection continues without it", error.what())
}
