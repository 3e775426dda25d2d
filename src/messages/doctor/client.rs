//! Messages about what `doctor` finds of OpenClaw. `names` and `ids` are joined.

use std::fmt::Display;
use std::path::Path;

use strongroom_backends::shown;

use super::{FindingCode, Problem};
use crate::term::escape::shell_path;
use crate::time::span;

const MIGRATE: &str = "run `strongroom migrate openclaw`";

/// The client has stores without plaintext.
pub const NOTHING_PLAIN: &str = "OpenClaw's own stores contain no API key or token in plain text";

/// What a file holds that is not known by a name.
pub const SOMETHING_SECRET: &str = "something with the form of a secret";

/// Joins names. `more` are left out.
pub fn joined(names: &[String], more: usize) -> String {
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{rest}", names.join(", "))
}

/// A store contains credentials in plain text.
pub fn plain(path: &Path, names: &str) -> Problem {
    Problem::coded(
        FindingCode::Plaintext,
        format!("OpenClaw keeps these in plain text in {}: {names}", shown(path)),
        format!("{MIGRATE}, which stores them encrypted and lets OpenClaw use references"),
    )
}

/// A copy of one of the client's files contains credentials in plain text.
pub fn plaintext_left(path: &Path, names: &str) -> Problem {
    Problem::coded(
        FindingCode::PlaintextLeft,
        format!("{} is a copy that still has these in plain text: {names}", shown(path)),
        format!("{MIGRATE}, which takes them in and names what can then be deleted"),
    )
}

/// The client's `.env` contains keys in plain text.
pub fn dotenv(path: &Path, names: &str) -> Problem {
    Problem::coded(
        FindingCode::Dotenv,
        format!("{} has these in plain text: {names}", shown(path)),
        format!(
            "{MIGRATE}, or store them with `strongroom import {}` and remove them there",
            shell_path(path)
        ),
    )
}

/// A file of an older version, of an agent, would stop a newer one.
pub fn stops_newer(path: &Path, agent: impl Display) -> Problem {
    Problem::coded(
        FindingCode::MigrationRequired,
        format!(
            "OpenClaw from 2026.6.5 on keeps its profiles in SQLite, and stops if it finds {} before it has migrated (AUTH_PROFILE_MIGRATION_REQUIRED)",
            shown(path)
        ),
        move_away(path, agent),
    )
}

/// A file of an older version, of an agent, is no longer used.
pub fn old_store(path: &Path, agent: impl Display) -> Problem {
    Problem::coded(
        FindingCode::OldStore,
        format!("OpenClaw from 2026.6.5 on keeps its profiles in SQLite and no longer uses {}", shown(path)),
        move_away(path, agent),
    )
}

fn move_away(path: &Path, agent: impl Display) -> String {
    format!(
        "if `strongroom import {0} --dry-run` shows nothing to add, move it away: `mv -n {0} ~/auth-profiles-{agent}.json`",
        shell_path(path)
    )
}

/// Profiles of an agent that refer to a secret hide plain text in another store.
pub fn hides_plaintext(own: &Path, other: &Path, ids: &str) -> Problem {
    Problem::coded(
        FindingCode::Shadowed,
        format!(
            "{} has references that hide plain text in {}, which OpenClaw uses again if the references are removed: {ids}",
            shown(own),
            shown(other)
        ),
        format!("{MIGRATE}, which removes the plain text too"),
    )
}

/// Profiles of an agent in plain text hide references in another store.
pub fn hides_reference(own: &Path, other: &Path, ids: &str) -> Problem {
    Problem::coded(
        FindingCode::Shadowed,
        format!(
            "{} has plain text that hides references in {}, so OpenClaw does not ask for them: {ids}",
            shown(own),
            shown(other)
        ),
        MIGRATE,
    )
}

/// Profiles of an agent hide others with the same id.
pub fn hides(own: &Path, other: &Path, ids: &str) -> Problem {
    Problem::coded(
        FindingCode::Shadowed,
        format!("two stores differ in {ids}: OpenClaw uses {} and not {}", shown(own), shown(other)),
        "check that the first one is right: `openclaw models status` shows which profile is used",
    )
}

/// A lock was left by a process that is gone.
pub fn stale_lock(path: &Path, pid: Option<i32>) -> String {
    let by = pid.map(|pid| format!(" by process {pid}, which is gone")).unwrap_or_default();
    format!("{} was left{by}; OpenClaw and Strongroom take it over", shown(path))
}

