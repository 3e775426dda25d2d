//! `onboard`: creates a vault and stores a first credential, for people and for scripts.

mod found;
mod given;

use clap::Args;

use given::{Choice, choice};

use super::Context;
use super::adding::{self, Known};
use super::api_keys::{ApiKeys, Source};
use super::client_flags::ClientFlags;
use super::expiry_flags::Ends;
use super::make_vault::{self, Init};
use super::new_method::Unlock;
use super::new_vault;
use super::openclaw_setup;
use super::storing::{self, Stored};
use crate::error::{Code, Error, Result};
use crate::messages::cli::setup as messages;
use crate::ops::open::Open;
use crate::term::secret_input;
use crate::vault::home::{Session, Vault};
use crate::vault::keys::init as vault_init;

/// Create a vault if needed, and store a first credential in it
///
/// Asks on a terminal. In scripts, flags give every answer: a key or a token is `-` (standard input), `env:NAME`
/// (a variable), or the secret itself, which others can then read on the command line and which should be rotated.
#[derive(Debug, Args)]
pub struct Onboard {
    /// Never prompt
    #[arg(long)]
    non_interactive: bool,
    /// Kind of credential: apiKey, token, setup-token
    #[arg(long, value_name = "CHOICE")]
    auth_choice: Option<String>,
    /// Token: `-`, `env:NAME`, or the token itself
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(Source))]
    token: Option<Source>,
    /// Provider of the token [default: anthropic]
    #[arg(long, value_name = "P")]
    token_provider: Option<String>,
    /// Profile id of the token [default: <provider>:manual, or <provider>:default for a setup-token]
    #[arg(long, value_name = "ID")]
    token_profile_id: Option<String>,
    /// Time until the token expires, such as 90s, 15m, 12h, 365d, 2w or 1y; or never
    #[arg(long, value_name = "TIME", conflicts_with = "token_expires_at")]
    token_expires_in: Option<String>,
    /// Date on which the token expires: 2027-01-31[THH:MM:SSZ]
    #[arg(long, value_name = "DATE")]
    token_expires_at: Option<String>,
    #[command(flatten)]
    keys: ApiKeys,
    #[command(flatten)]
    vault: Init,
    #[command(flatten)]
    client: ClientFlags,
    /// Accepted because OpenClaw has it
    #[arg(long, hide = true)]
    accept_risk: bool,
}

pub(super) fn run(context: &mut Context, args: &Onboard) -> Result<u8> {
    if args.non_interactive {
        context.global.no_input = true;
    }
    // Before a vault is created, so that unusable values leave no vault.
    let choice = args.auth_choice.as_deref().map(choice).transpose()?;
    let mut given = Vec::new();
    for (wish, flag, source) in args.wishes(context, choice)? {
        let read = source.read(context, &wish.provider, &flag)?;
        given.push((wish, read));
    }
    if let Some(told) = args.client.told() {
        context.warn(&told);
    }
    let (made, vault, session) = open_or_make(context, args)?;
    let mut open = context.open_by(&vault, session)?;
    for (wish, _) in &given {
        storing::keep_what_is_there(context, &open, wish, false)?;
    }
    let mut kept: Vec<String> = made.iter().map(|_| messages::THE_VAULT.to_owned()).collect();
    let mut stored = Vec::new();
    let nothing_said = given.is_empty() && choice.is_none() && args.token_provider.is_none();
    let goes_on = if nothing_said && context.may_ask() && !context.json() {
        let taken = found::take(context, &mut open);
        taken.map_err(|error| stays(context, &kept, error))?
    } else {
        true
    };
    if given.is_empty() && goes_on {
        let one = args.ask(context, &mut open, choice);
        stored.push(one.map_err(|error| stays(context, &kept, error))?);
    }
    for (wish, read) in given {
        let profile = wish.profile.to_string();
        let one = storing::store(context, &mut open, wish, |_| Ok(read));
        stored.push(one.map_err(|error| stays(context, &kept, error))?);
        kept.push(profile);
    }
    let connection = openclaw_setup::of(context, &vault)?;
    if context.json() {
        let profiles = stored.iter().map(|one| one.json(context)).collect::<Result<Vec<_>>>()?;
        context.print_json(&serde_json::json!({
            "made": made,
            "profiles": profiles,
            "openclaw": connection.config(),
        }))?;
        return Ok(0);
    }
    for one in &stored {
        one.say(context)?;
    }
    let connects = context.may_ask()
        && match secret_input::confirm(messages::SHOW_SETUP) {
            // Everything is stored by now, so an interrupt is no failure.
            Err(error) if error.code() == Code::Cancelled => false,
            answer => answer?,
        };
    if connects {
        openclaw_setup::tell(context, &vault, &connection)?;
    }
    found::next_steps(context);
    Ok(0)
}

