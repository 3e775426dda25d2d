//! `models auth add` and `login`: add a credential, asking for what no flag says.

use clap::Args;

use super::Context;
use super::adding::{Known, Method, ask_and_store, ask_provider};
use super::claude_token;
use super::context::not_a_secret;
use super::expiry_flags::Ends;
use super::storing::StoreArg;
use crate::error::{Code, Error, Result};
use crate::vault::id::Provider;

/// Providers whose sign-in is OAuth in a browser or by a device code.
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

/// Add a credential: asks for provider and method.
///
/// What a flag says is not asked. With --provider and --method nothing is asked but the secret,
/// which is read from standard input where that is no terminal.
#[derive(Debug, Args)]
pub struct Add {
    #[command(flatten)]
    flags: Flags,
}

/// Sign in, as far as that goes without a browser.
///
/// For anthropic this is setup-token, for providers with API keys paste-api-key. Where signing in
/// takes a browser or the network, it says how.
#[derive(Debug, Args)]
pub struct Login {
    #[command(flatten)]
    flags: Flags,
}

#[derive(Debug, Args)]
struct Flags {
    /// Whom the credential is for, for example anthropic or openrouter
    #[arg(long, value_name = "P")]
    provider: Option<String>,
    /// How it comes: setup-token, token, api-key
    #[arg(long, value_enum, value_name = "M", hide_possible_values = true)]
    method: Option<Method>,
    /// The profile's id [default: that of the method's own command]
    #[arg(long, value_name = "ID")]
    profile_id: Option<String>,
    #[command(flatten)]
    ends: Ends,
    /// Where the record is to rest [default: where it rests already, else the vault's store]
    #[arg(long, value_enum, value_name = "file|keychain", hide_possible_values = true)]
    store: Option<StoreArg>,
}

impl Flags {
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
        return Err(unasked("`models auth add` asks for provider and method"));
    }
    one(context, known)
}

pub(super) fn login(context: &mut Context, args: &Login) -> Result<u8> {
    let mut known = args.flags.known()?;
    if !context.may_ask() && known.provider.is_none() {
        return Err(unasked("`models auth login` asks for the provider"));
    }
    let provider = match known.provider.take() {
        Some(provider) => provider,
        None => ask_provider()?,
    };
    if known.method.is_none() {
        in_browser(&provider)?;
        known.method = Method::of(&provider).first().copied();
    }
    known.provider = Some(provider);
    one(context, known)
}

fn one(context: &mut Context, known: Known) -> Result<u8> {
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

fn unasked(what: &str) -> Error {
    Error::new(Code::Usage, format!("{what}, and nobody can be asked"))
        .with_remedy("say both, --provider P --method api-key|token, and send the secret on standard input; or use `strongroom paste-api-key` or `paste-token`")
}

/// Refuses a provider that is signed in to elsewhere.
fn in_browser(provider: &Provider) -> Result<()> {
    if !BROWSER.contains(&provider.as_str()) {
        return Ok(());
    }
    Err(Error::new(
        Code::SignInElsewhere,
        format!("signing in to {provider} takes a browser or the network, which Strongroom does not use")).with_remedy(format!(
            "sign in with `openclaw models auth login --provider {provider}`, then: strongroom import ~/.openclaw/agents/main/agent/auth-profiles.json --include-oauth; or paste a token: strongroom paste-token --provider {provider}"
        )))
}
