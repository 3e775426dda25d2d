//! The terminal and the standard streams: secrets in, text and secrets out.

pub mod capture;
pub mod child;
pub mod count;
mod echo;
pub mod escape;
mod line_editor;
pub mod out;
pub mod progress;
mod screen;
pub mod secret_input;
mod settings;
pub mod signals;
mod silent;
mod slow;
pub mod stdin;
pub mod stream;
pub mod style;
pub mod table;
mod tty;
