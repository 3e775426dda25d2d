//! Keys outside the vault together with the profiles: which source of each provider the client uses, which it passes
//! over, and the prompt caching of its configuration.

use serde::Serialize;

use super::{Found, Held, ProviderSources, Rank, Variable, rank};
use crate::client::prompt_cache::{self, Policy};
use crate::messages::client as messages;
use crate::select::assemble::Overview;
use crate::select::profile::ProfileView;

/// The kind of a source that is a profile.
const PROFILE: &str = "profile";
/// The kind of a source in the working directory.
const WORKING_DIRECTORY: &str = "working_directory";
/// The longest name of a model that is shown, in bytes.
const MODEL_MAX: usize = 120;

/// Sources outside the vault, by provider.
#[derive(Serialize)]
pub struct Beside<'a> {
    /// The providers that have any.
    pub providers: Vec<OfProvider<'a>>,
    /// Warnings about files that could not be read, or that others can read.
    pub warnings: &'a [String],
    /// Prompt caching of the models that the configuration names.
    #[serde(skip)]
    pub prompt_cache: Vec<ModelPolicy>,
}

/// A provider's sources.
#[derive(Serialize)]
pub struct OfProvider<'a> {
    /// The provider.
    pub provider: &'a str,
    /// The source that the client uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub winner: Option<Source>,
    /// The sources that it passes over.
    pub shadowed: Vec<Source>,
    /// The sources in the working directory, which are never used.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignored: Vec<Source>,
    /// The sources that it also uses at a rate limit.
    pub pool: Vec<Source>,
    /// The source that a service uses, if there is no profile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<Source>,
}

/// A profile or a variable.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// `profile`, or the place of the variable: `process`, `working_directory`, `dotenv`,
    /// `config`, `config_provider`, `login_shell`, `left_behind`.
    pub kind: &'static str,
    /// The profile or the variable.
    pub name: String,
    /// The file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What it refers to, if it does not contain the key itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The source in words.
    #[serde(skip)]
    pub told: String,
}

/// Prompt caching of a model.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelPolicy {
    /// The model.
    pub model: String,
    /// What the configuration asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub configured: Option<&'static str>,
    /// Its effect.
    #[serde(flatten)]
    pub policy: Policy,
}

impl<'a> Beside<'a> {
    /// Combines what was found with the profiles; only for `provider` if one is given.
    #[must_use]
    pub fn of(overview: &Overview<'_>, found: &'a Found, provider: Option<&str>) -> Self {
        let ranked = rank(&found.variables);
        let prompt_cache = policies(overview, found, &ranked, provider);
        let providers = ranked
            .iter()
            .filter(|sources| provider.is_none_or(|wanted| wanted == sources.provider))
            .map(|sources| OfProvider::of(sources, overview.next_of(sources.provider)))
            .collect();
        Self { providers, warnings: &found.warnings, prompt_cache }
    }
}

impl<'a> OfProvider<'a> {
    /// Combines a provider's sources with the profile that is used next.
    #[must_use]
    pub fn of(sources: &ProviderSources<'a>, profile: Option<&ProfileView>) -> Self {
        let all = |variables: &[&Variable]| variables.iter().map(|v| Source::of(v)).collect::<Vec<_>>();
        let of_shadowed = sources.shadowed.iter().map(|(variable, _)| Source::of(variable));
        let (ignored, mut shadowed): (Vec<_>, Vec<_>) = of_shadowed.partition(Source::is_ignored);
        let profile = profile.map(Source::profile);
        let winner = sources.winner.map(Source::of);
        // One of the two is used, and takes precedence over the other.
        let (used, passed) = match profile {
            None => (winner, None),
            Some(profile) if is_preferred(sources) => (winner, Some(profile)),
            Some(profile) => (Some(profile), winner),
        };
        shadowed.splice(0..0, passed);
        let by_profile = used.as_ref().is_some_and(|used| used.kind == PROFILE);
        Self {
            provider: sources.provider,
            winner: used,
            shadowed,
            ignored,
            pool: all(&sources.pool),
            service: sources.service.map(Source::of).filter(|_| !by_profile),
        }
    }

