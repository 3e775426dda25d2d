//! What `connect` and `disconnect` have in common: the clients that they know, and how a change is shown.

use clap::{Args, ValueEnum};

use crate::term::escape::safe;

/// A client that can be connected.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum Client {
    /// OpenClaw
    Openclaw,
}

/// The arguments of both.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Client to connect or disconnect
    #[arg(value_enum, value_name = "CLIENT")]
    pub client: Client,
    /// Show what would change, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask
    #[arg(long, short = 'y')]
    pub yes: bool,
}

/// How wide a tab of a diff is shown: a terminal's own tab stops would set its lines apart.
const TAB: &str = "    ";

/// Returns the lines of a diff as they are shown.
pub(super) fn shown_diff(diff: &str) -> impl Iterator<Item = String> {
    diff.lines().map(|line| format!("  {}", safe(&line.replace('\t', TAB))))
}
