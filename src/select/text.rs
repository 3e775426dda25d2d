//! The report of `models status` as lines: for people, and one a profile for scripts.

use std::collections::HashMap;

use super::health::Status;
use super::phrases;
use super::report::{Candidate, Lacking, Only, Report, Sealed, Selection};
use crate::term::escape::safe;
use crate::when::{relative, rfc3339};

/// The report for people, line by line and without colour.
#[must_use]
pub fn text(report: &Report, now: i64) -> Vec<String> {
    let mut lines = vec![
        format!("Home   {}", shown(&report.home)),
        format!("Agent  {}", report.agent),
        format!("Index  {}", shown(&report.auth.store_path)),
    ];
    if let Some(until) = report.vault.unlocked_until {
        lines.push(format!(
            "Open   until {} ({}), by `strongroom unlock`; `strongroom lock` ends it",
            rfc3339(until),
            relative(until, now)
        ));
    }
    lines.extend(report.vault.warnings.iter().map(|warning| format!("Warning: {}", shown(warning))));
    if report.vault.profiles.is_empty() && report.vault.lacking.is_empty() {
        lines.push(String::new());
        lines.extend(nothing(report));
    }
    let expiries = report.auth.oauth.profiles.iter().map(|health| health.expires_at);
    let rows: HashMap<_, _> = report
        .vault
        .profiles
        .iter()
        .zip(expiries)
        .map(|(sealed, expires)| (sealed.profile_id.as_str(), (sealed, expires)))
        .collect();
    for selection in &report.vault.providers {
        lines.push(String::new());
        lines.push(heading(selection, now));
        if let Some(endpoint) = &selection.endpoint {
            let api = selection.api.as_ref().map(|api| format!(" api: {}", safe(api))).unwrap_or_default();
            lines.push(format!("  endpoint: {}{api}", safe(endpoint)));
        }
        lines.extend(table(selection.candidates.iter().enumerate().map(|(place, candidate)| {
            row(place, candidate, rows.get(candidate.profile_id.as_str()).copied(), now)
        })));
        if all_wait(selection) {
            lines.push(format!(
                "  wait, or {}; --json has them in auth.unusableProfiles",
                phrases::add_another(&selection.provider, &report.agent)
            ));
        }
    }
    for Lacking { provider, elsewhere } in &report.vault.lacking {
        let elsewhere: Vec<_> = elsewhere.iter().map(ToString::to_string).collect();
        lines.push(String::new());
        lines.push(no_key(provider.as_str(), &report.agent));
        lines.push(format!("  {}", phrases::add(provider.as_str(), &report.agent)));
        lines.extend(phrases::elsewhere(&elsewhere, &report.agent));
    }
    let troubles = report.vault.profiles.iter().filter_map(|sealed| {
        let trouble = sealed.trouble.as_ref()?;
        Some(format!("  {}  {}: {}", sealed.profile_id, trouble.what, trouble.remedy))
    });
    let troubles: Vec<_> = troubles.collect();
    if !troubles.is_empty() {
        lines.push(String::new());
        lines.push("Needs attention".to_owned());
        lines.extend(troubles);
    }
    lines
}

/// That a provider in use has no key.
#[must_use]
pub fn no_key(provider: &str, agent: &str) -> String {
    format!("No API key found for provider {provider} (agent {agent}): each agent has its own profiles.")
}

/// That there is no profile of what is asked for, and what to do.
fn nothing(report: &Report) -> Vec<String> {
    let agent = &report.agent;
    let (what, remedy) = match &report.only {
        Only::All => (format!("No credentials found for agent {agent}."), phrases::add("anthropic", agent)),
        Only::Provider(provider) => (
            format!("No profile of provider {provider} (agent {agent})."),
            phrases::add(provider.as_str(), agent),
        ),
        Only::Profile(profile) => (
            format!("No credentials found for profile \"{profile}\" (agent {agent})"),
            "run `strongroom list` to see what is there".to_owned(),
        ),
    };
    let elsewhere = phrases::elsewhere(&report.vault.elsewhere, agent);
    [what, format!("  {remedy}")].into_iter().chain(elsewhere).collect()
}

/// One line a profile: id, provider, type, status, expiry in RFC 3339 or `-`, store or `-`, with a
/// tab between them.
#[must_use]
pub fn plain(report: &Report) -> Vec<String> {
    let line = |sealed: &Sealed| {
        [
            &sealed.profile_id,
            &sealed.provider,
            sealed.kind,
            sealed.status.as_str(),
            sealed.expires.as_deref().unwrap_or("-"),
            &sealed.store.as_deref().map_or_else(|| "-".to_owned(), shown),
        ]
        .join("\t")
    };
    report.vault.profiles.iter().map(line).collect()
}

