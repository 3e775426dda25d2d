//! The terminal and the standard streams: secrets in, text and secrets out.

pub mod escape;
pub mod progress;
pub mod style;
pub mod table;
pub mod time;
