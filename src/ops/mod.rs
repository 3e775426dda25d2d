//! Use cases on an open vault. They return values and notices; prompts and output are the command line's.

pub mod ambient;
pub mod client_config;
pub mod cooldowns;
pub mod edit;
pub mod export;
pub mod follow;
pub mod forget;
pub mod history;
pub mod ids;
pub mod import;
pub mod list;
pub mod move_profiles;
pub mod nameable;
pub mod notice;
pub mod open;
pub mod order;
pub mod pin;
pub mod profiles;
pub mod report;
pub mod resolve;
pub mod save;
pub mod settings;
pub mod state;
pub mod status;
pub mod undo;
pub mod versions;
