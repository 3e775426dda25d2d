//! What `connect` and `disconnect` have in common: the clients that they know, and how a change is shown.

use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};

use crate::client::connectable;
use crate::messages::cli::clients as messages;
use crate::term::escape::safe;

/// A client that can be connected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Client {
    /// OpenClaw
    Openclaw,
    /// Any other one.
    Other(connectable::Client),
}

impl Client {
    /// Returns the client as it is connected through the proxy.
    pub(super) const fn by_proxy(self) -> connectable::Client {
        match self {
            Self::Openclaw => connectable::Client::Openclaw,
            Self::Other(client) => client,
        }
    }
}

impl ValueEnum for Client {
    fn value_variants<'a>() -> &'a [Self] {
        const ALL: [Client; connectable::Client::ALL.len() + 2] = {
            let last = Client::Other(connectable::Client::EnvFile);
            let mut all = [last; connectable::Client::ALL.len() + 2];
            all[0] = Client::Openclaw;
            let mut at = 0;
            while at < connectable::Client::ALL.len() {
                all[at + 1] = Client::Other(connectable::Client::ALL[at]);
                at += 1;
            }
            all
        };
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Openclaw => PossibleValue::new("openclaw").help(messages::OPENCLAW),
            Self::Other(client) => PossibleValue::new(client.as_str()).help(messages::about(client.as_str())),
        })
    }
}

/// The arguments of both.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Client to connect or disconnect
    #[arg(value_enum, value_name = "CLIENT")]
    pub client: Client,
    #[command(flatten)]
    pub answers: Answers,
}

/// What is asked before a change, answered beforehand.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Answers {
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
