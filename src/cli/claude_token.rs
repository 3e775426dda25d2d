//! Runs the real `claude setup-token`, captures the token from its output, and stores it.

use std::cell::Cell;
use std::path::PathBuf;

use rustix::fs::{Access, access};

use super::Context;
use super::context::not_a_secret;
use super::expiry_flags::Ends;
use super::secret_argument::{self, Read};
use super::storing::StoreArg;
use super::storing::{self, Stored};
use crate::error::{Code, Result};
use crate::looks::SETUP_TOKEN;
use crate::messages::cli::credentials::setup_token;
use crate::ops::ids::free_beside;
use crate::ops::open::Open;
use crate::ops::save::{End, Wish};
use crate::pty::capture::Wanted;
use crate::pty::child;
use crate::secret::{Buffer, ExposeSecret};
use crate::secret_format;
use crate::term::secret_input;
use crate::term::signals::Held;
use crate::vault::credential::CredentialType;
use crate::vault::home::Vault;
use crate::vault::id::{ProfileId, Provider};
use crate::vault::index::Index;

/// The form of the tokens of `claude setup-token`; the minimum length is OpenClaw's.
const TOKEN: Wanted = Wanted { prefix: SETUP_TOKEN, usual: 108, min: 80 };

/// Gets a setup-token and stores it.
///
/// # Errors
/// `CANCELLED`, and those of reading a paste and of storing.
pub(super) fn make(context: &mut Context, open: &mut Open<'_>, wish: Wish) -> Result<Stored> {
    let profile = wish.profile.clone();
    let captured = Cell::new(None);
    let remedy = elsewhere(context, &wish);
    let wanted = wish.clone();
    let read = |context: &Context| obtain(context, &wanted, &remedy, &captured);
    let stored = storing::store(context, open, wish, read);
    let Some(held) = captured.into_inner() else { return stored };
    if stored.is_err() {
        // The token was never on the screen, so no one else has it.
        context.warn(setup_token::LOST);
    }
    if held.came() {
        // The signal ends the process at the drop below, before anything else is said.
        match &stored {
            Ok(_) => context.warn(&setup_token::stored_despite_signal(&profile)),
            Err(error) => drop(context.report(error)),
        }
    }
    drop(held);
    stored
}

/// Returns when a setup-token expires: a year from now, unless flags say otherwise.
///
/// # Errors
/// `USAGE`.
pub(super) fn end(ends: &Ends, now: i64) -> Result<End> {
    Ok(ends.read(now)?.or_of_setup_token(now))
}

/// Returns the setup-token to make, as the flags say.
///
/// # Errors
/// `USAGE` for a provider that has no setup-tokens.
pub(super) fn wish(
    context: &Context,
    provider: &str,
    id: Option<&str>,
    ends: &Ends,
    store: Option<StoreArg>,
) -> Result<Wish> {
    not_a_secret(provider)?;
    let provider: Provider = provider.parse()?;
    if provider.as_str() != "anthropic" {
        return Err(setup_token::not_anthropic(&provider));
    }
    Ok(Wish {
        profile: storing::profile_of(context, &provider, id, "default")?,
        named: id.is_some(),
        provider,
        kind: CredentialType::Token,
        end: end(ends, context.env.now())?,
        store: store.map(Into::into),
        command: "setup-token",
        hosts: Vec::new(),
        username: None,
    })
}

/// Returns the remedy for a terminal without `claude`: a command that replaces no credential of another type.
fn elsewhere(context: &Context, wish: &Wish) -> String {
    let mut id = wish.profile.clone();
    // If the vault cannot be opened now, the default id is suggested.
    if !wish.named
        && let Ok(vault) =
            Vault::open(&context.home().unwrap_or_default(), &context.setup(), context.lock_limit())
        && holds_no_token(context, &vault, &id)
        && let Ok(free) = free_beside(&vault, &context.agent().unwrap_or_default(), &id)
    {
        id = free;
    }
    let agent = context.agent().unwrap_or_default();
    setup_token::elsewhere(&agent.option(), &id.word())
}

/// Returns whether something other than a token is stored under an id.
fn holds_no_token(context: &Context, vault: &Vault, id: &ProfileId) -> bool {
    let index = || vault.agent(&context.agent().ok()?).ok()??.index().ok();
    let other =
        |index: Index| index.entry(id.as_str()).map(|entry| entry.kind != Some(CredentialType::Token));
    index().and_then(other).unwrap_or(false)
}

