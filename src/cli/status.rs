//! `status`: shows which credentials are usable and which is next; with `--check` as an exit status.

use std::time::Duration;

use clap::Args;

use super::Context;
use super::context::not_a_secret;
use super::overview::{self, Form};
use super::session_name::session_name;
use crate::error::Result;
use crate::messages::cli::reading;
use crate::ops::status::Asked;
use crate::select::health::WARN_AFTER_MS;
use crate::select::pin::Model;
use crate::term::out;
use crate::time::parse_duration;
use crate::vault::id::Provider;

/// Show which credentials are usable, and which is used next
///
/// Reads the index, without unlocking. --check also decrypts the profiles if it can without asking.
// Each `bool` is a flag of its own.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Args)]
pub struct Status {
    /// Exit with 0 if all are usable, 1 if any is expired or missing, 2 if any expires soon
    #[arg(long)]
    check: bool,
    /// Print one line per profile, with fields separated by tabs
    #[arg(long, conflicts_with = "json")]
    plain: bool,
    /// Show every agent; with --check, the exit status of the worst
    #[arg(long, conflicts_with_all = ["agent", "explain", "profile"])]
    all_agents: bool,
    /// Show one provider only
    #[arg(long, value_name = "P")]
    provider: Option<String>,
    /// Show one profile only
    #[arg(long, value_name = "ID")]
    profile: Option<String>,
    /// Show what this session uses, with its pin
    #[arg(long, value_name = "S")]
    session: Option<String>,
    /// Explain step by step how the next profile of a provider is chosen
    #[arg(long, value_name = "P", conflicts_with_all = ["check", "plain", "provider", "profile"])]
    explain: Option<String>,
    /// Report a credential as expiring if it expires within this time, such as 24h or 7d
    #[arg(long, value_name = "TIME", default_value = "24h")]
    expiring_within: String,
    /// Check the login shell too, if the client's configuration enables that
    #[arg(long)]
    sources: bool,
    #[command(flatten)]
    watching: Watching,
}

/// Whether and how often to look again.
#[derive(Debug, Args)]
struct Watching {
    /// Show every change, until Ctrl-C; a terminal is redrawn in place
    #[arg(long, conflicts_with_all = ["check", "explain", "sources"])]
    watch: bool,
    /// Look this often with --watch, such as 5s or 500ms
    #[arg(long, value_name = "TIME", default_value = "5s", requires = "watch")]
    interval: String,
}

/// The shortest time between two looks, in milliseconds.
const INTERVAL_MIN: i64 = 100;

pub(super) fn run(context: &mut Context, args: &Status) -> Result<u8> {
    let (provider, model) = asked(args)?;
    let session = args.session.as_deref().map(session_name).transpose()?;
    let profile = args.profile.as_deref().map(|id| context.profile_id(id)).transpose()?;
    let warn_after_ms = if args.expiring_within == "24h" {
        WARN_AFTER_MS
    } else {
        parse_duration("--expiring-within", &args.expiring_within)?
    };
    let form = match &args.explain {
        Some(_) => Form::Explained,
        None if args.plain => Form::Plain,
        None => Form::Everything,
    };
    let (check, in_shell, all_agents) = (args.check, args.sources, args.all_agents);
    let explain = form == Form::Explained;
    let asked =
        Asked { provider, profile, model, session, explain, check, in_shell, warn_after_ms, all_agents };
    if args.watching.watch {
        let interval = parse_duration("--interval", &args.watching.interval)?;
        if interval < INTERVAL_MIN {
            return Err(reading::interval_too_short());
        }
        return watch(context, form, &asked, Duration::from_millis(interval.unsigned_abs()));
    }
    overview::show(context, form, &asked)
}

/// Shows the state at each change, until the reader closes its end or a signal ends the command. No vault is unlocked.
fn watch(context: &mut Context, form: Form, asked: &Asked, interval: Duration) -> Result<u8> {
    let redraws = context.env.stdout_tty && form == Form::Everything && !context.json();
    let redraws = redraws && context.env.var("TERM").is_none_or(|term| term != "dumb");
    let mut shown = None;
    loop {
        let seen = overview::look(context, form, asked)?;
        // A terminal also shows how time passes; a program hears of changes alone.
        let state = if redraws { &seen.text } else { &seen.state };
        if shown.as_ref() != Some(state) {
            let begins = shown.is_none();
            shown = Some(state.clone());
            if redraws {
                context.print(&screen(&seen.text, begins, out::rows()))?;
            } else {
                let apart = if begins || context.json() || form == Form::Plain { "" } else { "\n" };
                context.print(&format!("{apart}{}", seen.text))?;
            }
        }
        if context.is_closed() || out::closes_within(interval) {
            return Ok(0);
        }
    }
}

/// Returns what draws a report over the one before. What does not fit is left out, because the terminal would scroll.
fn screen(text: &str, begins: bool, rows: Option<usize>) -> String {
    let mut out = String::from(if begins { CLEAR } else { TOP });
    let fitting = rows.map_or(usize::MAX, |rows| rows.saturating_sub(1));
    for line in text.lines().take(fitting) {
        out.extend([line, END_OF_LINE, "\n"]);
    }
    // Before the last line break, so that the output ends with one.
    out.truncate(out.trim_end_matches('\n').len());
    out.extend([REST, "\n"]);
    out
}

/// Goes to the top and clears the screen.
const CLEAR: &str = "\x1b[H\x1b[2J";
/// Goes to the top.
const TOP: &str = "\x1b[H";
/// Clears what was longer in this line.
const END_OF_LINE: &str = "\x1b[K";
/// Clears the lines below.
const REST: &str = "\x1b[J";

/// Returns the provider and the model that were asked about.
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
