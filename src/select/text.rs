//! The report of `models status` as text: for people, and one line per profile for scripts.

use std::fmt::Write as _;

use super::assemble::{OfProvider, Overview};
use super::health::Status;
use super::order::{Basis, Choice, Pinned};
use super::phrases;
use super::profile::ProfileView;
use super::report::{Lacking, Only};
use super::verdict::Verdict;
use crate::messages::select as messages;
use crate::term::escape::safe;
use crate::term::style::{Style, Tone};
use crate::term::table::Table;
use crate::time::{local, relative, rfc3339};

/// How a report is laid out.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// How expiring and expired profiles are painted.
    pub style: Style,
    /// How many characters a line has, if that is limited.
    pub columns: Option<usize>,
}

impl Layout {
    /// Without colour and without a limit.
    pub const PLAIN: Self = Self { style: Style::PLAIN, columns: None };
}

/// Returns the report for people.
#[must_use]
pub fn text(overview: &Overview<'_>, layout: Layout) -> String {
    let input = &overview.input;
    let agent = input.agent.as_str();
    let mut out = if input.has_vault {
        format!("Home   {}\nAgent  {agent}\nIndex  {}\n", safe(input.home), safe(input.store_path))
    } else {
        format!("{}\nAgent  {agent}\n", messages::no_vault_yet(&safe(input.home)))
    };
    if let Some(until) = input.unlocked_until {
        out.push_str(&messages::unlocked(&local(until), &relative(until, input.now)));
        out.push('\n');
    }
    if let Some(running) = input.serving {
        let listeners: Vec<_> = running.listeners.iter().map(|name| safe(name)).collect();
        out.push_str(&messages::serving(
            &listeners.join(", "),
            &relative(running.since, input.now),
            running.locked,
        ));
        out.push('\n');
    }
    for warning in &overview.warnings {
        line(&mut out, format_args!("Warning: {}", safe(warning)));
    }
    if input.profiles.is_empty() && overview.lacking.is_empty() && !input.beside {
        out.push('\n');
        nothing(&mut out, overview);
    }
    for of in &overview.providers {
        out.push('\n');
        heading(&mut out, overview, of);
        if let Some((endpoint, api)) = input.endpoint(of.provider) {
            let api = api.map(|api| format!(" api: {}", safe(&api))).unwrap_or_default();
            line(&mut out, format_args!("  endpoint: {}{api}", safe(&endpoint)));
        }
        candidates(&mut out, overview, of, layout);
        if let Only::Profile(_) = input.only {
            details(&mut out, overview, of);
        }
        if all_wait(of) {
            line(
                &mut out,
                format_args!("  {}", phrases::wait_or_add(of.provider.as_str(), overview.input.agent)),
            );
        }
    }
    for Lacking { provider, elsewhere } in &overview.lacking {
        let elsewhere: Vec<_> = elsewhere.iter().map(ToString::to_string).collect();
        line(&mut out, format_args!("\n{}", messages::no_key(provider.as_str(), agent)));
        line(&mut out, format_args!("  {}", phrases::add(provider.as_str(), overview.input.agent)));
        out.extend(phrases::elsewhere(&elsewhere, agent).map(|has| has + "\n"));
    }
    let mut heading = Some("\nNeeds attention\n");
    for view in input.profiles {
        if let Some(trouble) = phrases::trouble(view, overview.status(view), input.agent, input.now) {
            out.push_str(heading.take().unwrap_or_default());
            line(&mut out, format_args!("  {}  {}: {}", view.id, trouble.what, trouble.remedy));
        }
    }
    out
}

/// Appends a line.
fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = out.write_fmt(text);
    out.push('\n');
}

/// Returns the line about a provider in use that has no key.
#[must_use]
pub fn no_key(provider: &str, agent: &str) -> String {
    messages::no_key(provider, agent)
}

/// Appends that there is no such profile, and what to do.
fn nothing(out: &mut String, overview: &Overview<'_>) {
    let input = &overview.input;
    let agent = input.agent.as_str();
    let (what, remedy) = match input.only {
        Only::All => (messages::nothing(agent), phrases::add("anthropic", input.agent)),
        Only::Provider(provider) => {
            (messages::nothing_of(provider, agent), phrases::add(provider.as_str(), overview.input.agent))
        }
        Only::Profile(profile) => (messages::nothing_named(profile, agent), messages::LIST.to_owned()),
    };
    line(out, format_args!("{what}\n  {remedy}"));
    let elsewhere: Vec<_> = input.elsewhere.iter().map(ToString::to_string).collect();
    out.extend(phrases::elsewhere(&elsewhere, agent).map(|has| has + "\n"));
}