/// Checks that there is a person at a terminal.
///
/// # Errors
/// `NEEDS_TERMINAL`.
pub(super) fn needs_terminal(context: &Context, wish: &Wish) -> Result<()> {
    if context.may_ask() {
        return Ok(());
    }
    Err(setup_token::needs_terminal(context.env.stdin_tty, elsewhere(context, wish)))
}

/// Gets a setup-token from `claude`, or from a paste if that fails.
///
/// A token from `claude` sets `captured`: signals are held up until it is stored.
fn obtain(context: &Context, wish: &Wish, remedy: &str, captured: &Cell<Option<Held>>) -> Result<Read> {
    match from_claude(context, wish, remedy)? {
        Ok((read, held)) => {
            captured.set(Some(held));
            return Ok(read);
        }
        Err(why) => context.warn(&why),
    }
    context.say(setup_token::PASTE_INSTEAD);
    secret_argument::read(context, &wish.provider, &format!("token for {}", wish.profile))
}

/// Runs `claude setup-token`. Returns its token, or why it gave no token; `remedy` says how to get one elsewhere.
fn from_claude(
    context: &Context,
    wish: &Wish,
    remedy: &str,
) -> Result<std::result::Result<(Read, Held), String>> {
    let Some(program) = find(context, "claude") else {
        return Ok(Err(setup_token::NO_CLAUDE.to_owned()));
    };
    context.say(&setup_token::running(&program));
    let ran = match child::run(&context.env, &program, &["setup-token"], TOKEN) {
        Err(error) if error.code() == Code::Io => return Ok(Err(error.what().to_owned())),
        ran => ran?,
    };
    let status = ran.status.map(|status| status.code());
    let ended = setup_token::how_it_ended(ran.cancelled, status);
    let succeeded = ran.status.is_some_and(|status| status.success());
    // After a signal, or if the terminal is gone, no one can be asked.
    let alone = ran.held.came() || ran.gone.is_some();
    let is_whole = |token: &Buffer| token.len() == TOKEN.usual;
    // If the program failed, only a token of the usual length is surely whole.
    if let Some(token) = ran.token.as_ref().filter(|token| is_whole(token) || (succeeded && !alone)) {
        let held = ran.held;
        if !is_whole(token) {
            // The question says that there is a token, so a signal may end the process while it waits.
            held.let_go();
            if !is_to_be_stored(token.len())? {
                return Ok(Err(setup_token::DECLINED.to_owned()));
            }
            held.again();
        }
        let pasted = secret_format::normalise(token.expose(), Some(&wish.provider))?;
        if !alone {
            context.say(&setup_token::captured(secret_format::seen(pasted.secret.expose_secret())));
        }
        let mut warnings = pasted.warnings;
        if ran.several {
            warnings.push(setup_token::several(&wish.profile.word()));
        }
        if (!succeeded || ran.cancelled) && !alone {
            warnings.push(setup_token::failed_after_token(&ended));
        }
        return Ok(Ok(((pasted.secret, warnings), held)));
    }
    let dropped = dropped(&ran);
    if alone && let Some(dropped) = &dropped {
        context.warn(dropped);
    }
    if let Some(gone) = ran.gone {
        return Err(gone);
    }
    if ran.cancelled {
        return Err(setup_token::cancelled(dropped, remedy.to_owned()));
    }
    Ok(Err(match ran.longest {
        0 => setup_token::no_token(&ended),
        printed => setup_token::only_part(&ended, printed),
    }))
}

/// Returns what the program printed of a token that is not stored, if that may be a real one.
fn dropped(ran: &child::Ran) -> Option<String> {
    match (&ran.token, ran.longest) {
        (Some(token), _) => Some(setup_token::dropped_whole(token.len(), TOKEN.usual)),
        (None, longest) if longest > TOKEN.prefix.len() => Some(setup_token::dropped_part(longest)),
        _ => None,
    }
}

/// Asks whether to store a token of an unusual length, which may have been cut if the window was resized meanwhile.
fn is_to_be_stored(length: usize) -> Result<bool> {
    secret_input::confirm(&setup_token::odd_length_prompt(length, TOKEN.usual)).map_err(|error| {
        match error.code() {
            Code::Cancelled => error.with_remedy(setup_token::CANCELLED_AT_PROMPT),
            _ => error,
        }
    })
}

/// Returns the path of a program on `PATH`; relative parts of `PATH` are ignored.
fn find(context: &Context, name: &str) -> Option<PathBuf> {
    std::env::split_paths(context.env.var("PATH")?)
        .filter(|directory| directory.is_absolute())
        .map(|directory| directory.join(name))
        .find(|path| path.is_file() && access(path, Access::EXEC_OK).is_ok())
}
