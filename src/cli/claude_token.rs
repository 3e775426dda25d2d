//! A setup-token from the real `claude setup-token`: runs it, takes the token out of what it prints, and stores it.

use std::cell::Cell;
use std::path::PathBuf;

use rustix::fs::{Access, access};
use strongroom_backends::shown;

use super::Context;
use super::context::not_a_secret;
use super::expiry_flags::{Ends, from_now};
use super::secret_argument::{self, Read};
use super::storing::StoreArg;
use super::storing::{self, Stored};
use crate::error::{Code, Error, Result};
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
use crate::vault::id::{AgentName, ProfileId, Provider};
use crate::vault::index::Index;

/// How `claude setup-token`'s token looks; the least is what OpenClaw takes.
const TOKEN: Wanted = Wanted { prefix: "sk-ant-oat01-", usual: 108, min: 80 };
/// How long such a token is valid, as `claude` says.
pub(super) const LIFETIME: &str = "365d";

const INSTALL: &str = "install it: npm install -g @anthropic-ai/claude-code";

/// Gets a setup-token and stores it.
///
/// # Errors
/// `CANCELLED`, and those of reading a paste and of storing.
pub(super) fn make(context: &mut Context, open: &mut Open<'_>, wish: Wish) -> Result<Stored> {
    let what = wish.profile.to_string();
    let taken = Cell::new(None);
    let way = elsewhere(context, &wish);
    let wanted = wish.clone();
    let read = |context: &Context| obtain(context, &wanted, &way, &taken);
    let stored = storing::store(context, open, wish, read);
    let Some(held) = taken.into_inner() else { return stored };
    if stored.is_err() {
        // No one has seen it.
        context.warn("the token that was taken is not stored, and is nowhere else: revoke it at the provider, and run setup-token again");
    }
    if held.came() {
        // What would be told after this is not.
        match &stored {
            Ok(_) => context.warn(&format!("a signal ended this; the token is stored as {what}")),
            Err(error) => drop(context.report(error)),
        }
    }
    drop(held);
    stored
}

/// When a setup-token ends: a year after it was made, unless flags say otherwise.
///
/// # Errors
/// `USAGE`.
pub(super) fn end(ends: &Ends, now: i64) -> Result<End> {
    ends.read(now)?.or_else(|| from_now(LIFETIME, now))
}

/// The setup-token that is meant by flags.
///
/// # Errors
/// `USAGE` for a provider that has none.
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
        return Err(Error::new(Code::Usage, format!("{provider} has no setup-token; only anthropic has"))
            .with_remedy("use `strongroom paste-token` or `strongroom paste-api-key` with --provider"));
    }
    Ok(Wish {
        profile: storing::profile_of(context, &provider, id, "default")?,
        named: id.is_some(),
        provider,
        kind: CredentialType::Token,
        end: end(ends, context.env.now())?,
        store: store.map(Into::into),
        command: "setup-token",
    })
}

/// How the token comes here without `claude` on this terminal: a command that replaces nothing else.
fn elsewhere(context: &Context, wish: &Wish) -> String {
    let mut id = wish.profile.clone();
    // A vault that cannot be opened now is none to judge by.
    if !wish.named
        && let Ok(vault) =
            Vault::open(&context.home().unwrap_or_default(), &context.setup(), context.lock_limit())
        && holds_no_token(context, &vault, &id)
        && let Ok(free) = free_beside(&vault, &context.agent().unwrap_or_default(), &id)
    {
        id = free;
    }
    let agent = context.agent().unwrap_or_default();
    let agent = if agent == AgentName::default() { String::new() } else { format!(" --agent {agent}") };
    format!(
        "run `claude setup-token` on any machine with a browser, and give its token to: strongroom{agent} paste-token --provider anthropic --profile-id {} --expires-in 365d",
        id.word()
    )
}

/// Whether something else than a token is there under an id.
fn holds_no_token(context: &Context, vault: &Vault, id: &ProfileId) -> bool {
    let index = || vault.agent(&context.agent().ok()?).ok()??.index().ok();
    let other =
        |index: Index| index.entry(id.as_str()).map(|entry| entry.kind != Some(CredentialType::Token));
    index().and_then(other).unwrap_or(false)
}

/// Makes sure that there is a person at a terminal.
///
/// # Errors
/// `NEEDS_TERMINAL`.
pub(super) fn needs_terminal(context: &Context, wish: &Wish) -> Result<()> {
    if context.may_ask() {
        return Ok(());
    }
    let why = if context.env.stdin_tty {
        "and nobody may be asked (--no-input)"
    } else {
        "and standard input is none"
    };
    Err(Error::new(Code::NeedsTerminal, format!("`claude setup-token` needs a person at a terminal, {why}"))
        .with_remedy(elsewhere(context, wish)))
}

