//! What Strongroom is to OpenClaw: its exec secret provider.

pub mod client_config;
pub mod protocol;
pub mod resolve;
pub mod wiring;
