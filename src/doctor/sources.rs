//! Keys outside the vault.

use super::Finding;
use crate::client::sources::by_provider::{OfProvider, is_preferred};
use crate::client::sources::{Found, rank};
use crate::env::Env;

const CHECK: &str = "sources";

/// Looks for keys outside the vault. `served` says whether a provider has a profile.
#[must_use]
pub fn check(env: &Env, served: impl Fn(&str) -> bool) -> Vec<Finding> {
    let found = Found::look_here(env, true);
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
