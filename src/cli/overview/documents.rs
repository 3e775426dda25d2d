//! The reports of `status`, with the keys outside the vault.

use serde::Serialize;

use crate::client::prompt_cache;
use crate::client::sources::Found;
use crate::client::sources::by_provider::{Beside, ModelPolicy, Source};
use crate::ops::status::client::OfClient;
use crate::select::assemble::Overview;
use crate::select::explain::{self, Explanation, Step, StepKind};
use crate::select::health::Check;
use crate::select::report::Report;
use crate::term::escape::safe;

/// The explanation of `status`, with the keys outside the vault.
#[derive(Serialize)]
pub(super) struct Explained {
    #[serde(flatten)]
    explanation: Explanation,
    /// The source that the client uses, if there are keys outside the vault.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Source>,
}

impl Explained {
    /// Returns the explanation, with a last step for the source that wins if there are keys outside the vault.
    pub(super) fn of(mut explanation: Explanation, overview: &Overview<'_>, found: &Found) -> Self {
        let beside = Beside::of(overview, found, Some(&explanation.provider));
        let sources = beside.providers.into_iter().next();
        let Some(sources) = sources else { return Self { explanation, source: None } };
        let found = sources.told().iter().map(|line| line.trim_start().to_owned()).collect();
        explanation.steps.push(Step { step: StepKind::Source, found });
        Self { explanation, source: sources.winner }
    }

    /// Returns the lines for people.
    pub(super) fn lines(&self) -> Vec<String> {
        explain::text(&self.explanation)
    }
}

/// The report of `status`, with the keys outside the vault.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Document<'a> {
    #[serde(flatten)]
    report: &'a Report,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<&'a OfClient>,
    sources: &'a Beside<'a>,
    prompt_cache: &'a [ModelPolicy],
}

impl<'a> Document<'a> {
    /// Returns a report with the client's own profiles and the keys that were found outside the vault.
    pub(super) fn of(report: &'a Report, client: Option<&'a OfClient>, beside: &'a Beside<'a>) -> Self {
        Self { report, client, sources: beside, prompt_cache: &beside.prompt_cache }
    }
}

/// The reports of several agents, each as if it alone was asked for.
#[derive(Serialize)]
pub(super) struct Agents<'a> {
    pub(super) home: &'a str,
    pub(super) agents: &'a [Document<'a>],
    pub(super) check: &'a Check,
}

/// Returns the keys outside the vault and the prompt cache, in lines; empty if neither exists.
pub(super) fn lines(beside: &Beside<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    let Beside { providers, warnings, .. } = beside;
    if !providers.is_empty() || !warnings.is_empty() {
        lines.extend([String::new(), "Sources outside the vault".to_owned()]);
    }
    for sources in providers {
        lines.extend(sources.told().into_iter().map(|line| format!("  {line}")));
    }
    lines.extend(warnings.iter().map(|warning| format!("  Warning: {}", safe(warning))));
    if providers.iter().any(|sources| sources.winner.as_ref().is_some_and(Source::can_be_sealed)) {
        lines.push("  To store them encrypted: strongroom import --from env".to_owned());
    }
    if !beside.prompt_cache.is_empty() {
        lines.extend([String::new(), "Prompt cache".to_owned()]);
    }
    lines.extend(
        beside
            .prompt_cache
            .iter()
            .map(|of| format!("  {}  {}", safe(&of.model), prompt_cache::phrase(&of.policy))),
    );
    lines
}