    /// Returns the lines for people.
    #[must_use]
    pub fn told(&self) -> Vec<String> {
        let list = |sources: &[Source]| {
            sources.iter().map(|source| source.told.as_str()).collect::<Vec<_>>().join(", ")
        };
        let ignored = self.told_ignored().map(|told| format!("  {told}"));
        let Some(winner) = &self.winner else {
            let mut lines = vec![messages::nothing_used(self.provider)];
            if !self.shadowed.is_empty() {
                lines[0].push_str(&messages::passed_over(&list(&self.shadowed)));
            }
            lines.extend(ignored);
            return lines;
        };
        let mut lines = vec![messages::used(self.provider, &winner.told)];
        if !self.shadowed.is_empty() {
            lines[0].push_str(&messages::shadows(&list(&self.shadowed)));
        }
        if !self.pool.is_empty() {
            lines.push(messages::pool(&list(&self.pool)));
        }
        match &self.service {
            _ if winner.kind == PROFILE => {}
            None => lines.push(messages::NOT_IN_SERVICE.to_owned()),
            Some(service) if service.told != winner.told => {
                lines.push(messages::in_service(&service.told));
            }
            Some(_) => {}
        }
        lines.extend(ignored);
        lines
    }

    /// Returns the sources in the working directory in words.
    #[must_use]
    pub fn told_ignored(&self) -> Option<String> {
        let names: Vec<_> = self.ignored.iter().map(|source| source.told.as_str()).collect();
        (!names.is_empty()).then(|| messages::ignored(&names.join(", ")))
    }
}

/// Returns whether the configuration makes the client prefer its own key to profiles.
#[must_use]
pub fn is_preferred(sources: &ProviderSources<'_>) -> bool {
    sources.winner.is_some_and(|winner| winner.rank == Rank::Preferred)
}

impl Source {
    fn profile(view: &ProfileView) -> Self {
        Self {
            kind: PROFILE,
            name: view.id.to_string(),
            path: None,
            reference: None,
            told: format!("profile {}", view.id),
        }
    }

    /// Returns whether it is in the working directory.
    fn is_ignored(&self) -> bool {
        self.kind == WORKING_DIRECTORY
    }

    /// Returns whether it contains a key in plaintext.
    #[must_use]
    pub fn can_be_sealed(&self) -> bool {
        self.kind != PROFILE && self.reference.is_none()
    }

    fn of(variable: &Variable) -> Self {
        let reference = match &variable.held {
            Held::Reference(label) => Some(label.clone()),
            _ => None,
        };
        let refers = reference.as_ref().map(|label| format!(" (a reference: {label})")).unwrap_or_default();
        Self {
            kind: variable.origin.kind(),
            name: variable.name.clone(),
            path: variable.origin.path().map(strongroom_backends::shown),
            told: format!("{} in {}{refers}", variable.name, variable.origin.told()),
            reference,
        }
    }
}

fn policies(
    overview: &Overview<'_>,
    found: &Found,
    ranked: &[ProviderSources<'_>],
    wanted: Option<&str>,
) -> Vec<ModelPolicy> {
    let Some(config) = &found.config else { return Vec::new() };
    let models = config.cached_models(overview.input.agent.as_str());
    let policy = |(name, params): (String, prompt_cache::Params)| {
        let (provider, model) = name.split_once('/')?;
        if wanted.is_some_and(|wanted| wanted != provider) || name.len() > MODEL_MAX {
            return None;
        }
        if !matches!(provider, "anthropic" | "amazon-bedrock") && params.asked().is_none() {
            return None;
        }
        let sources = ranked.iter().find(|sources| sources.provider == provider);
        let of_profile =
            overview.next_of(provider).filter(|_| !sources.is_some_and(is_preferred)).map(|view| view.kind);
        let credential = of_profile.or_else(|| Some(sources?.winner?.kind()));
        let policy = prompt_cache::policy(provider, model, params, credential);
        let configured = params.asked().map(prompt_cache::Retention::as_str);
        Some(ModelPolicy { configured, policy, model: name })
    };
    models.into_iter().filter_map(policy).collect()
}
