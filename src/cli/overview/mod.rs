//! Shows which credentials are usable and which is next, for `status` and for the `/model` lines of `pin`.

mod documents;
mod warnings;

use self::documents::{Document, Explained};
use super::Context;
use crate::client::sources::Found;
use crate::client::sources::by_provider::Beside;
use crate::error::{Code, Result};
use crate::messages::cli::reading;
use crate::ops::status::{self, Asked, Warning};
use crate::select::assemble::{Overview, assemble};
use crate::select::{explain, text};
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

/// Reads the state and shows it. Returns the exit status.
///
/// # Errors
/// Those of opening the home, and of reading it and the index; `NOT_FOUND`.
pub(super) fn show(context: &mut Context, form: Form, asked: &Asked) -> Result<u8> {
    let vault = vault_if_any(context, asked.profile.is_none() || asked.check)?;
    let agent = context.agent()?;
    let home = vault.as_ref().map_or_else(|| context.home(), |vault| Ok(vault.home().path().to_owned()))?;
    let looked = status::look(vault.as_ref(), &home, &agent, asked, &context.ambient())?;
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
        tell_explained(context, &overview, provider, &looked.found)?;
        return Ok(0);
    }
    tell(context, form, asked, &overview, &looked.found)?;
    Ok(if asked.check { overview.check().exit } else { 0 })
}

/// Returns the vault, or `None` if the default home has no vault and `optional` is set.
///
/// Keys outside a vault can be shown without one, but a home that is named must have a vault.
fn vault_if_any(context: &Context, optional: bool) -> Result<Option<Vault>> {
    match context.vault_unasked() {
        Err(error) if error.code() == Code::NoVault && optional && !context.names_home() => Ok(None),
        vault => vault.map(Some),
    }
}

/// Shows how the next profile of a provider is chosen.
fn tell_explained(
    context: &mut Context,
    overview: &Overview<'_>,
    provider: &Provider,
    found: &Found,
) -> Result<()> {
    let explanation = explain::explain(&overview.input, provider);
    let explained = Explained::of(explanation, overview, found);
    if context.json() {
        return context.print_json(&explained);
    }
    context.print(&explained.lines().join("\n"))
}

/// Shows the requested form, and computes only that.
fn tell(
    context: &mut Context,
    form: Form,
    asked: &Asked,
    overview: &Overview<'_>,
    found: &Found,
) -> Result<()> {
    if form == Form::Picks && !context.json() {
        return context.print(&text::picks(overview));
    }
    if form == Form::Plain {
        context.print(&text::plain(overview))?;
        // The lines list profiles only, so a provider without a key would leave the exit status unexplained.
        for lacking in overview.lacking.iter().filter(|_| asked.check) {
            context.warn(&text::no_key(lacking.provider.as_str(), overview.input.agent.as_str()));
        }
        return Ok(());
    }
    let beside = Beside::of(overview, found, asked.provider.as_ref().map(Provider::as_str));
    if context.json() {
        return context.print_json(&Document::of(&assemble(overview), &beside));
    }
    let mut out = text::text(overview);
    // Sources outside the vault are not shown for a single profile.
    if asked.profile.is_none() {
        out.extend(documents::lines(&beside).iter().flat_map(|line| [line, "\n"]));
    }
    context.print(&out)
}
