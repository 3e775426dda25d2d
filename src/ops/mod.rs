//! What is done with an open vault: values and notices, no prompts and no output.

pub mod cooldowns;
pub mod export;
pub mod ids;
pub mod notice;
pub mod open;
pub mod profiles;
pub mod resolve;
pub mod state;
pub mod store;
