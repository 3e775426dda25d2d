//! `run`: runs a program with secrets in its environment, and masks them in what it prints.

use std::ffi::OsString;

use clap::Args;
use strongroom_mask::{MIN_BYTES, Patterns, TOTAL_MAX, VALUES_MAX, Value};
use zeroize::Zeroizing;

use super::context::Context;
use super::run_proxy::{self, report};
use super::secrets_flags::{Secrets, obtain};
use super::upstream_flags::Upstreams;
use crate::error::{Code, Result};
use crate::looks::masked;
use crate::messages::{run as messages, run_proxy as of_proxy};
use crate::ops::hand_over::Handed;
use crate::relay::Program;
use crate::secret::ExposeSecret;

/// Run a program with secrets in its environment, and mask them in its output
///
/// The program gets the profiles that you name, and no others. What it prints is searched for them, also in base64, in
/// hexadecimal digits and in the escapes of URLs and JSON, and `[masked:ID]` takes their place. This protects from
/// accidents: the program itself can do with a secret what it wants.
#[derive(Debug, Args)]
pub struct Run {
    #[command(flatten)]
    secrets: Secrets,
    /// Give it the proxy's address and a token for it instead, so that it has no secret; the proxy ends with it
    #[arg(long)]
    proxy: bool,
    #[command(flatten)]
    upstreams: Upstreams,
    /// Pass the output on as it is
    #[arg(long)]
    no_mask: bool,
    /// The program and its arguments, after `--`
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<OsString>,
}

pub(super) fn run(context: &mut Context, args: &Run) -> Result<u8> {
    if args.proxy {
        return run_proxy::run(
            context,
            &run_proxy::Wanted {
                secrets: &args.secrets,
                upstreams: &args.upstreams,
                masks: !args.no_mask,
                command: &args.command,
            },
        );
    }
    if let Some(flag) = args.upstreams.given() {
        return Err(of_proxy::without_proxy(flag));
    }
    let asked = args.secrets.read(context)?;
    let handed = match obtain(context, &asked) {
        Err(error) if error.code() != Code::Usage => {
            let _ = context.report(&error);
            return Ok(run_proxy::NOT_HANDED_OVER);
        }
        handed => handed?,
    };
    drop(asked);
    let patterns = if args.no_mask { None } else { Some(patterns(context, &handed)?) };
    let variables = handed.variables.into_iter().map(|one| (one.name, one.value)).collect();
    let env = context.env.clone();
    let program = Program { command: &args.command, env: &env, variables };
    let ended = match patterns.filter(|patterns| !patterns.is_empty()) {
        Some(patterns) => program.run(&patterns),
        None => Err(program.replace_us()),
    };
    match ended {
        Ok(exit) => {
            exit.lost?;
            Ok(exit.status)
        }
        Err(failed) => Ok(report(&context.env, &failed)),
    }
}

/// Returns the forms of what is masked.
fn patterns(context: &Context, handed: &Handed) -> Result<Patterns> {
    let mut values: Vec<Value> = Vec::new();
    for variable in &handed.variables {
        let Some(profile) = &variable.profile else { continue };
        let bytes = variable.value.expose_secret().as_bytes();
        if values.iter().any(|known| known.bytes.as_slice() == bytes) {
            continue;
        }
        if bytes.len() < MIN_BYTES {
            context.warn(&messages::too_short(profile, MIN_BYTES));
        }
        let name = masked(profile.as_str()).into_owned();
        values.push(Value { name, bytes: Zeroizing::new(bytes.to_vec()) });
    }
    Patterns::new(values).map_err(|_| messages::too_much_to_mask(VALUES_MAX, TOTAL_MAX))
}
