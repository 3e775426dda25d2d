//! What Strongroom is to OpenClaw: its exec secret provider.

pub mod protocol;
pub mod resolve;
pub mod wiring;
