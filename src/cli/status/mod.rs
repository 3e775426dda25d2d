//! `status`: which credentials are usable, which is next, and for `--check` an exit status.

mod seen;

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use strongroom_backends::as_data;

use super::Context;
use super::client;
use super::context::not_a_secret;
use super::in_use;
use super::list::{View, unlisted};
use super::report::session_name;
use super::sources;
use crate::client::alias::ALIASES;
use crate::client::selection;
use crate::client::sources::Found;
use crate::doctor::unlock::ONLY_KEYCHAIN;
use crate::error::{Code, Result, fail};
use crate::select::assemble::{Input, Overview, assemble};
use crate::select::explain;
use crate::select::health::WARN_AFTER_MS;
use crate::select::pin::{Model, SessionName};
use crate::select::report::Only;
use crate::select::state::State;
use crate::select::text;
use crate::unlock::{cache, keychain_key};
use crate::vault::home::{Session, Vault};
use crate::vault::id::{ProfileId, Provider};
use crate::vault::index::{self, Index};
use crate::when::parse_duration;
use seen::{behind, verify, views_of};

pub(super) use seen::read_state;

/// Show which credentials are usable, and which is next.
///
/// Shows the index, without unlocking. --check opens the records where it can without asking.
#[derive(Debug, Args)]
pub struct Status {
    /// Exit with 0 if all are usable, 1 if any is expired or missing, 2 if any expires soon
    #[arg(long)]
    check: bool,
    /// One line a profile, its fields parted by tabs
    #[arg(long, conflicts_with = "json")]
    plain: bool,
    /// Look at one provider only
    #[arg(long, value_name = "P")]
    provider: Option<String>,
    /// Look at one profile only
    #[arg(long, value_name = "ID")]
    profile: Option<String>,
    /// Look as this session: with its pin
    #[arg(long, value_name = "S")]
    session: Option<String>,
    /// Say step by step how the next profile of a provider is found
    #[arg(long, value_name = "P", conflicts_with_all = ["check", "plain", "provider", "profile"])]
    explain: Option<String>,
    /// How long before its end a credential counts as expiring
    #[arg(long, value_name = "TIME", default_value = "24h")]
    expiring_within: String,
    /// Look into the login shell too, where the client's configuration enables that
    #[arg(long)]
    sources: bool,
}

/// What is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Everything,
    /// What a session can pick from.
    Picks,
}

/// `/model status` of a session.
pub(super) fn show_for(context: &mut Context, session: &SessionName) -> Result<u8> {
    show(context, &of_session(session), Form::Everything)
}

/// `/model list` of a session.
pub(super) fn list_for(context: &mut Context, session: &SessionName) -> Result<u8> {
    show(context, &of_session(session), Form::Picks)
}

fn of_session(session: &SessionName) -> Status {
    Status {
        check: false,
        plain: false,
        provider: None,
        profile: None,
        session: Some(session.to_string()),
        explain: None,
        expiring_within: "24h".to_owned(),
        sources: false,
    }
}

pub(super) fn run(context: &mut Context, args: &Status) -> Result<u8> {
    show(context, args, Form::Everything)
}

const UNFINISHED: &str = "a committed change is not yet put in place; the next change finishes it";

/// The provider and the model that are asked about.
fn asked(args: &Status) -> Result<(Option<Provider>, Option<Model>)> {
    let (explained, model) = match args.explain.as_deref().map(|asked| (asked, asked.split_once('/'))) {
        Some((_, Some((provider, model)))) => (Some(provider), Some(model)),
        Some((provider, None)) => (Some(provider), None),
        None => (None, None),
    };
    let provider = explained.or(args.provider.as_deref());
    for text in provider.into_iter().chain(model) {
        not_a_secret(text)?;
    }
    Ok((provider.map(str::parse).transpose()?, model.map(str::parse).transpose()?))
}

