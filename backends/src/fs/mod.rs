//! Durable files (private from the start, no symlinks; stage, fsync, rename) and the kernel's locks.

pub mod denial;
pub mod dir;
pub mod home;
pub mod lock;
pub mod queue;