/// A lock has been held for long, in milliseconds.
pub fn old_lock(path: &Path, pid: Option<i32>, age: i64) -> Problem {
    let by = pid.map(|pid| format!(" by process {pid}")).unwrap_or_default();
    let look = match pid {
        Some(pid) => format!("see what that process does: `ps -fp {pid}`"),
        None => "see whether OpenClaw is running: `pgrep -af openclaw`".to_owned(),
    };
    Problem::coded(
        FindingCode::StaleLock,
        format!(
            "{} has been held{by} for {}; OpenClaw cannot save changes until it is released",
            shown(path),
            span(age)
        ),
        look,
    )
}

/// Others can read a file.
pub fn readable_by_others(path: &Path) -> Problem {
    Problem::coded(
        FindingCode::Exposed,
        format!("other users can read {}", shown(path)),
        format!("make it private: `chmod 600 {}`", shell_path(path)),
    )
}

/// A store refers to profiles that the vault does not have. Without a vault, it refers to none that there is.
pub fn unresolved(path: &Path, ids: &str, has_vault: bool) -> Problem {
    let (lacks, remedy) = if has_vault {
        (
            "the vault does not have",
            "run `strongroom connect openclaw`, which brings OpenClaw's file up to date; or bring a profile back with `strongroom undo ID`",
        )
    } else {
        (
            "cannot be found, because there is no vault here",
            "name the vault's home with `--home DIR`, or create a vault: `strongroom onboard`",
        )
    };
    Problem::coded(
        FindingCode::UnresolvedRef,
        format!("{} refers to profiles that {lacks}: {ids}", shown(path)),
        remedy,
    )
}

/// Profiles refer to a secret provider that the client's configuration does not have. A name that may be a secret is not
/// given.
pub fn unknown_provider(path: &Path, ids: &str, provider: Option<&str>, config: &Path) -> Problem {
    let provider =
        provider.map_or_else(|| "a secret provider".to_owned(), |name| format!("the secret provider {name}"));
    Problem::coded(
        FindingCode::UnknownProvider,
        format!("{} refers to {provider}, which {} does not have: {ids}", shown(path), shown(config)),
        "connect this vault with `strongroom connect openclaw`, or add that provider to `secrets.providers`",
    )
}

/// The client's copy of the index is not as the vault would write it.
pub fn stale_index(path: &Path, missing: Option<&str>, outdated: Option<&str>) -> Problem {
    let missing = missing.map(|ids| format!("it lacks {ids}"));
    let outdated = outdated.map(|ids| format!("it has older entries of {ids}"));
    let differs: Vec<_> = missing.into_iter().chain(outdated).collect();
    Problem::coded(
        FindingCode::StaleIndex,
        format!("{} is older than the vault's index: {}", shown(path), differs.join("; ")),
        "run `strongroom connect openclaw`, which brings it up to date",
    )
}

/// The client would not run the program that its configuration names. `why` follows it.
pub fn resolver_refused(program: &Path, why: &str) -> Problem {
    Problem::coded(
        FindingCode::ResolverRefused,
        format!("OpenClaw refuses to run {}, which its configuration names: it {why}", shown(program)),
        "run `strongroom connect openclaw`, which names a program that OpenClaw accepts",
    )
}

/// The client's service has no key for the vault. `methods` are those of the vault, joined; `by_key` is whether one of them
/// needs a key rather than a person.
pub fn no_key_at_boot(unit: &Path, methods: &str, by_key: bool) -> Problem {
    let remedy = if by_key {
        "put the key file back in its place, or give the unit the key as a systemd credential: `strongroom help systemd`"
    } else {
        "add a key that needs no session: `strongroom unlock-method add key-file`, or a systemd credential (`strongroom help systemd`)"
    };
    Problem::coded(
        FindingCode::NoKeyAtBoot,
        format!(
            "{} starts OpenClaw without anything that unlocks the vault (unlock methods: {methods})",
            shown(unit)
        ),
        remedy,
    )
}

/// The client's service has a key for the vault, but the client does not pass on the variable that leads to it.
pub fn key_not_passed_on(unit: &Path, variable: &str) -> Problem {
    Problem::coded(
        FindingCode::NoKeyAtBoot,
        format!("{} has a key for the vault, but OpenClaw does not pass on {variable}", shown(unit)),
        format!("add `\"{variable}\"` to `secrets.providers.strongroom.passEnv` in OpenClaw's configuration"),
    )
}

/// A store contains sign-ins.
pub fn sign_ins(path: &Path, names: &str) -> String {
    format!("OpenClaw keeps and renews these sign-ins itself, in plain text in {}: {names}", shown(path))
}

/// A database contains named values in plain text.
pub fn named_values(path: &Path, names: &str) -> String {
    format!("`openclaw secrets store` keeps these in plain text in {}: {names}", shown(path))
}
