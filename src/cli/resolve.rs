//! `resolve`: OpenClaw's exec secret provider.
//!
//! Reads standard input to its end, always answers in JSON with exit status 0, never asks, and reports a timeout before
//! the client gives up.

use std::time::Instant;

use clap::Args;

use super::{Context, in_time};
use crate::client::exec_protocol::{self, REQUEST, REQUEST_MAX};
use crate::error::{Code, Error, Result, fail};
use crate::harden;
use crate::ops::open::reading;
use crate::ops::resolve::{Scope, resolve};
use crate::secret::{Buffer, SecretString};
use crate::term::out;
use crate::term::stdin::{self, Rest};
use crate::unlock::key_sources::Named;
use crate::vault::home::{LOCK_TIMEOUT, Session, Setup, Vault};

/// A request of fewer bytes names only a few ids.
const FEW_IDS: usize = 512;
/// Answer OpenClaw's exec secret protocol on standard input and output
///
/// Errors are part of the answer, and the exit status is always 0. It never prompts.
#[derive(Debug, Args)]
pub struct Resolve {}

pub(super) fn run(context: &mut Context, _: &Resolve) -> u8 {
    let begun = Instant::now();
    let answer = match stdin::read_stdin_deadline(REQUEST_MAX, in_time::READING, Rest::IsThrownAway) {
        Err(error) => of_request(fail(error.code(), error.what().to_owned())),
        Ok(request) => {
            if request.expose().len() < FEW_IDS {
                harden::large_buffers_apart();
            }
            let resolver = Resolver {
                env: context.env.clone(),
                named: context.named(),
                home: context.home(),
                setup: in_time::setup(context),
                agent: context.agent(),
                confined: context.global.agent.is_some(),
            };
            let late = || {
                let late = fail(Code::Timeout, "the vault did not answer in time");
                let _ = out::write_bytes(&of_request(late));
                0
            };
            in_time::within(begun, late, || resolver.answer(&request))
        }
    };
    // If standard output is closed, there is no one left to tell.
    let _ = out::write_bytes(&answer);
    0
}

/// What answering a request needs, apart from the request.
struct Resolver {
    env: crate::env::Env,
    named: Named,
    home: Result<std::path::PathBuf>,
    setup: Setup,
    agent: Result<crate::vault::id::AgentName>,
    confined: bool,
}

impl Resolver {
    /// Returns the answer to a request, as a JSON document.
    fn answer(self, request: &Buffer) -> Buffer {
        let ids: Vec<String> = match exec_protocol::parse(request.expose()) {
            Ok(ids) => ids.into_iter().collect(),
            Err(error) => return of_request(Err(error)),
        };
        let opened = self.agent.and_then(|agent| {
            let vault = Vault::open(&self.home?, &self.setup, LOCK_TIMEOUT)?;
            let session = vault.unlock(&self.named, &self.env, None)?;
            let scope = Scope { agent, confined: self.confined, now: self.env.now(), env: self.env };
            Ok((scope, vault, session))
        });
        match opened {
            Ok((scope, vault, mut session)) => {
                let read = |session: &Session| -> Result<Vec<_>> {
                    let answers = resolve(&vault, session, ids.clone(), &scope);
                    let torn = |error: &Error| error.code() == Code::Tampered;
                    match answers.iter().find_map(|(_, answer)| answer.as_ref().err().filter(|e| torn(e))) {
                        // The keys may have been changed meanwhile.
                        Some(error) if !session.is_current(vault.home())? => Err(error.clone()),
                        _ => Ok(answers),
                    }
                };
                match reading(&vault, &mut session, read) {
                    Ok(answers) => exec_protocol::response(&answers),
                    Err(error) => of_ids(ids, &error),
                }
            }
            // Every id gets the reason, so that the client's own message shows it.
            Err(error) => of_ids(ids, &error),
        }
    }
}

/// Returns an answer that gives every id the same error.
fn of_ids(ids: Vec<String>, error: &Error) -> Buffer {
    let answers: Vec<_> = ids.into_iter().map(|id| (id, Err(error.clone()))).collect();
    exec_protocol::response(&answers)
}

/// Returns an answer about the request as a whole.
fn of_request(error: Result<SecretString>) -> Buffer {
    exec_protocol::response(&[(REQUEST.to_owned(), error)])
}