/// Returns one line per profile: id, provider, type, status, expiry in RFC 3339 or `-`, store or `-`, separated by
/// tabs.
#[must_use]
pub fn plain(overview: &Overview<'_>) -> String {
    lines_of(overview, "")
}

/// Returns the same with the agent at the end of each line.
#[must_use]
pub fn plain_with_agent(overview: &Overview<'_>) -> String {
    lines_of(overview, &format!("\t{}", overview.input.agent))
}

fn lines_of(overview: &Overview<'_>, end: &str) -> String {
    let mut out = String::new();
    for view in overview.input.profiles {
        line(
            &mut out,
            format_args!(
                "{}\t{}\t{}\t{}\t{}\t{}{end}",
                view.id,
                view.provider,
                view.kind.as_str(),
                overview.status(view).as_str(),
                view.expires.map_or_else(|| "-".to_owned(), rfc3339),
                view.store.as_deref().map_or_else(|| "-".into(), safe),
            ),
        );
    }
    out
}

/// Returns everything that a report says, without what changes with time alone: two reports say the same if this is
/// equal.
#[must_use]
pub fn state(overview: &Overview<'_>) -> String {
    let mut out = plain(overview);
    for warning in &overview.warnings {
        line(&mut out, format_args!("{warning}"));
    }
    for Lacking { provider, .. } in &overview.lacking {
        line(&mut out, format_args!("{provider}"));
    }
    for of in &overview.providers {
        let next = of.selected.next().map(|choice| choice.id);
        line(&mut out, format_args!("{} {next:?} {:?}", of.provider, of.selected.pinned));
        for choice in &of.selected.choices {
            let usable = overview.view_of(choice).map(|view| view.usable);
            line(&mut out, format_args!("{} {:?} {usable:?}", choice.id, choice.verdict));
        }
    }
    line(&mut out, format_args!("{:?} {:?}", overview.input.unlocked_until, overview.input.serving));
    out
}

/// Returns the profiles that a session can choose from.
#[must_use]
pub fn picks(overview: &Overview<'_>) -> String {
    let mut out = String::new();
    for of in &overview.providers {
        line(&mut out, format_args!("{}", of.provider));
        let chosen = of.selected.next().map(|choice| choice.id);
        let mut table = Table::default();
        for choice in &of.selected.choices {
            let next = if Some(choice.id) == chosen { "next" } else { "" };
            let why = match &choice.verdict {
                Verdict::Eligible => String::new(),
                verdict => phrases::verdict(verdict, overview.input.now),
            };
            table.row([choice.id.as_str(), next, &why]);
        }
        table.write_to(&mut out, 2);
    }
    if out.is_empty() {
        line(&mut out, format_args!("{}", messages::nothing(overview.input.agent.as_str())));
    }
    out
}

/// Returns whether every profile that could be used is cooling down or disabled.
fn all_wait(of: &OfProvider<'_>) -> bool {
    let selected = &of.selected;
    selected.next().is_some() && selected.choices.iter().all(|choice| choice.verdict != Verdict::Eligible)
}

fn heading(out: &mut String, overview: &Overview<'_>, of: &OfProvider<'_>) {
    let OfProvider { provider, selected, .. } = of;
    let now = overview.input.now;
    let is_locked = matches!(selected.pinned, Some(Pinned::Locked(_)));
    let order = match (&selected.pinned, overview.input.session, &selected.basis) {
        (Some(Pinned::Locked(_)), Some(session), _) => messages::by_pin(session),
        (Some(Pinned::Preferred(_)), Some(session), _) => messages::by_session(session),
        (_, _, Basis::Automatic) => messages::BY_TYPE.to_owned(),
        (_, _, Basis::Config(_)) => messages::BY_CONFIG.to_owned(),
        (_, _, Basis::ConfigProfiles(_)) => messages::BY_TYPE_OF_LISTED.to_owned(),
        (_, _, Basis::Index(_) | Basis::State(_)) => messages::BY_ORDER.to_owned(),
    };
    match selected.next() {
        Some(Choice { id, verdict: Verdict::Eligible, .. }) => {
            line(out, format_args!("{provider}: next is {id} ({order})"));
        }
        Some(Choice { id, verdict, .. }) if is_locked => {
            line(out, format_args!("{provider}: next is {id}, {} ({order})", phrases::verdict(verdict, now)));
        }
        Some(Choice { id, verdict, .. }) => {
            let when = verdict.until().map_or_else(|| "now".to_owned(), |until| relative(until, now));
            line(out, format_args!("{}", messages::all_in_cooldown(provider, &when, id, &order)));
        }
        None => line(out, format_args!("{provider}: no usable profile ({order})")),
    }
}

