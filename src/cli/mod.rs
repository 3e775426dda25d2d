//! The command line: one thin file a verb. OpenClaw's spelling (`models auth paste-token`) and the
//! short form (`paste-token`) are one implementation.

mod access;
mod add;
mod adding;
mod api_keys;
mod argument_guard;
mod check_exit;
mod claude_token;
mod client;
mod client_flags;
mod complete;
mod completions;
mod connect;
mod connect_client;
mod connect_proxy;
mod context;
mod copy;
mod deferred;
mod details_flags;
mod disconnect;
mod doctor;
mod edit;
mod expiry_flags;
mod explain;
mod export;
mod filter_flags;
mod get;
mod global;
mod help;
mod helper;
mod history;
mod import;
mod importing;
mod in_time;
mod init;
mod key_file;
mod keys;
mod list;
mod lock;
mod log;
mod log_requests;
mod make_vault;
mod man;
mod menu;
mod migrate;
mod new_method;
mod new_vault;
mod notices;
mod onboard;
mod openclaw_found;
mod openclaw_setup;
mod order;
mod other_clients;
mod overview;
mod paste;
mod pin;
mod print_env;
mod prune;
mod recover;
mod remove;
mod rename;
mod report;
mod resolve;
mod rotate;
mod run;
mod run_proxy;
mod secret_argument;
mod secrets_flags;
mod serve;
mod session_name;
mod settings;
mod setup_token;
mod status;
mod store;
mod storing;
mod topics;
mod unlock;
mod unlock_method;
mod upstream_flags;
mod usage;
mod verbs;
mod verify;
mod watching;

use std::ffi::OsString;
use std::mem::ManuallyDrop;
use std::path::PathBuf;
use std::time::Instant;

use clap::builder::Resettable;
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser};

pub use context::Context;
pub use global::Global;

use crate::clipboard;
use crate::env::{Env, refuse_unexpanded};
use crate::error::Result;
use crate::messages::cli::arguments;
use crate::relay;
use crate::term::secret_input::Quiet;
use global::agent_of;
use verbs::{Verb, dispatch};

/// A credential vault for AI agents
#[derive(Debug, Parser)]
#[command(
    name = "strongroom",
    version,
    long_version = env!("STRONGROOM_VERSION"),
    about,
    disable_help_subcommand = true,
    arg_required_else_help = true
)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

/// Runs the command line and gives the exit status.
#[must_use]
pub fn run(arguments: &[OsString], mut env: Env) -> u8 {
    if complete::is_asked(arguments, &env) {
        return complete::run(arguments, &env);
    }
    if clipboard::is_holder(arguments) {
        return clipboard::hold();
    }
    if let Some(command) = relay::monitored(arguments) {
        return relay::monitor(command).unwrap_or_else(|failed| run_proxy::report(&env, &failed));
    }
    let by_name = helper::by_name(arguments);
    let arguments = by_name.as_deref().unwrap_or(arguments);
    let begun = Instant::now();
    env.color = global::color_of(arguments);
    let own = own(arguments);
    let json = own.iter().any(|argument| argument == "--json");
    let _quiet = quiet(own, &env);
    // Not dropped, because the process ends soon: dropping its many small parts takes a tenth of `resolve`.
    let mut command = ManuallyDrop::new(if may_show_page(own) { command() } else { unlaid() });
    let parsed = command.try_get_matches_from_mut(arguments).and_then(|matches| {
        let looked =
            argument_guard::look(&command, &matches, &env).and_then(|()| refuse_unexpanded_paths(&matches));
        Ok((Global::of(&matches)?, Cli::from_arg_matches(&matches)?, looked))
    });
    let (global, cli, looked) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return usage::report(&error, &usage::names(&command, arguments), &env, json),
    };
    let mut context = Context::new(env, global);
    // `resolve` answers the same whatever a person prefers, and the others show nothing that depends on it.
    if !matches!(cli.verb, Verb::Resolve(_) | Verb::Completions(_) | Verb::Man(_)) {
        context.read_settings();
    }
    let exit = match looked.and_then(|()| dispatch(&mut context, cli.verb)) {
        Ok(exit) => exit,
        Err(error) => context.report(&error),
    };
    context.detail(|| arguments::took(begun.elapsed().as_millis()));
    exit
}

/// Returns the arguments without those of a program that is to be run.
fn own(arguments: &[OsString]) -> &[OsString] {
    arguments.split(|argument| argument == "--").next().unwrap_or_default()
}

/// Refuses arguments that name a path in which something was left for a shell to expand. `resolve` says so in its
/// answer.
fn refuse_unexpanded_paths(matches: &ArgMatches) -> Result<()> {
    if matches.subcommand_name() == Some("resolve") {
        return Ok(());
    }
    for id in matches.ids() {
        for path in matches.try_get_many::<PathBuf>(id.as_str()).ok().flatten().into_iter().flatten() {
            let name = match id.as_str() {
                "path" => "PATH".to_owned(),
                "directory" => "DIR".to_owned(),
                flag => format!("--{}", flag.replace('_', "-")),
            };
            refuse_unexpanded(path, &name)?;
        }
    }
    match matches.subcommand() {
        Some((_, inner)) => refuse_unexpanded_paths(inner),
        None => Ok(()),
    }
}

/// Verbs that ask for a secret, and questions before it.
const ASKING: [&str; 12] = [
    "paste-token",
    "paste-api-key",
    "rotate",
    "add",
    "login",
    "setup-token",
    "onboard",
    "init",
    "import",
    "rekey",
    "export",
    "unlock",
];

/// Switches the terminal's echo off for a command that asks for a secret, before anything else: what is pasted too
/// early is not shown.
fn quiet(arguments: &[OsString], env: &Env) -> Option<Quiet> {
    let says = |word: &str| arguments.iter().skip(1).any(|argument| argument == word);
    (env.stdin_tty && ASKING.into_iter().any(says) && !says("--no-input")).then(Quiet::begin)?
}

/// The command line's definition, for completions and manual pages.
#[must_use]
pub fn command() -> clap::Command {
    help::laid_out(unlaid())
}

/// Returns the definition without the first page, because most starts do not show it.
fn unlaid() -> clap::Command {
    with_options(Cli::command().disable_help_flag(true))
}

/// Returns whether the first page may be shown, because the command line asks for help or is empty.
fn may_show_page(arguments: &[OsString]) -> bool {
    arguments.len() < 2 || arguments.iter().any(|argument| argument == "-h" || argument == "--help")
}

/// Adds the options of every command.
fn with_options(command: clap::Command) -> clap::Command {
    // What the options say of themselves takes the place of what the command says.
    let (about, long) = (command.get_about().cloned(), command.get_long_about().cloned());
    let command = Global::augment_args(command).arg(help::argument());
    command
        .about(about.map_or(Resettable::Reset, Resettable::Value))
        .long_about(long.map_or(Resettable::Reset, Resettable::Value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        command().debug_assert();
    }
}