/// Gets a setup-token: from `claude` where that is there (then it is `taken`, and signals are held up
/// until it is stored), else from a paste.
fn obtain(context: &Context, wish: &Wish, way: &str, taken: &Cell<Option<Held>>) -> Result<Read> {
    match from_claude(context, wish, way)? {
        Ok((read, held)) => {
            taken.set(Some(held));
            return Ok(read);
        }
        Err(why) => context.warn(&why),
    }
    context.say(&format!(
        "No token was taken. Run `claude setup-token` on any machine with a browser (where it is missing, {INSTALL}), and paste its token here."
    ));
    secret_argument::read(context, &wish.provider, &format!("token for {}", wish.profile))
}

/// Runs `claude setup-token`; if no token came of it, why not. `way` is how it comes without.
fn from_claude(
    context: &Context,
    wish: &Wish,
    way: &str,
) -> Result<std::result::Result<(Read, Held), String>> {
    let Some(program) = find(context, "claude") else {
        return Ok(Err("there is no program `claude` on PATH".to_owned()));
    };
    context.say(&format!(
        "Running {} setup-token. Its token is taken for the vault and not shown; Ctrl-C ends it.",
        shown(&program)
    ));
    let ran = match child::run(&context.env, &program, &["setup-token"], TOKEN) {
        Err(error) if error.code() == Code::Io => return Ok(Err(error.what().to_owned())),
        ran => ran?,
    };
    let ended = how_it_ended(&ran);
    let succeeded = ran.status.is_some_and(|status| status.success());
    // After a signal, or where the terminal is gone, no one can be asked.
    let alone = ran.held.came() || ran.gone.is_some();
    let is_whole = |token: &Buffer| token.len() == TOKEN.usual;
    // Of a program that failed only what is surely whole is taken.
    if let Some(token) = ran.token.as_ref().filter(|token| is_whole(token) || (succeeded && !alone)) {
        let held = ran.held;
        if !is_whole(token) {
            // The question says that there is one, and a signal ends the process at it.
            held.let_go();
            if !is_to_be_stored(token.len())? {
                return Ok(Err("the token that was taken is dropped: revoke it at the provider".to_owned()));
            }
            held.again();
        }
        let pasted = secret_format::normalise(token.expose(), Some(&wish.provider))?;
        if !alone {
            context.say(&format!("Took the token ({}).", secret_format::seen(pasted.secret.expose_secret())));
        }
        let mut warnings = pasted.warnings;
        if ran.several {
            warnings.push(format!("`claude setup-token` printed more than one token, and the last of them was taken; if that is the wrong one, run `strongroom rotate {}`, and paste the right one", wish.profile.word()));
        }
        if (!succeeded || ran.cancelled) && !alone {
            warnings.push(format!("`claude setup-token` {ended} after it had printed the token"));
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
        let what = match dropped {
            None => "`claude setup-token` was ended by Ctrl-C, and nothing was changed".to_owned(),
            Some(dropped) => format!("it was ended by Ctrl-C, and nothing is stored: {dropped}"),
        };
        return Err(Error::new(Code::Cancelled, what).with_remedy(way.to_owned()));
    }
    Ok(Err(match ran.longest {
        0 => format!("`claude setup-token` {ended} and printed no token"),
        printed => {
            format!("`claude setup-token` {ended} and printed only a part of a token ({printed} characters)")
        }
    }))
}

/// How the program ended, as the end of a sentence about it.
fn how_it_ended(ran: &child::Ran) -> String {
    match ran.status.map(|status| status.code()) {
        _ if ran.cancelled => "was ended by Ctrl-C".to_owned(),
        None | Some(Some(0)) => "ended".to_owned(),
        Some(Some(status)) => format!("failed with status {status}"),
        Some(None) => "was ended by a signal".to_owned(),
    }
}

/// What was printed of a token that is not stored, where that may be one.
fn dropped(ran: &child::Ran) -> Option<String> {
    let printed = match (&ran.token, ran.longest) {
        (Some(token), _) => format!("a token of {} characters, where {} are usual", token.len(), TOKEN.usual),
        (None, longest) if longest > TOKEN.prefix.len() => {
            format!("a part of a token ({longest} characters)")
        }
        _ => return None,
    };
    Some(format!("`claude setup-token` had printed {printed}; it is dropped, so revoke it at the provider"))
}

/// Asks about a token of an odd length: a window that was resized while it was printed can have cut it.
fn is_to_be_stored(length: usize) -> Result<bool> {
    secret_input::confirm(&format!(
        "The token has {length} characters, where {} are usual: it may be cut, or more than it. Store it?",
        TOKEN.usual
    ))
    .map_err(|error| match error.code() {
        Code::Cancelled => error.with_remedy(
            "nothing was stored, and the token that was taken is dropped: revoke it, and run it again",
        ),
        _ => error,
    })
}

/// A program on `PATH`, whose relative parts do not count.
fn find(context: &Context, name: &str) -> Option<PathBuf> {
    std::env::split_paths(context.env.var("PATH")?)
        .filter(|directory| directory.is_absolute())
        .map(|directory| directory.join(name))
        .find(|path| path.is_file() && access(path, Access::EXEC_OK).is_ok())
}
