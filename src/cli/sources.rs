//! What `status`, `doctor` and `import --from env` say of sources beside the vault, and what the
//! client's configuration makes of prompt caching.

use std::path::PathBuf;

use serde::Serialize;

use super::Context;
use crate::client::config::ClientConfig;
use crate::client::prompt_cache::{self, Policy};
use crate::client::sources::{Found, Held, ProviderSources, Rank, Variable, rank};
use crate::doctor::Finding;
use crate::select::assemble::Overview;
use crate::select::explain::{self, Explanation, Step, StepKind};
use crate::select::profile::ProfileView;
use crate::select::report::Report;
use crate::term::escape::safe;

const CHECK: &str = "sources";
/// The kind of a source that is a profile.
const PROFILE: &str = "profile";
/// The kind of a source in the working directory.
const WORKING_DIRECTORY: &str = "working_directory";
/// The longest name of a model that is shown.
const MODEL_MAX: usize = 120;

/// The explanation of `status` with what stands beside the vault.
#[derive(Serialize)]
pub(super) struct Explained {
    #[serde(flatten)]
    explanation: Explanation,
    /// What the client takes, where something stands beside the vault.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Source>,
}

impl Explained {
    /// Ends an explanation with the source that wins, where something stands beside the vault.
    pub(super) fn of(mut explanation: Explanation, overview: &Overview<'_>, found: &Found) -> Self {
        let beside = Beside::of(overview, found, Some(&explanation.provider));
        let sources = beside.providers.into_iter().next();
        let Some(sources) = sources else { return Self { explanation, source: None } };
        let found = sources.told().iter().map(|line| line.trim_start().to_owned()).collect();
        explanation.steps.push(Step { step: StepKind::Source, found });
        Self { explanation, source: sources.winner }
    }

    /// The lines for people.
    pub(super) fn lines(&self) -> Vec<String> {
        explain::text(&self.explanation)
    }
}

/// Looks for sources; in the login shell only where that is asked for, and enabled.
pub(super) fn look(context: &Context, in_shell: bool) -> Found {
    in_shell_too(context, in_shell, Found::look(&context.env, here().as_deref()))
}

/// The same where the client's configuration was read already, and what is wrong with it told.
pub(super) fn look_with(context: &Context, in_shell: bool, config: Option<ClientConfig>) -> Found {
    in_shell_too(context, in_shell, Found::look_with(&context.env, here().as_deref(), config))
}

fn here() -> Option<PathBuf> {
    std::env::current_dir().ok()
}

fn in_shell_too(context: &Context, in_shell: bool, mut found: Found) -> Found {
    if in_shell {
        found.look_in_shell(&context.env);
    }
    found
}

/// The report of `status` with what stands beside the vault.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Document<'a> {
    #[serde(flatten)]
    report: &'a Report,
    sources: &'a Beside<'a>,
    prompt_cache: &'a [ModelPolicy],
}

impl<'a> Document<'a> {
    /// A report with what was found beside it.
    pub(super) fn of(report: &'a Report, beside: &'a Beside<'a>) -> Self {
        Self { report, sources: beside, prompt_cache: &beside.prompt_cache }
    }
}

/// What stands beside the vault: sources by provider.
#[derive(Serialize)]
pub(super) struct Beside<'a> {
    providers: Vec<OfProvider<'a>>,
    warnings: &'a [String],
    #[serde(skip)]
    prompt_cache: Vec<ModelPolicy>,
}

/// A provider's sources.
#[derive(Serialize)]
struct OfProvider<'a> {
    provider: &'a str,
    /// What the client takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    winner: Option<Source>,
    /// What it passes over.
    shadowed: Vec<Source>,
    /// What the working directory has, which is never taken.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ignored: Vec<Source>,
    /// What it goes on to at a rate limit.
    pool: Vec<Source>,
    /// What a service takes, where no profile serves.
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<Source>,
}

/// A profile or a variable.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Source {
    /// `profile`, or where the variable stands: `process`, `working_directory`, `dotenv`,
    /// `config`, `config_provider`, `login_shell`, `left_behind`.
    kind: &'static str,
    /// The profile or the variable.
    name: String,
    /// The file.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// What it refers to, where it does not hold the key itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    /// The same for people.
    #[serde(skip)]
    told: String,
}

/// Prompt caching of a model.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ModelPolicy {
    model: String,
    /// What the configuration asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    configured: Option<&'static str>,
    #[serde(flatten)]
    policy: Policy,
}

impl<'a> Beside<'a> {
    /// What was found, as it goes with the profiles. With `provider`, of that one only.
    pub(super) fn of(overview: &Overview<'_>, found: &'a Found, provider: Option<&str>) -> Self {
        let ranked = rank(&found.variables);
        let prompt_cache = policies(overview, found, &ranked, provider);
        let providers = ranked
            .iter()
            .filter(|sources| provider.is_none_or(|wanted| wanted == sources.provider))
            .map(|sources| OfProvider::of(sources, overview.next_of(sources.provider)))
            .collect();
        Self { providers, warnings: &found.warnings, prompt_cache }
    }

