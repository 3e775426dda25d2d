//! The terminal and the standard streams: secrets in, text and secrets out.

pub mod escape;
pub mod out;
pub mod progress;
pub mod stdin;
pub mod style;
pub mod table;
pub mod time;
