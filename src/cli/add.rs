//! `models auth add` and `login`: add a credential, asking for what no flag gives.

use clap::Args;

use super::Context;
use super::adding::{Known, Method, ask_and_store, ask_provider};
use super::claude_token;
use super::context::not_a_secret;
use super::expiry_flags::Ends;
use super::storing::StoreArg;
use crate::error::Result;
use crate::messages::cli::credentials;
use crate::vault::id::Provider;

/// Providers that are signed in to with OAuth, in a browser or by a device code.
const BROWSER: [&str; 9] = [
    "openai-codex",
    "github-copilot",
    "google-gemini-cli",
    "google-antigravity",
    "qwen-portal",
    "minimax-portal",
    "chutes",
    "claude-cli",
    "codex-cli",
];

/// Add a credential, asking for its provider and method
///
/// Asks only for what no flag gives. With --provider and --method it asks only for the secret, or
/// reads it from standard input if that is not a terminal.
#[derive(Debug, Args)]
pub struct Add {
    #[command(flatten)]
    flags: Flags,
}

/// Sign in to a provider without a browser
///
/// This is setup-token for anthropic, and paste-api-key for providers with API keys. If signing in
/// needs a browser or the network, it says how to do that with OpenClaw.
#[derive(Debug, Args)]
pub struct Login {
    #[command(flatten)]
    flags: Flags,
}

#[derive(Debug, Args)]
struct Flags {
    /// Provider of the credential, for example anthropic or openrouter
    #[arg(long, value_name = "P")]
    provider: Option<String>,
    /// How to get the credential: setup-token, token or api-key
    #[arg(long, value_enum, value_name = "M", hide_possible_values = true)]
    method: Option<Method>,
    /// Profile id [default: that of the method's own command]
    #[arg(long, value_name = "ID")]
    profile_id: Option<String>,
    #[command(flatten)]
    ends: Ends,
    /// Store to use [default: the profile's current store, or the vault's default]
    #[arg(long, value_enum, value_name = "file|keychain", hide_possible_values = true)]
    store: Option<StoreArg>,
}

impl Flags {
    /// Parses the flags.
    fn known(&self) -> Result<Known> {
        let provider = match &self.provider {
            Some(text) => {
                not_a_secret(text)?;
                Some(text.parse()?)
            }
            None => None,
        };
        Ok(Known {
            provider,
            method: self.method,
            profile_id: self.profile_id.clone(),
            ends: self.ends.clone(),
            store: self.store,
        })
    }
}

pub(super) fn run(context: &mut Context, args: &Add) -> Result<u8> {
    let known = args.flags.known()?;
    if !context.may_ask() && (known.provider.is_none() || known.method.is_none()) {
        return Err(credentials::cannot_ask("the provider and the method", context.env.stdin_tty));
    }
    add(context, known)
}

pub(super) fn login(context: &mut Context, args: &Login) -> Result<u8> {
    let mut known = args.flags.known()?;
    if !context.may_ask() && known.provider.is_none() {
        return Err(credentials::cannot_ask("the provider", context.env.stdin_tty));
    }
    let provider = match known.provider.take() {
        Some(provider) => provider,
        None => ask_provider()?,
    };
    if known.method.is_none() {
        refuse_browser(context, &provider)?;
        known.method = Method::of(&provider).first().copied();
    }
    known.provider = Some(provider);
    add(context, known)
}

/// Adds one credential, after the checks that need no vault.
fn add(context: &mut Context, known: Known) -> Result<u8> {
    if known.method == Some(Method::SetupToken)
        && let Some(wish) = known.setup_token(context)?
    {
        claude_token::needs_terminal(context, &wish)?;
    }
    let vault = context.vault()?;
    let mut open = context.open(&vault)?;
    let stored = ask_and_store(context, &mut open, known)?;
    stored.tell(context)
}

/// Refuses a provider that is signed in to in a browser.
///
/// # Errors
/// `SIGN_IN_ELSEWHERE`.
fn refuse_browser(context: &Context, provider: &Provider) -> Result<()> {
    if !BROWSER.contains(&provider.as_str()) {
        return Ok(());
    }
    let agent = context.agent()?;
    Err(credentials::sign_in_elsewhere(provider, &agent, &agent.option()))
}