    /// The lines for people; none where nothing stands beside the vault.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let Self { providers, warnings, .. } = self;
        if !providers.is_empty() || !warnings.is_empty() {
            lines.extend([String::new(), "Sources beside the vault".to_owned()]);
        }
        for sources in providers {
            lines.extend(sources.told().into_iter().map(|line| format!("  {line}")));
        }
        lines.extend(warnings.iter().map(|warning| format!("  Warning: {}", safe(warning))));
        if providers.iter().any(|sources| sources.winner.as_ref().is_some_and(Source::can_be_sealed)) {
            lines.push("  To keep them sealed: strongroom import --from env".to_owned());
        }
        if !self.prompt_cache.is_empty() {
            lines.extend([String::new(), "Prompt cache".to_owned()]);
        }
        lines.extend(
            self.prompt_cache
                .iter()
                .map(|of| format!("  {}  {}", safe(&of.model), prompt_cache::phrase(&of.policy))),
        );
        lines
    }
}

impl<'a> OfProvider<'a> {
    fn of(sources: &ProviderSources<'a>, profile: Option<&ProfileView>) -> Self {
        let all = |variables: &[&Variable]| variables.iter().map(|v| Source::of(v)).collect::<Vec<_>>();
        let of_shadowed = sources.shadowed.iter().map(|(variable, _)| Source::of(variable));
        let (ignored, mut shadowed): (Vec<_>, Vec<_>) = of_shadowed.partition(Source::is_ignored);
        let profile = profile.map(Source::profile);
        let winner = sources.winner.map(Source::of);
        // One of both is used, and it shadows the other.
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

    fn told(&self) -> Vec<String> {
        let list = |sources: &[Source]| {
            sources.iter().map(|source| source.told.as_str()).collect::<Vec<_>>().join(", ")
        };
        let ignored = self.told_ignored().map(|told| format!("  {told}"));
        let Some(winner) = &self.winner else {
            let mut lines = vec![format!("{}: nothing is used", self.provider)];
            if !self.shadowed.is_empty() {
                lines[0].push_str(&format!("; passed over: {}", list(&self.shadowed)));
            }
            lines.extend(ignored);
            return lines;
        };
        let mut lines = vec![format!("{}: {} is used", self.provider, winner.told)];
        if !self.shadowed.is_empty() {
            lines[0].push_str(&format!("; it shadows {}", list(&self.shadowed)));
        }
        if !self.pool.is_empty() {
            lines.push(format!("  at a rate limit also {}", list(&self.pool)));
        }
        match &self.service {
            _ if winner.kind == PROFILE => {}
            None => lines.push("  a service does not see it".to_owned()),
            Some(service) if service.told != winner.told => {
                lines.push(format!("  a service takes {}", service.told));
            }
            Some(_) => {}
        }
        lines.extend(ignored);
        lines
    }

    /// What the working directory has, for people.
    fn told_ignored(&self) -> Option<String> {
        let names: Vec<_> = self.ignored.iter().map(|source| source.told.as_str()).collect();
        let why = "OpenClaw takes no provider's key from a .env in the working directory";
        (!names.is_empty()).then(|| format!("ignored: {} ({why})", names.join(", ")))
    }
}

/// Whether the client is told to take the configuration's key before profiles.
fn is_preferred(sources: &ProviderSources<'_>) -> bool {
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

    /// Whether it stands in the working directory.
    fn is_ignored(&self) -> bool {
        self.kind == WORKING_DIRECTORY
    }

    /// Whether it holds a key in plain text.
    fn can_be_sealed(&self) -> bool {
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

/// What `doctor` finds beside the vault. `served` says whether a provider has a profile.
pub(super) fn findings(context: &Context, served: impl Fn(&str) -> bool) -> Vec<Finding> {
    let found = look(context, true);
    let mut findings = Vec::new();
    for sources in rank(&found.variables) {
        let of = OfProvider::of(&sources, None);
        if served(sources.provider) && !is_preferred(&sources) {
            // A reference holds nothing that should be sealed.
            let plain = of.winner.iter().chain(&of.shadowed).filter(|source| source.can_be_sealed());
            let names: Vec<&str> = plain.map(|source| source.told.as_str()).collect();
            if !names.is_empty() {
                let what = format!("{}: the vault's profiles shadow {}", sources.provider, names.join(", "));
                findings.push(
                    Finding::note(CHECK, what)
                        .with_remedy("remove it there: it is not needed, and it is not sealed"),
                );
            }
            let ignored = of.told_ignored().map(|told| format!("{}: {told}", sources.provider));
            findings.extend(ignored.map(|what| Finding::note(CHECK, what)));
            continue;
        }
        let note = Finding::note(CHECK, of.told().join(";").replace(";  ", "; "));
        findings.push(match &of.winner {
            Some(winner) if winner.reference.is_some() => note,
            Some(_) => note.with_remedy("keep it sealed: strongroom import --from env; then remove it there"),
            None => note.with_remedy(
                "OpenClaw does not use it: remove it there, or, if it is yours, import that file by its path",
            ),
        });
    }
    findings.extend(found.warnings.iter().map(|warning| Finding::note(CHECK, warning.clone())));
    if findings.is_empty() {
        findings.push(Finding::ok(CHECK, "no provider keys found outside the vault"));
    }
    findings
}