/// How far the tables are indented.
const INDENT: usize = 2;
/// How far the details of a profile are indented, below its id.
const DETAILS_INDENT: usize = 5;

/// How much of a table is shown, the most first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd)]
enum Detail {
    Everything,
    /// Without dates.
    Relative,
    /// Without types too.
    Short,
    /// Without the status too: the expiry says most of it.
    Shortest,
}

/// Appends the table of a provider's profiles, with as much as a line has room for.
fn candidates<'a>(out: &mut String, overview: &Overview<'a>, of: &OfProvider<'a>, layout: Layout) {
    let columns = layout.columns.map(|columns| columns.saturating_sub(INDENT));
    let details = [Detail::Everything, Detail::Relative, Detail::Short, Detail::Shortest];
    let table =
        Table::fitting(columns, &details, |detail| candidates_with(overview, of, layout.style, detail));
    table.write_to(out, INDENT);
}

/// Appends what the record of a single profile has in addition to the credential.
fn details<'a>(out: &mut String, overview: &Overview<'a>, of: &OfProvider<'a>) {
    let mut table = Table::default();
    let views = of.selected.choices.iter().filter_map(|choice| overview.view_of(choice));
    for details in views.filter_map(|view| view.details.as_ref()) {
        for (name, lines) in details.lines() {
            for (n, text) in lines.into_iter().enumerate() {
                table.row([if n == 0 { name } else { "" }, text]);
            }
        }
    }
    table.write_to(out, DETAILS_INDENT);
}

fn candidates_with<'a>(
    overview: &Overview<'a>,
    of: &OfProvider<'a>,
    style: Style,
    detail: Detail,
) -> Table<6> {
    let mut table = Table::default();
    let (mut place, mut expires, mut note) = (String::new(), String::new(), String::new());
    for (n, choice) in of.selected.choices.iter().enumerate() {
        place.clear();
        note.clear();
        // Writing to a String cannot fail.
        let _ = match choice.verdict {
            Verdict::Excluded(_) => place.write_str("-"),
            _ => write!(place, "{}", n + 1),
        };
        let view = overview.view_of(choice);
        why(&mut note, choice, view, overview.input.now);
        let (kind, state, tone) = if let Some(view) = view {
            let status = overview.status(view);
            expires.clear();
            expiry(&mut expires, status, view, overview.input.now, detail);
            let tone = match status {
                Status::Expired => Some(Tone::Bad),
                Status::Expiring => Some(Tone::Warn),
                Status::Ok | Status::Static | Status::Missing => None,
            };
            (view.kind.as_str(), status.as_str(), tone)
        } else {
            expires.replace_range(.., "-");
            ("-", "-", None)
        };
        let kind = if detail < Detail::Short { kind } else { "" };
        let state = if detail < Detail::Shortest { state } else { "" };
        table.row([&place, choice.id.as_str(), kind, state, &expires, &note]);
        if let Some(tone) = tone {
            table.paint(3, style, tone);
            table.paint(4, style, tone);
        }
    }
    table
}

/// Appends what is known about a stored profile, and why it is not used now. The code is for documentation and scripts,
/// the phrase for people.
fn why(out: &mut String, choice: &Choice<'_>, view: Option<&ProfileView>, now: i64) {
    if let Some(view) = view {
        out.push_str(view.usable.as_str());
        if choice.verdict != Verdict::Eligible {
            out.push_str("; ");
        }
    }
    // Writing to a String cannot fail.
    let _ = match &choice.verdict {
        Verdict::Eligible => Ok(()),
        Verdict::Excluded(code) => {
            let (code, phrase) = (code.as_str(), phrases::reason(*code));
            if code == phrase {
                write!(out, "not used: {phrase}")
            } else {
                write!(out, "not used: {phrase} ({code})")
            }
        }
        waiting => out.write_str(&phrases::verdict(waiting, now)),
    };
}

fn expiry(out: &mut String, status: Status, view: &ProfileView, now: i64, detail: Detail) {
    let Some(at) = view.expires else { return out.push_str("no expiry") };
    let relative = relative(at, now);
    // Writing to a String cannot fail.
    let _ = match status {
        Status::Expired => write!(out, "expired {relative}"),
        Status::Expiring if detail == Detail::Everything => {
            write!(out, "expires {relative} ({})", local(at))
        }
        Status::Expiring | Status::Ok | Status::Static | Status::Missing => {
            write!(out, "expires {relative}")
        }
    };
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
