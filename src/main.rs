//! The `strongroom` command.

use std::process::ExitCode;

use strongroom::env::Env;
use strongroom::{cli, harden};

fn main() -> ExitCode {
    harden::process();
    ExitCode::from(cli::run(std::env::args_os().collect(), Env::of_process()))
}