/// What a session can pick from, line by line.
#[must_use]
pub fn picks(report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    for selection in &report.vault.providers {
        lines.push(selection.provider.clone());
        lines.extend(table(selection.candidates.iter().map(|candidate| {
            let next = if Some(&candidate.profile_id) == selection.next.as_ref() { "next" } else { "" };
            let why = if candidate.verdict == "eligible" { "" } else { candidate.phrase.as_str() };
            [candidate.profile_id.clone(), next.to_owned(), why.to_owned()]
        })));
    }
    if lines.is_empty() {
        lines.push(format!("No credentials found for agent {}.", report.agent));
    }
    lines
}

/// Whether every profile that could serve waits for the end of a window.
fn all_wait(selection: &Selection) -> bool {
    selection.next.is_some() && selection.candidates.iter().all(|candidate| candidate.verdict != "eligible")
}

fn heading(selection: &Selection, now: i64) -> String {
    let order = match (&selection.pin, selection.order_from) {
        (Some(pin), _) if pin.effect == "locked" => format!("pinned for session {}", pin.session),
        (Some(pin), _) if pin.effect == "preferred" => format!("it served session {} last", pin.session),
        (_, None) => "by type and last use".to_owned(),
        (_, Some("config")) => "order of the client's configuration".to_owned(),
        (_, Some("config-profiles")) => {
            "by type and last use, of those in the client's configuration".to_owned()
        }
        (_, Some(_)) => "order set".to_owned(),
    };
    let provider = &selection.provider;
    let next = |verdict| {
        let named = |candidate: &&Candidate| Some(&candidate.profile_id) == selection.next.as_ref();
        selection
            .candidates
            .iter()
            .find(named)
            .filter(|candidate| verdict == (candidate.verdict == "eligible"))
    };
    if let Some(candidate) = next(true) {
        return format!("{provider}: next is {} ({order})", candidate.profile_id);
    }
    match next(false) {
        Some(candidate) if selection.pin.as_ref().is_some_and(|pin| pin.effect == "locked") => {
            format!("{provider}: next is {}, {} ({order})", candidate.profile_id, candidate.phrase)
        }
        Some(candidate) => format!(
            "{provider}: No available auth profile (all in cooldown); the first is free {}: {} ({order})",
            candidate.until.map_or_else(|| "now".to_owned(), |until| relative(until, now)),
            candidate.profile_id
        ),
        None => format!("{provider}: no usable profile ({order})"),
    }
}

fn row(place: usize, candidate: &Candidate, known: Option<(&Sealed, Option<i64>)>, now: i64) -> [String; 6] {
    let place = match candidate.verdict {
        "excluded" => "-".to_owned(),
        _ => (place + 1).to_string(),
    };
    // The code is what documentation and scripts name; the phrase says it to people.
    let why = match (candidate.verdict, &candidate.reason) {
        ("eligible", _) => String::new(),
        ("excluded", Some(code)) if *code != candidate.phrase => {
            format!("not used: {} ({code})", candidate.phrase)
        }
        ("excluded", _) => format!("not used: {}", candidate.phrase),
        _ => candidate.phrase.clone(),
    };
    let [kind, status, expiry, record] = match known {
        Some((sealed, expires)) => [
            sealed.kind.to_owned(),
            sealed.status.as_str().to_owned(),
            expires.map_or_else(|| "no expiry".to_owned(), |at| expiry(sealed.status, at, now)),
            sealed.record.as_str().to_owned(),
        ],
        None => ["-", "-", "-", "-"].map(str::to_owned),
    };
    let why = match (record.as_str(), why.as_str()) {
        ("-", _) => why,
        (_, "") => record,
        _ => format!("{record}; {why}"),
    };
    [place, candidate.profile_id.clone(), kind, status, expiry, why]
}

fn expiry(status: Status, at: i64, now: i64) -> String {
    match status {
        Status::Expired => format!("expired {}", relative(at, now)),
        Status::Expiring => format!("expires {} ({})", relative(at, now), rfc3339(at)),
        Status::Ok | Status::Static | Status::Missing => format!("expires {}", relative(at, now)),
    }
}

/// Lines of equal columns. All cells are ASCII, so that a byte is a column.
fn table<const N: usize>(rows: impl Iterator<Item = [String; N]>) -> Vec<String> {
    let rows: Vec<_> = rows.collect();
    let mut widths = [0; N];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.len());
        }
    }
    let line = |row: &[String; N]| {
        let mut line = String::with_capacity(widths.iter().map(|width| width + 2).sum());
        // Spaces stand before a cell and not behind it: no line ends in white space.
        let mut owed = 2;
        for (cell, width) in row.iter().zip(widths) {
            if !cell.is_empty() {
                line.extend(std::iter::repeat_n(' ', owed));
                line.push_str(cell);
                owed = 0;
            }
            owed += width - cell.len() + 2;
        }
        line
    };
    rows.iter().map(line).collect()
}

/// Text that a user or a file supplied, made safe for a terminal: what neither is a letter or digit
/// of some script nor printable ASCII is escaped.
fn shown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, ' '..='~') || c.is_alphanumeric() {
            out.push(c);
        } else {
            out.extend(c.escape_unicode());
        }
    }
    out
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
