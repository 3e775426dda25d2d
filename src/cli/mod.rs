//! The command line: one thin file a verb. OpenClaw's spelling (`models auth paste-token`) and the
//! short form (`paste-token`) are one implementation.

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
mod secret_argument;
mod secrets_flags;
mod session_name;
mod settings;
mod setup_token;
mod status;
mod store;
mod storing;
mod topics;
mod unlock;
mod unlock_method;
mod usage;
mod verify;
mod watching;

use std::ffi::OsString;
use std::mem::ManuallyDrop;
use std::path::PathBuf;
use std::time::Instant;

use clap::builder::Resettable;
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand};

pub use context::Context;
pub use global::Global;

use crate::clipboard;
use crate::env::{Env, refuse_unexpanded};
use crate::error::Result;
use crate::harden;
use crate::messages::cli::arguments;
use crate::relay;
use crate::term::secret_input::Quiet;
use deferred::Lazy;
use global::agent_of;

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

#[derive(Debug, Subcommand)]
enum Verb {
    Init(Lazy<init::Init>),
    Onboard(Lazy<onboard::Onboard>),
    Recover(Lazy<recover::Recover>),
    #[command(flatten)]
    Auth(AuthVerb),
    Status(Lazy<status::Status>),
    Report(Lazy<report::Report>),
    Pin(Lazy<pin::Pin>),
    Doctor(Lazy<doctor::Doctor>),
    Verify(Lazy<verify::Verify>),
    Log(Lazy<log::Log>),
    Import(Lazy<import::Import>),
    Export(Lazy<export::Export>),
    Store(Lazy<store::Store>),
    Settings(Lazy<settings::Settings>),
    Recipient(Lazy<keys::Recipient>),
    Connect(Lazy<connect::Connect>),
    Disconnect(Lazy<disconnect::Disconnect>),
    Migrate(Lazy<migrate::Migrate>),
    Resolve(Lazy<resolve::Resolve>),
    Run(Lazy<run::Run>),
    Env(Lazy<print_env::PrintEnv>),
    Helper(Lazy<helper::Helper>),
    Unlock(Lazy<unlock::Unlock>),
    Lock(Lazy<lock::Lock>),
    UnlockMethod(Lazy<unlock_method::UnlockMethod>),
    Rekey(Lazy<keys::Rekey>),
    RecoveryKey(Lazy<keys::RecoveryKey>),
    Completions(Lazy<completions::Completions>),
    Man(Lazy<completions::Man>),
    Help(Lazy<topics::Help>),
    Models(Lazy<Models>),
}

/// Verbs that stand at the top and under `models auth`.
#[derive(Debug, Subcommand)]
enum AuthVerb {
    /// Store a token (setup-token or bearer token)
    PasteToken(Lazy<paste::Paste>),
    /// Store an API key
    PasteApiKey(Lazy<paste::Paste>),
    SetupToken(Lazy<setup_token::SetupToken>),
    List(Lazy<list::List>),
    Get(Lazy<get::Get>),
    Rotate(Lazy<rotate::Rotate>),
    Edit(Lazy<edit::EditArgs>),
    Rename(Lazy<rename::Rename>),
    Copy(Lazy<copy::Copy>),
    Remove(Lazy<remove::Remove>),
    History(Lazy<history::History>),
    Undo(Lazy<history::Undo>),
    Forget(Lazy<history::Forget>),
    Order(Lazy<order::Order>),
}

/// The same commands in OpenClaw's spelling
#[derive(Debug, Args)]
#[command(disable_help_subcommand = true, arg_required_else_help = true)]
struct Models {
    #[command(subcommand)]
    verb: ModelsVerb,
}

#[derive(Debug, Subcommand)]
enum ModelsVerb {
    /// Add, use and change credentials
    Auth(Lazy<Auth>),
    /// Show which credentials are usable, and which is used next
    Status(Lazy<status::Status>),
    /// Record whether a request succeeded or failed
    Report(Lazy<report::Report>),
    /// Choose the profile for one session
    Pin(Lazy<pin::Pin>),
}

#[derive(Debug, Args)]
#[command(disable_help_subcommand = true, arg_required_else_help = true)]
struct Auth {
    #[command(subcommand)]
    verb: ModelsAuthVerb,
}

