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
mod completions;
mod context;
mod deferred;
mod doctor;
mod expiry_flags;
mod explain;
mod export;
mod get;
mod help;
mod import;
mod importing;
mod index_warnings;
mod init;
mod key_file;
mod keys;
mod list;
mod lock;
mod log;
mod make_vault;
mod menu;
mod new_method;
mod new_vault;
mod notices;
mod onboard;
mod openclaw_setup;
mod order;
mod overview;
mod paste;
mod pin;
mod prune;
mod recover;
mod remove;
mod rename;
mod report;
mod resolve;
mod rotate;
mod secret_argument;
mod session_name;
mod setup_token;
mod status;
mod store;
mod storing;
mod unlock;
mod unlock_method;
mod usage;
mod verify;
mod watching;

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::Resettable;
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand};

pub use context::Context;

use crate::env::{Env, refuse_unexpanded};
use crate::error::Result;
use crate::harden;
use crate::looks::instead;
use crate::term::secret_input::Quiet;
use crate::time::parse_duration;
use crate::vault::id::AgentName;
use deferred::Lazy;

/// Keeps the credentials of AI agents sealed, and an index of references beside them.
#[derive(Debug, Parser)]
#[command(name = "strongroom", version, about, disable_help_subcommand = true, after_help = help::VERBS)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

/// Options of every verb.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Global {
    /// The vault's home [env: STRONGROOM_HOME]
    #[arg(long, value_name = "DIR")]
    home: Option<PathBuf>,
    /// The agent whose profiles are meant [env: STRONGROOM_AGENT] [default: main]
    #[arg(long, value_name = "A")]
    agent: Option<String>,
    /// Print one JSON document for programs
    #[arg(long)]
    json: bool,
    /// Unlock with the key in this file [env: STRONGROOM_KEY_FILE]
    #[arg(long, value_name = "F")]
    key_file: Option<PathBuf>,
    /// Unlock with the passphrase in this file [env: STRONGROOM_PASSPHRASE_FILE]
    #[arg(long, value_name = "F")]
    passphrase_file: Option<PathBuf>,
    /// Unlock with the passphrase on this file descriptor
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(i32).range(0..))]
    passphrase_fd: Option<i32>,
    /// Never ask; what would ask fails instead (so without a terminal)
    #[arg(long)]
    no_input: bool,
    /// How long to wait for another command that is writing: 30s, 300ms [default: 30s]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    lock_timeout: Option<Duration>,
    /// How long to wait in all for a keychain that does not answer: 3s, 300ms [default: 3s]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    keychain_timeout: Option<Duration>,
    /// Where this machine remembers the state of homes [default: ~/.local/state/strongroom]
    #[arg(long, value_name = "DIR")]
    anchor: Option<PathBuf>,
}

impl Global {
    /// What is said at any level of a command; the innermost counts. clap's own global arguments
    /// would be copied to each of the commands at every start.
    fn of(matches: &ArgMatches) -> std::result::Result<Self, clap::Error> {
        let said = Self::from_arg_matches(matches)?;
        match matches.subcommand() {
            Some((_, inner)) => Ok(Self::of(inner)?.or(said)),
            None => Ok(said),
        }
    }

    fn or(self, outer: Self) -> Self {
        Self {
            home: self.home.or(outer.home),
            agent: self.agent.or(outer.agent),
            json: self.json || outer.json,
            key_file: self.key_file.or(outer.key_file),
            passphrase_file: self.passphrase_file.or(outer.passphrase_file),
            passphrase_fd: self.passphrase_fd.or(outer.passphrase_fd),
            no_input: self.no_input || outer.no_input,
            lock_timeout: self.lock_timeout.or(outer.lock_timeout),
            keychain_timeout: self.keychain_timeout.or(outer.keychain_timeout),
            anchor: self.anchor.or(outer.anchor),
        }
    }
}

fn duration(text: &str) -> std::result::Result<Duration, String> {
    // A script may ask not to wait at all.
    if text == "0ms" {
        return Ok(Duration::ZERO);
    }
    let ms = parse_duration("a time-out", text).map_err(|error| error.what().to_owned())?;
    u64::try_from(ms).map(Duration::from_millis).map_err(|_| "not a duration".to_owned())
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
    Recipient(Lazy<keys::Recipient>),
    Resolve(Lazy<resolve::Resolve>),
    Unlock(Lazy<unlock::Unlock>),
    Lock(Lazy<lock::Lock>),
    UnlockMethod(Lazy<unlock_method::UnlockMethod>),
    Rekey(Lazy<keys::Rekey>),
    RecoveryKey(Lazy<keys::RecoveryKey>),
    Completions(Lazy<completions::Completions>),
    Man(Lazy<completions::Man>),
    /// OpenClaw's spelling of the commands
    #[command(hide = true)]
    Models(Lazy<Models>),
}

/// Verbs that stand at the top and under `models auth`.
#[derive(Debug, Subcommand)]
enum AuthVerb {
    /// Store a token (setup-token, bearer token)
    PasteToken(Lazy<paste::Paste>),
    /// Store an API key
    PasteApiKey(Lazy<paste::Paste>),
    SetupToken(Lazy<setup_token::SetupToken>),
    List(Lazy<list::List>),
    Get(Lazy<get::Get>),
    Rotate(Lazy<rotate::Rotate>),
    Rename(Lazy<rename::Rename>),
    Remove(Lazy<remove::Remove>),
    Order(Lazy<order::Order>),
}

