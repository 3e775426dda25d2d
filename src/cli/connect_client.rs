//! The clients that `connect` and `disconnect` know.

use clap::ValueEnum;

/// A client that can be connected.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum Client {
    /// OpenClaw
    Openclaw,
}