/// Verbs under `models auth`: those at the top, and OpenClaw's own names for some.
#[derive(Debug, Subcommand)]
enum ModelsAuthVerb {
    Add(Lazy<add::Add>),
    Login(Lazy<add::Login>),
    /// Remove a profile (OpenClaw's name for it)
    Logout(Lazy<remove::Remove>),
    #[command(flatten)]
    Auth(AuthVerb),
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
        return relay::monitor(command).unwrap_or_else(|failed| run::report(&env, &failed));
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

fn dispatch(context: &mut Context, verb: Verb) -> Result<u8> {
    if !starts_programs(&verb) {
        harden::no_new_privileges();
    }
    match verb {
        Verb::Init(args) => init::run(context, &args),
        Verb::Onboard(args) => onboard::run(context, &args),
        Verb::Recover(args) => recover::run(context, &args),
        Verb::Auth(verb) => dispatch_auth(context, verb),
        Verb::Models(models) => match models.into_inner().verb {
            ModelsVerb::Auth(auth) => match auth.into_inner().verb {
                ModelsAuthVerb::Add(args) => add::run(context, &args),
                ModelsAuthVerb::Login(args) => add::login(context, &args),
                ModelsAuthVerb::Logout(args) => remove::run(context, &args),
                ModelsAuthVerb::Auth(verb) => dispatch_auth(context, verb),
            },
            ModelsVerb::Status(args) => status::run(context, &args),
            ModelsVerb::Report(args) => report::run(context, &args),
            ModelsVerb::Pin(args) => pin::run(context, &args),
        },
        Verb::Status(args) => status::run(context, &args),
        Verb::Report(args) => report::run(context, &args),
        Verb::Pin(args) => pin::run(context, &args),
        Verb::Doctor(args) => doctor::run(context, &args),
        Verb::Verify(args) => verify::run(context, &args),
        Verb::Log(args) => log::run(context, &args),
        Verb::Import(args) => import::run(context, &args),
        Verb::Export(args) => export::run(context, &args),
        Verb::Store(args) => store::run(context, &args),
        Verb::Settings(args) => settings::run(context, &args),
        Verb::Recipient(args) => keys::recipient(context, &args),
        Verb::Connect(args) => connect::run(context, &args),
        Verb::Disconnect(args) => disconnect::run(context, &args),
        Verb::Migrate(args) => migrate::run(context, &args),
        Verb::Resolve(args) => Ok(resolve::run(context, &args)),
        Verb::Run(args) => run::run(context, &args),
        Verb::Env(args) => print_env::run(context, &args),
        Verb::Helper(args) => helper::run(context, &args),
        Verb::Unlock(args) => unlock::run(context, &args),
        Verb::Lock(args) => lock::run(context, &args),
        Verb::UnlockMethod(args) => unlock_method::run(context, &args),
        Verb::Rekey(args) => keys::rekey(context, &args),
        Verb::RecoveryKey(args) => keys::recovery_key(context, &args),
        Verb::Completions(args) => completions::run(context, &args),
        Verb::Man(args) => completions::write_man(context, &args),
        Verb::Help(args) => topics::run(context, &args),
    }
}

/// Whether a verb may start another program: `claude`, `openclaw`, or the login shell, which may have to gain rights (`sudo`, a
/// `claude` in a sandbox that is set-user-id).
fn starts_programs(verb: &Verb) -> bool {
    match verb {
        Verb::Init(_)
        | Verb::Recover(_)
        | Verb::Report(_)
        | Verb::Pin(_)
        | Verb::Verify(_)
        | Verb::Log(_)
        | Verb::Export(_)
        | Verb::Store(_)
        | Verb::Settings(_)
        | Verb::Recipient(_)
        | Verb::Disconnect(_)
        | Verb::Resolve(_)
        | Verb::Env(_)
        | Verb::Helper(_)
        | Verb::Unlock(_)
        | Verb::Lock(_)
        | Verb::UnlockMethod(_)
        | Verb::Rekey(_)
        | Verb::RecoveryKey(_)
        | Verb::Completions(_)
        | Verb::Man(_)
        | Verb::Help(_) => false,
        Verb::Auth(verb) => matches!(verb, AuthVerb::SetupToken(_)),
        // Those that look for keys in the login shell's variables, and those that offer `setup-token`.
        Verb::Connect(_)
        | Verb::Migrate(_)
        | Verb::Run(_)
        | Verb::Status(_)
        | Verb::Doctor(_)
        | Verb::Import(_)
        | Verb::Onboard(_)
        | Verb::Models(_) => true,
    }
}

fn dispatch_auth(context: &mut Context, verb: AuthVerb) -> Result<u8> {
    use crate::vault::credential::CredentialType;
    match verb {
        AuthVerb::PasteToken(args) => paste::run(context, &args, CredentialType::Token),
        AuthVerb::PasteApiKey(args) => paste::run(context, &args, CredentialType::ApiKey),
        AuthVerb::SetupToken(args) => setup_token::run(context, &args),
        AuthVerb::List(args) => list::run(context, &args),
        AuthVerb::Get(args) => get::run(context, &args),
        AuthVerb::Rotate(args) => rotate::run(context, &args),
        AuthVerb::Edit(args) => edit::run(context, &args),
        AuthVerb::Copy(args) => copy::run(context, &args),
        AuthVerb::Rename(args) => rename::run(context, &args),
        AuthVerb::Remove(args) => remove::run(context, &args),
        AuthVerb::History(args) => history::run(context, &args),
        AuthVerb::Undo(args) => history::undo(context, &args),
        AuthVerb::Forget(args) => history::forget(context, &args),
        AuthVerb::Order(args) => order::run(context, &args),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        command().debug_assert();
    }
}