fn show(context: &mut Context, args: &Status, form: Form) -> Result<u8> {
    let (provider, model) = asked(args)?;
    let named = args.session.as_deref().map(session_name).transpose()?;
    let profile = args.profile.as_deref().map(|id| context.profile_id(id)).transpose()?;
    let window = if args.expiring_within == "24h" {
        WARN_AFTER_MS
    } else {
        parse_duration("--expiring-within", &args.expiring_within)?
    };
    let vault = vault_if_any(context, profile.is_none() || args.check)?;
    let agent = context.agent()?;
    let mut warnings = Vec::new();
    if let Some(vault) = &vault {
        warnings.extend(vault.notices().iter().cloned());
        warnings.extend(behind(vault, &agent)?);
        if keychain_key::is_unseen(vault.home()) && vault.slots()?.len() == 1 {
            warnings.push(format!("{ONLY_KEYCHAIN}; keep the output of `strongroom recovery-key`"));
        }
    }
    let told = vault.as_ref().map_or(0, |vault| vault.notices().len());
    let config = client::config(context, |warning| warnings.push(warning.to_owned()));
    let found = sources::look_with(context, args.sources, config);
    let config = found.config.as_ref();
    let policy = config.map_or_else(selection::none, |config| config.selection.clone());
    let session = vault.as_ref().filter(|_| args.check).and_then(|vault| open(context, vault, &mut warnings));

    let mut views = Vec::new();
    let mut orders = BTreeMap::new();
    let mut state = State::default();
    let mut served = BTreeSet::new();
    if let Some(vault) = &vault
        && let Some(found) = vault.agent(&agent)?
    {
        state = read_state(&found, &mut warnings);
        let seen = View::of(context, vault, found)?;
        let lost = seen.unlisted();
        if !lost.is_empty() {
            warnings.push(unlisted(agent.as_str(), &lost));
        }
        warnings.extend(seen.unfinished.then(|| UNFINISHED.to_owned()));
        warnings.extend(named.as_ref().and_then(|name| without_effect(name, &state, &seen.index)));
        orders = seen.index.orders().into_iter().collect();
        views = views_of(&seen, &mut warnings);
        for view in &views {
            if !served.contains(&view.provider) {
                served.insert(view.provider.clone());
            }
        }
        views.retain(|view| provider.as_ref().is_none_or(|wanted| ALIASES.shared(&view.provider, wanted)));
        views.retain(|view| profile.as_ref().is_none_or(|wanted| view.id == *wanted));
        if let Some(session) = &session {
            verify(vault, session, &agent, &mut views, &mut warnings)?;
        }
    }
    if let (Some(profile), true, false) = (&profile, views.is_empty(), args.check) {
        return fail(
            Code::NotFound,
            format!("No credentials found for profile \"{profile}\" (agent {agent})"),
        );
    }
    let only = only_of(profile.as_ref(), provider.as_ref());
    let lacking = in_use::lacking(context, vault.as_ref(), &agent, &found, &served, &only);
    if !lacking.is_empty() && !args.sources && found.shell(&context.env).is_some() {
        warnings.push(
            "the login shell, where the client looks too, was not looked into: add --sources".to_owned(),
        );
    }
    let path = vault.as_ref().map_or_else(|| context.home(), |vault| Ok(vault.home().path().to_owned()))?;
    let home = as_data(&path);
    let store_path = as_data(&path.join("agents").join(agent.as_str()).join(index::FILE));
    let now = context.env.now();
    let elsewhere = in_use::elsewhere(vault.as_ref(), &agent, views.is_empty(), &lacking, &only);
    let input = Input {
        home: &home,
        agent: &agent,
        store_path: &store_path,
        profiles: &views,
        orders: &orders,
        state: &state,
        policy: &policy,
        session: named.as_ref(),
        model: model.as_ref(),
        lacking: &lacking,
        only: &only,
        endpoints: config.map_or(&[], |config| config.endpoints.as_slice()),
        warnings: &warnings,
        now,
        warn_after_ms: window,
        unlocked_until: vault.as_ref().and_then(|vault| cached_until(context, vault, now)),
        elsewhere: &elsewhere,
        beside: in_use::is_served_beside(&found, &lacking, &only),
        has_vault: vault.is_some(),
    };
    let overview = Overview::of(input);
    if let (Some(_), Some(provider)) = (&args.explain, &provider) {
        for warning in warnings.iter().skip(told) {
            context.warn(warning);
        }
        return tell_explained(context, &overview, provider, &found);
    }
    tell(context, args, form, &overview, &found)?;
    Ok(if args.check { overview.check().exit } else { 0 })
}

