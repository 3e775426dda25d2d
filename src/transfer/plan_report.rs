//! A plan in a form for people and one for scripts. Neither contains a secret.

use serde::Serialize;

use super::plan::{Action, Plan, PlanEntry, PlanOrder};
use crate::messages::transfer as say;
use crate::time::day;
use crate::vault::id::{AgentName, ProfileId};

/// The most warnings that are shown to people. Scripts get all of them.
const WARNINGS_SHOWN: usize = 40;

/// A plan for scripts.
#[derive(Serialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// The candidates, by agent and id.
    pub entries: Vec<EntrySummary>,
    /// What holds nothing to import.
    pub skipped: Vec<SkippedSummary>,
    /// What cannot be imported.
    pub invalid: Vec<InvalidSummary>,
    /// What people should know about the others.
    pub warnings: Vec<String>,
    /// The orders of use that would be set.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub orders: Vec<OrderSummary>,
    /// How many credentials would be written.
    pub writes: usize,
    /// How many earlier versions would be written with them.
    #[serde(skip_serializing_if = "is_zero")]
    pub versions: usize,
}

/// A candidate in a [`Summary`].
#[derive(Serialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase")]
pub struct EntrySummary {
    /// Its id in the source.
    pub id: String,
    /// The agent that gets it.
    pub agent: String,
    /// `add`, `replace`, `unchanged`, `skip`, `rename` or `conflict`.
    pub action: &'static str,
    /// The id that it will have in the vault, if that is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Its provider.
    pub provider: String,
    /// Its place in the source.
    pub place: String,
    /// When it expires, in Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<i64>,
    /// The hosts that it would add.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// The helpers that it would add.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub helpers: Vec<String>,
    /// How many earlier versions would come with it.
    #[serde(skip_serializing_if = "is_zero")]
    pub versions: usize,
    /// How many earlier versions of the source would not.
    #[serde(skip_serializing_if = "is_zero")]
    pub versions_left_out: usize,
}

/// An order of use, in a [`Summary`].
#[derive(Serialize, Clone, PartialEq, Eq, Debug)]
pub struct OrderSummary {
    /// The agent that gets it.
    pub agent: String,
    /// The provider.
    pub provider: String,
    /// The profiles, first choice first.
    pub ids: Vec<String>,
}

/// An entry that is skipped, in a [`Summary`].
#[derive(Serialize, Clone, PartialEq, Eq, Debug)]
pub struct SkippedSummary {
    /// Its place in the source.
    pub place: String,
    /// Why it is skipped.
    pub reason: String,
}

/// An entry that cannot be imported, in a [`Summary`].
#[derive(Serialize, Clone, PartialEq, Eq, Debug)]
pub struct InvalidSummary {
    /// Its place in the source.
    pub place: String,
    /// The error code.
    pub code: &'static str,
    /// What is wrong.
    pub reason: String,
}

// Serde passes a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
const fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Plan<'_> {
    /// Returns the plan for scripts.
    #[must_use]
    pub fn summary(&self) -> Summary {
        Summary {
            entries: self.entries.iter().map(entry_summary).collect(),
            skipped: self
                .skipped
                .iter()
                .map(|s| SkippedSummary { place: s.place.clone(), reason: s.reason.clone() })
                .collect(),
            invalid: self
                .invalid
                .iter()
                .map(|i| InvalidSummary {
                    place: i.place.clone(),
                    code: i.code.name(),
                    reason: i.reason.clone(),
                })
                .collect(),
            warnings: self.warnings.to_vec(),
            orders: self.orders.iter().map(order_summary).collect(),
            writes: self.writes(),
            versions: self.versions(),
        }
    }

    /// Returns the plan for people: one line for each entry, others if it adds hosts or helpers or brings earlier
    /// versions, one for each order, and the counts last.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let lines_of =
            |entry: &PlanEntry<'_>| [Some(entry_line(entry)), destinations_line(entry), versions_line(entry)];
        let mut lines: Vec<String> = self.entries.iter().flat_map(lines_of).flatten().collect();
        lines.extend(self.orders.iter().map(order_line));
        lines.extend(self.skipped.iter().map(|s| format!("{:<10} {}: {}", "skipped", s.place, s.reason)));
        lines.extend(
            self.invalid
                .iter()
                .map(|i| format!("{:<10} {} {} [{}]", "invalid", i.place, i.reason, i.code.name())),
        );
        let shown = self.warnings.iter().take(WARNINGS_SHOWN);
        lines.extend(shown.map(|warning| format!("{:<10} {warning}", "warning")));
        if let Some(more @ 1..) = self.warnings.len().checked_sub(WARNINGS_SHOWN) {
            lines.push(format!("{:<10} {}", "warning", say::more_warnings(more)));
        }
        lines.push(self.counts());
        lines
    }

    /// Returns a line for each entry that would be written.
    #[must_use]
    pub fn entry_lines(&self) -> Vec<String> {
        self.entries.iter().filter(|entry| entry.action.writes()).map(entry_line).collect()
    }

    /// Returns the profiles that exist with other contents.
    pub fn conflicts(&self) -> impl Iterator<Item = (&AgentName, &ProfileId)> {
        let conflicts = self.entries.iter().filter(|entry| entry.action == Action::Conflict);
        conflicts.map(|entry| (entry.agent, &entry.candidate.id))
    }

    fn counts(&self) -> String {
        let of = |name: &str| self.entries.iter().filter(|entry| entry.action.name() == name).count();
        let counts = [
            (of("add"), "to add"),
            (of("replace"), "to replace"),
            (of("rename"), "to add under another name"),
            (of("unchanged"), "unchanged"),
            (of("skip"), "kept as they are"),
            (of("conflict"), "in conflict"),
            (self.skipped.len(), "skipped"),
            (self.invalid.len(), "invalid"),
        ];
        let said: Vec<String> =
            counts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
        if said.is_empty() { say::nothing_to_import() } else { said.join(", ") }
    }
}

