//! The verbs of the command line, and what each one runs. OpenClaw's spelling and the short form are the same verbs.

use clap::{Args, Subcommand};

use super::deferred::Lazy;
use super::{
    Context, access, add, completions, connect, copy, disconnect, doctor, edit, export, get, helper, history,
    import, init, keys, list, lock, log, migrate, onboard, order, paste, pin, print_env, recover, remove,
    rename, report, resolve, rotate, run, serve, settings, setup_token, status, store, topics, unlock,
    unlock_method, verify,
};
use crate::error::Result;
use crate::harden;

/// The verbs at the top.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
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
    Serve(Lazy<serve::Serve>),
    Access(Lazy<access::Access>),
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
pub(super) enum AuthVerb {
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
pub(super) struct Models {
    #[command(subcommand)]
    verb: ModelsVerb,
}

#[derive(Debug, Subcommand)]
pub(super) enum ModelsVerb {
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
pub(super) struct Auth {
    #[command(subcommand)]
    verb: ModelsAuthVerb,
}

/// Verbs under `models auth`: those at the top, and OpenClaw's own names for some.
#[derive(Debug, Subcommand)]
pub(super) enum ModelsAuthVerb {
    Add(Lazy<add::Add>),
    Login(Lazy<add::Login>),
    /// Remove a profile (OpenClaw's name for it)
    Logout(Lazy<remove::Remove>),
    #[command(flatten)]
    Auth(AuthVerb),
}

/// Runs a verb.
pub(super) fn dispatch(context: &mut Context, verb: Verb) -> Result<u8> {
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
        Verb::Serve(args) => serve::run(context, &args),
        Verb::Access(args) => access::run(context, &args),
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
        | Verb::Serve(_)
        | Verb::Access(_)
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
