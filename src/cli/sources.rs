//! What `status`, `doctor` and `import --from env` say of sources beside the vault, and what the
//! client's configuration makes of prompt caching.

use std::path::PathBuf;

use serde::Serialize;

use super::Context;
use crate::doctor::Finding;
use crate::env_names;
use crate::select::prompt_cache::{self, Policy};
use crate::select::report::{Report, Sealed};
use crate::sources::config::ClientConfig;
use crate::sources::{Found, ProviderSources, Variable, rank};
use crate::term::escape::safe;
use crate::vault::credential::CredentialType;

const CHECK: &str = "sources";
/// The longest name of a model that is shown.
const MODEL_MAX: usize = 120;

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
    sources: Beside,
    prompt_cache: Vec<ModelPolicy>,
}

/// Sources by provider.
#[derive(Serialize)]
struct Beside {
    providers: Vec<OfProvider>,
    warnings: Vec<String>,
}

/// A provider's sources.
#[derive(Serialize)]
struct OfProvider {
    provider: &'static str,
    /// What the client takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    winner: Option<Source>,
    /// What it passes over.
    shadowed: Vec<Source>,
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
    /// `config`, `login_shell`, `left_behind`.
    kind: &'static str,
    /// The profile or the variable.
    name: String,
    /// The file.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
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

impl<'a> Document<'a> {
    /// Puts what was found beside a report. With `provider`, of that one only.
    pub(super) fn of(report: &'a Report, found: &Found, provider: Option<&str>) -> Self {
        let ranked = rank(&found.variables);
        let prompt_cache = policies(report, found, &ranked, provider);
        let providers = ranked
            .iter()
            .filter(|sources| provider.is_none_or(|wanted| wanted == sources.provider))
            .map(|sources| OfProvider::of(sources, profile_in_use(report, sources.provider)))
            .collect();
        Self { report, sources: Beside { providers, warnings: found.warnings.clone() }, prompt_cache }
    }

    /// The lines for people; none where nothing stands beside the vault.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let Beside { providers, warnings } = &self.sources;
        if !providers.is_empty() || !warnings.is_empty() {
            lines.extend([String::new(), "Sources beside the vault".to_owned()]);
        }
        for sources in providers {
            lines.extend(sources.told().into_iter().map(|line| format!("  {line}")));
        }
        lines.extend(warnings.iter().map(|warning| format!("  Warning: {}", safe(warning))));
        if providers.iter().any(|sources| sources.winner.as_ref().is_some_and(|w| w.kind != "profile")) {
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

impl OfProvider {
    fn of(sources: &ProviderSources<'_>, profile: Option<&Sealed>) -> Self {
        let all = |variables: &[&Variable]| variables.iter().map(|v| Source::of(v)).collect::<Vec<_>>();
        let mut shadowed: Vec<Source> = sources.shadowed.iter().map(|(v, _)| Source::of(v)).collect();
        let Some(profile) = profile else {
            return Self {
                provider: sources.provider,
                winner: sources.winner.map(Source::of),
                shadowed,
                pool: all(&sources.pool),
                service: sources.service.map(Source::of),
            };
        };
        shadowed.splice(0..0, sources.winner.map(Source::of));
        Self {
            provider: sources.provider,
            winner: Some(Source {
                kind: "profile",
                name: profile.profile_id.clone(),
                path: None,
                told: format!("profile {}", profile.profile_id),
            }),
            shadowed,
            pool: all(&sources.pool),
            service: None,
        }
    }

    fn told(&self) -> Vec<String> {
        let list = |sources: &[Source]| {
            sources.iter().map(|source| source.told.as_str()).collect::<Vec<_>>().join(", ")
        };
        let Some(winner) = &self.winner else {
            return vec![format!(
                "{}: nothing is used; passed over: {}",
                self.provider,
                list(&self.shadowed)
            )];
        };
        let mut lines = vec![format!("{}: {} is used", self.provider, winner.told)];
        if !self.shadowed.is_empty() {
            lines[0].push_str(&format!("; it shadows {}", list(&self.shadowed)));
        }
        if !self.pool.is_empty() {
            lines.push(format!("  at a rate limit also {}", list(&self.pool)));
        }
        match &self.service {
            _ if winner.kind == "profile" => {}
            None => lines.push("  a service does not see it".to_owned()),
            Some(service) if service.told != winner.told => {
                lines.push(format!("  a service takes {}", service.told));
            }
            Some(_) => {}
        }
        lines
    }
}

impl Source {
    fn of(variable: &Variable) -> Self {
        Self {
            kind: variable.origin.kind(),
            name: variable.name.clone(),
            path: variable.origin.path().map(strongroom_backends::shown),
            told: format!("{} in {}", variable.name, variable.origin.told()),
        }
    }
}

/// The profile that selection says is next.
fn profile_in_use<'r>(report: &'r Report, provider: &str) -> Option<&'r Sealed> {
    let selection = report.vault.providers.iter().find(|selection| selection.provider == provider)?;
    let next = selection.next.as_ref()?;
    report.vault.profiles.iter().find(|sealed| sealed.profile_id == *next)
}

fn policies(
    report: &Report,
    found: &Found,
    ranked: &[ProviderSources<'_>],
    wanted: Option<&str>,
) -> Vec<ModelPolicy> {
    let Some(config) = &found.config else { return Vec::new() };
    let models = config.cached_models(&report.agent);
    let policy = |(name, params): (String, prompt_cache::Params)| {
        let (provider, model) = name.split_once('/')?;
        if wanted.is_some_and(|wanted| wanted != provider) || name.len() > MODEL_MAX {
            return None;
        }
        if !matches!(provider, "anthropic" | "amazon-bedrock") && params.asked().is_none() {
            return None;
        }
        let of_profile =
            profile_in_use(report, provider).and_then(|sealed| CredentialType::parse(sealed.kind));
        let of_variable = || {
            let sources = ranked.iter().find(|sources| sources.provider == provider)?;
            Some(sources.winner?.kind())
        };
        let credential = of_profile.or_else(of_variable);
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
        let profile = served(sources.provider);
        let of = OfProvider::of(&sources, None);
        let names: Vec<&str> =
            of.winner.iter().chain(&of.shadowed).map(|source| source.told.as_str()).collect();
        if profile {
            let what = format!("{}: the vault's profiles shadow {}", sources.provider, names.join(", "));
            findings.push(
                Finding::note(CHECK, what)
                    .with_remedy("remove it there: it is not needed, and it is not sealed"),
            );
        } else {
            let remedy = match &of.winner {
                Some(_) => "keep it sealed: strongroom import --from env; then remove it there",
                None => "OpenClaw does not use it: remove it there, or import that file by its path",
            };
            let what = of.told().join(";").replace(";  ", "; ");
            findings.push(Finding::note(CHECK, what).with_remedy(remedy));
        }
    }
    findings.extend(found.warnings.iter().map(|warning| Finding::note(CHECK, warning.clone())));
    if findings.is_empty() {
        let count = env_names::TABLE.len();
        findings.push(Finding::ok(CHECK, format!("of {count} providers none has a key beside the vault")));
    }
    findings
}
