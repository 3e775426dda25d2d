//! The `strongroom` command.

use std::process::ExitCode;

use strongroom::env::Env;
use strongroom::{cli, harden, limits};

#[global_allocator]
static ALLOCATOR: harden::Wiping = harden::Wiping;

fn main() -> ExitCode {
    harden::process();
    limits::prepare();
    let arguments: Vec<_> = std::env::args_os().collect();
    ExitCode::from(harden::wiped(|| cli::run(&arguments, Env::of_process())))
}
