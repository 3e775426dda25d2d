//! Keys outside the vault.

use super::Finding;
use crate::client::sources::by_provider::{OfProvider, is_preferred};
use crate::client::sources::{Found, rank};
use crate::env::Env;
use crate::messages;

const CHECK: &str = "sources";

/// Looks for keys outside the vault. `served` tells whether a provider has a profile.
#[must_use]
pub fn check(env: &Env, served: impl Fn(&str) -> bool) -> Vec<Finding> {
    let found = Found::look_here(env, true);
    let mut findings = Vec::new();
    for sources in rank(&found.variables) {
        let of = OfProvider::of(&sources, None);
        if served(sources.provider) && !is_preferred(&sources) {
            // A reference holds nothing that should be encrypted.
            let plain = of.winner.iter().chain(&of.shadowed).filter(|source| source.can_be_sealed());
            let names: Vec<&str> = plain.map(|source| source.told.as_str()).collect();
            if !names.is_empty() {
                let shadowed = messages::doctor::shadowed(sources.provider, &names.join(", "));
                findings.push(Finding::advice(CHECK, shadowed));
            }
            let ignored = of.told_ignored().map(|told| format!("{}: {told}", sources.provider));
            findings.extend(ignored.map(|what| Finding::note(CHECK, what)));
            continue;
        }
        let what = of.told().join(";").replace(";  ", "; ");
        findings.push(match &of.winner {
            Some(winner) if winner.reference.is_some() => Finding::note(CHECK, what),
            Some(_) => Finding::advice(CHECK, messages::doctor::used_outside(what)),
            None => Finding::advice(CHECK, messages::doctor::unused_outside(what)),
        });
    }
    findings.extend(found.warnings.iter().map(|warning| Finding::note(CHECK, warning.clone())));
    if findings.is_empty() {
        findings.push(Finding::ok(CHECK, messages::doctor::NO_KEYS_OUTSIDE));
    }
    findings
}
