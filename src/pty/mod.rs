//! A program in a pseudo-terminal, whose output is checked before it is shown.

pub mod capture;
pub mod child;
mod output_queue;
mod screen;
mod settings;
pub(crate) mod window;