/// Shows how the next profile of a provider is found.
fn tell_explained(
    context: &mut Context,
    overview: &Overview<'_>,
    provider: &Provider,
    found: &Found,
) -> Result<u8> {
    let explanation = explain::explain(&overview.input, provider);
    let explained = sources::Explained::of(explanation, overview, found);
    if context.json() {
        context.print_json(&explained)?;
    } else {
        context.print(&explained.lines().join("\n"))?;
    }
    Ok(0)
}

/// Shows the part that is asked for, and makes no other.
fn tell(
    context: &mut Context,
    args: &Status,
    form: Form,
    overview: &Overview<'_>,
    found: &Found,
) -> Result<()> {
    if form == Form::Picks && !context.json() {
        return context.print(&text::picks(overview));
    }
    if args.plain {
        context.print(&text::plain(overview))?;
        // The lines are of profiles only, and the exit status is to be understood.
        for lacking in overview.lacking.iter().filter(|_| args.check) {
            context.warn(&text::no_key(lacking.provider.as_str(), overview.input.agent.as_str()));
        }
        return Ok(());
    }
    let beside = sources::Beside::of(overview, found, args.provider.as_deref());
    if context.json() {
        return context.print_json(&sources::Document::of(&assemble(overview), &beside));
    }
    let mut out = text::text(overview);
    // If one profile is asked for, sources outside the vault are not shown.
    if args.profile.is_none() {
        out.extend(beside.lines().iter().flat_map(|line| [line, "\n"]));
    }
    context.print(&out)
}

/// The vault; none if there is none in its default place and that will do. Keys beside a vault can be told without
/// one, but who names a home means the vault in it.
fn vault_if_any(context: &Context, will_do: bool) -> Result<Option<Vault>> {
    match context.vault_unasked() {
        Err(error) if error.code() == Code::NoVault && will_do && !context.names_home() => Ok(None),
        vault => vault.map(Some),
    }
}

/// What alone is asked for.
fn only_of(profile: Option<&ProfileId>, provider: Option<&Provider>) -> Only {
    match (profile, provider) {
        (Some(profile), _) => Only::Profile(profile.clone()),
        (None, Some(provider)) => Only::Provider(provider.clone()),
        (None, None) => Only::All,
    }
}

/// That a session is pinned to a profile that is not there.
fn without_effect(session: &SessionName, state: &State, index: &Index) -> Option<String> {
    let pin = state.pins.get(session)?;
    (!index.contains(pin.profile.as_str())).then(|| {
        format!(
            "session {session} is pinned to {}, which is not there any more: the pin has no effect",
            pin.profile
        )
    })
}

fn open(context: &Context, vault: &Vault, warnings: &mut Vec<String>) -> Option<Session> {
    match context.session_unasked(vault) {
        Ok(session) => Some(session),
        Err(error) => {
            warnings.push(format!("records are unverified: {}", error.what()));
            None
        }
    }
}

/// Until when the vault is open by the cache.
fn cached_until(context: &Context, vault: &Vault, now: i64) -> Option<i64> {
    let agent = context.named().agent;
    let cache = cache::read(&vault.in_cache(agent.as_deref()), &vault.slots().ok()?, now)?;
    Some(cache.until)
}