#[derive(Debug, Args)]
struct Models {
    #[command(subcommand)]
    verb: ModelsVerb,
}

#[derive(Debug, Subcommand)]
enum ModelsVerb {
    /// Credentials
    Auth(Lazy<Auth>),
    /// Show which credentials are usable, and which is next
    Status(Lazy<status::Status>),
    /// Say how a request with a profile went
    Report(Lazy<report::Report>),
    /// Pin a profile for one session, or show its pin
    Pin(Lazy<pin::Pin>),
}

#[derive(Debug, Args)]
#[command(after_help = help::AUTH_VERBS, disable_help_subcommand = true)]
struct Auth {
    #[command(subcommand)]
    verb: ModelsAuthVerb,
}

/// Verbs under `models auth`: those at the top, and OpenClaw's own names for some.
#[derive(Debug, Subcommand)]
enum ModelsAuthVerb {
    Add(Lazy<add::Add>),
    Login(Lazy<add::Login>),
    /// Remove a profile from the vault; the secret stays valid until it is revoked
    Logout(Lazy<remove::Remove>),
    #[command(flatten)]
    Auth(AuthVerb),
}

/// Runs the command line and gives the exit status.
#[must_use]
pub fn run(mut arguments: Vec<std::ffi::OsString>, env: Env) -> u8 {
    // `strongroom help init`, as other programs have it.
    if arguments.get(1).is_some_and(|first| first == "help") {
        arguments.remove(1);
        arguments.push("--help".into());
    }
    let json = arguments.iter().any(|argument| argument == "--json");
    let _quiet = quiet(&arguments, &env);
    let mut command = command();
    let parsed = command.try_get_matches_from_mut(arguments).and_then(|matches| {
        let looked =
            argument_guard::look(&command, &matches, &env).and_then(|()| refuse_unexpanded_paths(&matches));
        Ok((Global::of(&matches)?, Cli::from_arg_matches(&matches)?, looked))
    });
    // Some thousand small pieces, and the process ends soon: taking them apart is a tenth of `resolve`.
    std::mem::forget(command);
    let (global, cli, looked) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return usage::report(&error, &env, json),
    };
    let mut context = Context::new(env, global);
    match looked.and_then(|()| dispatch(&mut context, cli.verb)) {
        Ok(exit) => exit,
        Err(error) => context.report(&error),
    }
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
fn quiet(arguments: &[std::ffi::OsString], env: &Env) -> Option<Quiet> {
    let says = |word: &str| arguments.iter().skip(1).any(|argument| argument == word);
    (env.stdin_tty && ASKING.into_iter().any(says) && !says("--no-input")).then(Quiet::begin)?
}

/// The command line's definition, for completions and manual pages.
#[must_use]
pub fn command() -> clap::Command {
    help::laid_out(with_options(Cli::command().disable_help_flag(true)))
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
        Verb::Recipient(args) => keys::recipient(context, &args),
        Verb::Resolve(args) => Ok(resolve::run(context, &args)),
        Verb::Unlock(args) => unlock::run(context, &args),
        Verb::Lock(args) => lock::run(context, &args),
        Verb::UnlockMethod(args) => unlock_method::run(context, &args),
        Verb::Rekey(args) => keys::rekey(context, &args),
        Verb::RecoveryKey(args) => keys::recovery_key(context, &args),
        Verb::Completions(args) => completions::run(context, &args),
        Verb::Man(args) => completions::man(context, &args),
    }
}

/// Whether a verb may start another program: `claude`, or the login shell, which may have to gain rights (`sudo`, a
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
        | Verb::Recipient(_)
        | Verb::Resolve(_)
        | Verb::Unlock(_)
        | Verb::Lock(_)
        | Verb::UnlockMethod(_)
        | Verb::Rekey(_)
        | Verb::RecoveryKey(_)
        | Verb::Completions(_)
        | Verb::Man(_) => false,
        Verb::Auth(verb) => matches!(verb, AuthVerb::SetupToken(_)),
        // Those that look for keys in the login shell's variables, and those that offer `setup-token`.
        Verb::Status(_) | Verb::Doctor(_) | Verb::Import(_) | Verb::Onboard(_) | Verb::Models(_) => true,
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
        AuthVerb::Rename(args) => rename::run(context, &args),
        AuthVerb::Remove(args) => remove::run(context, &args),
        AuthVerb::Order(args) => order::run(context, &args),
    }
}

/// The agent that a flag or a variable names.
fn agent_of(global: &Global, env: &Env) -> Result<(AgentName, bool)> {
    match (&global.agent, env.var("STRONGROOM_AGENT")) {
        (Some(flag), _) => Ok((agent_name(flag)?, true)),
        (None, Some(variable)) => Ok((variable.to_string_lossy().parse()?, false)),
        (None, None) => Ok((AgentName::default(), false)),
    }
}

fn agent_name(text: &str) -> Result<AgentName> {
    let secret =
        |error| if instead(text).is_some() { context::is_a_secret().err() } else { None }.unwrap_or(error);
    text.parse().map_err(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn a_wait_can_be_shorter_than_a_second() {
        for (text, expected) in [("300ms", Some(300)), ("2s", Some(2000)), ("1m", Some(60_000))] {
            assert_eq!(duration(text).ok(), expected.map(Duration::from_millis), "{text}");
        }
        for text in ["ms", "+3ms", "-3ms", "0.3ms", "3 ms", "3", "9999999999999ms"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
