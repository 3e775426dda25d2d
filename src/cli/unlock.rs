//! `unlock`: keeps what reading and writing need in the kernel's keyring for a time.

use clap::Args;

use super::Context;
use crate::error::{Code, Result, fail};
use crate::unlock::cache::{self, TTL_MAX, TTL_MIN};
use crate::when::{parse_duration, rfc3339};

/// Keep the vault open for a time, so that nothing asks for its passphrase meanwhile.
///
/// The vault's keys are kept in the kernel's keyring: no file holds them, no process stays, and only
/// processes of yours can read them. Taking secrets elsewhere (export, recovery-key) and changing
/// keys or methods asks all the same.
#[derive(Debug, Args)]
pub struct Unlock {
    /// How long, from 1s to 24h
    #[arg(long, value_name = "TIME", default_value = "15m")]
    ttl: String,
}

pub(super) fn run(context: &mut Context, args: &Unlock) -> Result<u8> {
    let ttl = parse_duration(&args.ttl)?;
    if !(TTL_MIN..=TTL_MAX).contains(&ttl) {
        return fail(Code::Usage, "--ttl is from 1s to 24h");
    }
    let vault = context.vault()?;
    // Before anyone is asked for a passphrase.
    cache::check()?;
    let session = context.session_afresh(&vault)?;
    let unlocked = session.unlocked()?;
    let until = cache::store(vault.home.path(), unlocked, ttl, context.env.now())?;
    if context.json() {
        context.print_json(&serde_json::json!({ "method": unlocked.payload.method, "until": until }))?;
        return Ok(0);
    }
    context.print(&format!("Unlocked until {}, by {}.", rfc3339(until), unlocked.from))?;
    context.say("`strongroom lock` ends that at once. Until then every process of yours can read the vault.");
    Ok(0)
}
