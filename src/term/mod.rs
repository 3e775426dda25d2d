//! The terminal and the standard streams: reads secrets, writes text and secrets.

pub mod count;
mod echo;
pub mod escape;
mod line_editor;
pub mod markdown;
pub mod out;
pub mod progress;
pub mod secret_input;
pub mod signals;
mod silent;
pub mod stdin;
pub mod stream;
pub mod style;
pub mod table;
pub(crate) mod tty;
