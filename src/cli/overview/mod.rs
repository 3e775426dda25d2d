//! Shows which credentials are usable and which is next, for `status` and for the `/model` lines of `pin`.

mod documents;
mod warnings;

use self::documents::{Document, Explained};
use super::Context;
use super::context::document;
use crate::client::sources::Found;
use crate::client::sources::by_provider::Beside;
use crate::error::{Code, Result};
use crate::messages::cli::reading;
use crate::ops::status::{self, Asked, Warning};
use crate::select::assemble::{Overview, assemble};
use crate::select::text::Layout;
use crate::select::{explain, text};
use crate::term::out;
use crate::term::style::Style;
use crate::vault::home::Vault;
use crate::vault::id::Provider;

/// What is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Everything,
    /// One line per profile.
    Plain,
    /// The profiles that a session can pick.
    Picks,
    /// How the next profile of the provider is chosen.
    Explained,
}

/// What was seen, in words.
pub(super) struct Seen {
    /// The report.
    pub(super) text: String,
    /// Warnings that follow it.
    after: Vec<String>,
    /// The exit status.
    exit: u8,
    /// What a person who watches should hear of, without what changes with time alone.
    pub(super) state: String,
}

/// Reads the state and shows it. Returns the exit status.
///
/// # Errors
/// Those of opening the home, and of reading it and the index; `NOT_FOUND`.
pub(super) fn show(context: &mut Context, form: Form, asked: &Asked) -> Result<u8> {
    let vault = if_any(context, context.vault_unasked(), asked)?;
    let seen = see(context, vault.as_ref(), form, asked, false)?;
    context.print(&seen.text)?;
    for warning in &seen.after {
        context.warn(warning);
    }
    Ok(seen.exit)
}

/// Reads the state for a person or a program that watches it. JSON takes one line.
///
/// # Errors
/// As [`show`].
pub(super) fn look(context: &Context, form: Form, asked: &Asked) -> Result<Seen> {
    // Its notices are part of the report, so they are not repeated at each look.
    let opened = Vault::open(&context.home()?, &context.setup_unasked(), context.lock_limit());
    let vault = if_any(context, opened, asked)?;
    see(context, vault.as_ref(), form, asked, true)
}

/// Returns the vault, or `None` if the default home has no vault and the request does not need one.
///
/// Keys outside a vault can be shown without one, but a home that is named must have a vault.
fn if_any(context: &Context, opened: Result<Vault>, asked: &Asked) -> Result<Option<Vault>> {
    let optional = asked.profile.is_none() || asked.check;
    match opened {
        Err(error) if error.code() == Code::NoVault && optional && !context.names_home() => Ok(None),
        vault => vault.map(Some),
    }
}

fn see(
    context: &Context,
    vault: Option<&Vault>,
    form: Form,
    asked: &Asked,
    in_one_line: bool,
) -> Result<Seen> {
    let agent = context.agent()?;
    let home = vault.map_or_else(|| context.home(), |vault| Ok(vault.home().path().to_owned()))?;
    let looked = status::look(vault, &home, &agent, asked, &context.ambient())?;
    if let (Some(profile), true, false) = (&asked.profile, looked.profiles.is_empty(), asked.check) {
        return Err(reading::no_credentials(profile, &agent));
    }
    let warnings: Vec<String> = looked.warnings.iter().map(warnings::sentence).collect();
    let overview = looked.overview(asked, &warnings);
    if let (Form::Explained, Some(provider)) = (form, &asked.provider) {
        // Warnings about the home were shown when it was opened.
        let shown = looked.warnings.iter().filter(|one| matches!(one, Warning::Home(_))).count();
        for warning in warnings.iter().skip(shown) {
            context.warn(warning);
        }
        let text = explained(context, &overview, provider, &looked.found)?;
        return Ok(Seen { text, after: Vec::new(), exit: 0, state: String::new() });
    }
    let text = report(context, form, asked, &overview, &looked.found, in_one_line)?;
    let mut after = Vec::new();
    if form == Form::Plain {
        // The lines list profiles only, so a provider without a key would leave the exit status unexplained.
        let lacking = overview.lacking.iter().filter(|_| asked.check);
        after.extend(lacking.map(|one| text::no_key(one.provider.as_str(), agent.as_str())));
    }
    let exit = if asked.check { overview.check().exit } else { 0 };
    Ok(Seen { text, after, exit, state: if in_one_line { text::state(&overview) } else { String::new() } })
}

/// Returns how the next profile of a provider is chosen.
fn explained(
    context: &Context,
    overview: &Overview<'_>,
    provider: &Provider,
    found: &Found,
) -> Result<String> {
    let explanation = explain::explain(&overview.input, provider);
    let explained = Explained::of(explanation, overview, found);
    if context.json() {
        return document(&explained, false);
    }
    Ok(explained.lines().join("\n"))
}

/// Returns the requested form, and computes only that.
fn report(
    context: &Context,
    form: Form,
    asked: &Asked,
    overview: &Overview<'_>,
    found: &Found,
    in_one_line: bool,
) -> Result<String> {
    if form == Form::Picks && !context.json() {
        return Ok(text::picks(overview));
    }
    if form == Form::Plain {
        return Ok(text::plain(overview));
    }
    let beside = Beside::of(overview, found, asked.provider.as_ref().map(Provider::as_str));
    if context.json() {
        return document(&Document::of(&assemble(overview), &beside), in_one_line);
    }
    let layout = Layout { style: Style::stdout(&context.env), columns: out::columns() };
    let mut out = text::text(overview, layout);
    // Sources outside the vault are not shown for a single profile.
    if asked.profile.is_none() {
        out.extend(documents::lines(&beside).iter().flat_map(|line| [line, "\n"]));
    }
    Ok(out)
}
