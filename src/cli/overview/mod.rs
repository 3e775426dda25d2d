//! Shows which credentials are usable and which is next, for `status` and for the `/model` lines of `pin`.

mod client;
mod documents;
mod warnings;

use self::documents::{Agents, Document, Explained};
use super::Context;
use super::context::document;
use crate::client::sources::Found;
use crate::client::sources::by_provider::Beside;
use crate::error::{Code, Result};
use crate::messages::cli::reading;
use crate::ops::status::{self, Asked, Looked, Surroundings, Warning};
use crate::select::assemble::{Overview, assemble};
use crate::select::health::{AgentCheck, Check};
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
    let own = context.agent()?;
    let agents = match vault.filter(|_| asked.all_agents).map(Vault::agents).transpose()? {
        Some(agents) if !agents.is_empty() => agents,
        _ => vec![own],
    };
    let home = vault.map_or_else(|| context.home(), |vault| Ok(vault.home().path().to_owned()))?;
    let ambient = context.ambient();
    let around = Surroundings::look(vault, asked, &ambient);
    let look = |agent| status::look(&around, vault, &home, agent, asked, &ambient);
    let looked = agents.iter().map(look).collect::<Result<Vec<_>>>()?;
    if let (Some(profile), [looked], false) = (&asked.profile, looked.as_slice(), asked.check)
        && looked.profiles.is_empty()
    {
        return Err(reading::no_credentials(profile, &looked.agent));
    }
    let sentences = |looked: &Looked<'_>| looked.warnings.iter().map(warnings::sentence).collect();
    let warnings: Vec<Vec<String>> = looked.iter().map(sentences).collect();
    let overviews: Vec<_> =
        looked.iter().zip(&warnings).map(|(looked, warnings)| looked.overview(asked, warnings)).collect();
    if let (Form::Explained, Some(provider), [overview]) = (form, &asked.provider, overviews.as_slice()) {
        // Warnings about the home were shown when it was opened.
        let of_home = looked.iter().flat_map(|looked| &looked.warnings);
        let shown = of_home.filter(|one| matches!(one, Warning::Home(_))).count();
        for warning in warnings.iter().flatten().skip(shown) {
            context.warn(warning);
        }
        let text = explained(context, overview, provider, &around.found)?;
        return Ok(Seen { text, after: Vec::new(), exit: 0, state: String::new() });
    }
    let check = check(&overviews, &looked, asked);
    let text = report(context, form, asked, (&overviews, &looked, &check), in_one_line)?;
    let mut after = Vec::new();
    if form == Form::Plain && asked.check {
        // The lines list profiles only, so a provider without a key would leave the exit status unexplained.
        for overview in &overviews {
            let agent = overview.input.agent.as_str();
            after.extend(overview.lacking.iter().map(|one| text::no_key(one.provider.as_str(), agent)));
        }
    }
    let exit = if asked.check { check.exit } else { 0 };
    let of_client =
        looked.iter().filter_map(|looked| looked.client.as_ref()).map(|client| client.state.clone());
    let state = if in_one_line {
        overviews.iter().map(text::state).chain(of_client).collect()
    } else {
        String::new()
    };
    Ok(Seen { text, after, exit, state })
}

/// Returns the outcome of `--check`: the one agent's, or that of all of them.
fn check(overviews: &[Overview<'_>], looked: &[Looked<'_>], asked: &Asked) -> Check {
    if let ([overview], false) = (overviews, asked.all_agents) {
        return overview.check();
    }
    let of_agent = |(overview, looked): (&Overview<'_>, &Looked<'_>)| AgentCheck {
        agent: looked.agent.clone(),
        check: overview.check(),
        has_lost: looked.has_lost,
    };
    Check::of_agents(overviews.iter().zip(looked).map(of_agent).collect())
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
    (overviews, looked, check): (&[Overview<'_>], &[Looked<'_>], &Check),
    in_one_line: bool,
) -> Result<String> {
    if form == Form::Picks && !context.json() {
        return Ok(overviews.iter().map(text::picks).collect());
    }
    if form == Form::Plain {
        let plain = if asked.all_agents { text::plain_with_agent } else { text::plain };
        return Ok(overviews.iter().map(plain).collect());
    }
    let provider = asked.provider.as_ref().map(Provider::as_str);
    let both = || overviews.iter().zip(looked);
    let beside: Vec<_> = both().map(|(overview, of)| Beside::of(overview, of.found, provider)).collect();
    if context.json() {
        let reports: Vec<_> = overviews.iter().map(assemble).collect();
        let each = reports.iter().zip(looked).zip(&beside);
        let documents: Vec<_> =
            each.map(|((report, of), beside)| Document::of(report, of.client.as_ref(), beside)).collect();
        return match (documents.as_slice(), reports.first()) {
            ([one], _) if !asked.all_agents => document(one, in_one_line),
            (agents, first) => {
                let home = first.map_or("", |report| &report.home);
                document(&Agents { home, agents, check }, in_one_line)
            }
        };
    }
    let layout = Layout { style: Style::stdout(&context.env), columns: out::columns() };
    let mut blocks = Vec::new();
    for ((overview, of), beside) in both().zip(&beside) {
        let mut block = text::text(overview, layout);
        // What is outside the vault is not shown for a single profile.
        if asked.profile.is_none() {
            let client = of.client.as_ref().map(client::lines).unwrap_or_default();
            block.extend(client.iter().chain(&documents::lines(beside)).flat_map(|line| [line, "\n"]));
        }
        blocks.push(block);
    }
    Ok(blocks.join("\n"))
}