/// Warns of what was done before an error and is kept.
fn stays(context: &Context, kept: &[String], error: Error) -> Error {
    if kept.is_empty() {
        return error;
    }
    context.warn(&messages::kept(kept));
    if error.code() == Code::Cancelled {
        return error.with_remedy(messages::CONTINUE);
    }
    error
}

/// Opens the vault, or creates one. Returns the JSON description of a new one.
fn open_or_make(
    context: &mut Context,
    args: &Onboard,
) -> Result<(Option<serde_json::Value>, Vault, Session)> {
    let home = context.home()?;
    match Vault::open(&home, &context.setup(), context.lock_limit()) {
        Ok(_) => open(context, &args.vault),
        Err(error) if error.code() == Code::NoVault => {
            let asked;
            let init = if context.may_ask() {
                asked = new_vault::ask(context, &args.vault)?;
                &asked
            } else {
                &args.vault
            };
            let made = match make_vault::make(context, init) {
                // Another process created it at the same time.
                Err(error)
                    if error.code() == Code::Exists
                        && Vault::open(&home, &context.setup(), context.lock_limit()).is_ok() =>
                {
                    return open(context, &args.vault);
                }
                made => made?,
            };
            let document = made.json();
            if !context.json() {
                made.say(context)?;
            }
            let vault = context.vault()?;
            let session = made.open(context, &vault)?;
            Ok((Some(document), vault, session))
        }
        Err(error) => Err(error),
    }
}

fn open(context: &Context, flags: &Init) -> Result<(Option<serde_json::Value>, Vault, Session)> {
    let vault = context.vault()?;
    if flags.store != make_vault::Store::Auto || flags.unlock != Unlock::Auto {
        context.warn(messages::ONLY_NEW_VAULT);
    }
    context.say(&messages::existing_vault(vault.home().path()));
    let mut session = context.session(&vault)?;
    if vault.file().is_none() {
        // The command that created it was interrupted.
        vault_init::finish(&vault, &mut session, &context.waits("onboard"))?;
    }
    Ok((None, vault, session))
}

impl Onboard {
    fn ends(&self) -> Ends {
        Ends { expires_in: self.token_expires_in.clone(), expires_at: self.token_expires_at.clone() }
    }

    fn ask(&self, context: &mut Context, open: &mut Open<'_>, choice: Option<Choice>) -> Result<Stored> {
        let provider = match (&self.token_provider, choice) {
            (Some(name), _) => {
                super::context::not_a_secret(name)?;
                Some(name.parse()?)
            }
            (None, Some(Choice { key: Some((_, provider)), .. })) => Some(provider.parse()?),
            (None, Some(_)) => Some("anthropic".parse()?),
            (None, None) => None,
        };
        let known = Known {
            provider,
            method: choice.map(|choice| choice.method),
            profile_id: self.token_profile_id.clone(),
            ends: self.ends(),
            store: None,
        };
        adding::ask_and_store(context, open, known)
    }
}