fn entry_summary(entry: &PlanEntry<'_>) -> EntrySummary {
    let credential = &entry.candidate.credential;
    EntrySummary {
        id: entry.candidate.id.to_string(),
        agent: entry.agent.to_string(),
        action: entry.action.name(),
        target: (entry.target != entry.candidate.id).then(|| entry.target.to_string()),
        kind: credential.kind.as_str(),
        provider: credential.provider.to_string(),
        place: entry.candidate.place.clone(),
        expires: credential.expires,
        hosts: owned(&entry.hosts),
        helpers: owned(&entry.helpers),
        versions: entry.versions.len(),
        versions_left_out: entry.left_out,
    }
}

fn order_summary(order: &PlanOrder<'_>) -> OrderSummary {
    let ids = order.ids.iter().map(ToString::to_string).collect();
    OrderSummary { agent: order.agent.to_string(), provider: order.provider.to_string(), ids }
}

fn order_line(order: &PlanOrder<'_>) -> String {
    let ids = order.ids.iter().map(ProfileId::as_str).collect::<Vec<_>>().join(", ");
    format!("{:<10} {}/{}: {ids}", "order", order.agent, order.provider)
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Returns a line about the hosts and helpers that an entry would add, because they let its secret go to more places.
fn destinations_line(entry: &PlanEntry<'_>) -> Option<String> {
    let said = say::added_destinations(&entry.hosts, &entry.helpers)?;
    Some(format!("{:<10} {said}", ""))
}

/// Returns a line about the earlier versions of an entry.
fn versions_line(entry: &PlanEntry<'_>) -> Option<String> {
    let said = say::brought_versions(entry.versions.len(), entry.left_out)?;
    Some(format!("{:<10} {said}", ""))
}

fn entry_line(entry: &PlanEntry<'_>) -> String {
    let credential = &entry.candidate.credential;
    let target = match &entry.action {
        _ if entry.target == entry.candidate.id => String::new(),
        Action::Unchanged => format!(" already {}", entry.target),
        _ => format!(" to {}", entry.target),
    };
    let provider = match &credential.provider {
        provider if *provider == entry.candidate.id.provider() => String::new(),
        provider => format!(" for {provider}"),
    };
    let expires = credential.expires.map_or_else(String::new, |at| format!(", expires {}", day(at)));
    format!(
        "{:<10} {}/{}{target} ({}{provider}{expires}) from {}",
        entry.action.name(),
        entry.agent,
        entry.candidate.id,
        credential.kind,
        entry.candidate.place
    )
}

#[cfg(test)]
mod tests {
    use super::super::{Existing, Format, OnConflict, ParseOptions, parse, plan};
    use crate::error::Code;
    use crate::vault::id::AgentName;

    const FILE: &[u8] = br#"{"version":1,"profiles":{
        "openai:default":{"type":"api_key","provider":"openai","key":"canary-secret-1","email":"canary@x.io"},
        "zai:b":{"type":"token","provider":"zai","token":"canary-secret-2","expires":1795000000000},
        "groq:x":{"type":"api_key","provider":"groq","keyRef":{"source":"env","id":"canary"}},
        "groq:y":{"type":"api_key","provider":"groq","key":"canary***"}}}"#;

    #[test]
    fn both_forms_show_everything_except_the_secrets() {
        let parsed = parse(FILE, Format::OpenClaw, "the file", &ParseOptions::default()).unwrap();
        let main = AgentName::default();
        let plan = plan(&parsed, &main, None, &|_, _| Existing::Absent, OnConflict::Fail);
        assert_eq!(
            plan.lines(),
            [
                "add        main/openai:default (api_key) from profiles.\"openai:default\"",
                "add        main/zai:b (token, expires 2026-11-18) from profiles.\"zai:b\"",
                "skipped    profiles.\"groq:x\": a reference, not a secret",
                "invalid    profiles.\"groq:y\".key is not a secret: it is masked [NOT_A_SECRET]",
                "2 to add, 1 skipped, 1 invalid",
            ]
        );
        let json = serde_json::to_string(&plan.summary()).unwrap();
        assert!(json.contains(
            r#"{"id":"zai:b","agent":"main","action":"add","type":"token","provider":"zai","place":"profiles.\"zai:b\"","expires":1795000000000}"#
        ), "{json}");
        assert!(!json.contains("canary"), "{json}");
        assert_eq!(plan.check(false).unwrap_err().code(), Code::ImportInvalid);
        assert!(plan.check(true).is_ok());
    }

    #[test]
    fn many_warnings_are_cut_for_people_only() {
        let keys: Vec<_> = (0..50).map(|n| format!(r#""anthropic:n{n}":{{"key":"made-up-{n}"}}"#)).collect();
        let text = format!(r#"{{"profiles":{{{}}}}}"#, keys.join(","));
        let parsed = parse(text.as_bytes(), Format::OpenClaw, "the file", &ParseOptions::default()).unwrap();
        let main = AgentName::default();
        let plan = plan(&parsed, &main, None, &|_, _| Existing::Absent, OnConflict::Fail);
        assert_eq!(plan.summary().warnings.len(), 50);
        assert_eq!(plan.lines().len(), 50 + 40 + 2);
        assert!(plan.lines().contains(&"warning    and 10 more like these".to_owned()));
    }
}
