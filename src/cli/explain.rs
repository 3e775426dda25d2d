//! `doctor --explain-error`: explains an error message of a client or a provider.

use super::Context;
use crate::doctor::explain::{Facts, explain};
use crate::doctor::indexed;
use crate::doctor::message::{meant, read};
use crate::error::Result;
use crate::messages::cli::keys::checks as messages;
use crate::term::stdin;
use crate::vault::home::Vault;

/// The longest message that is read, in bytes.
const MESSAGE_MAX: usize = 64 * 1024;

pub(super) fn run(context: &mut Context, text: &str) -> Result<u8> {
    let text = if text == "-" {
        if context.env.stdin_tty {
            context.say(messages::PASTE_MESSAGE);
        }
        let bytes = stdin::read_stdin(MESSAGE_MAX)?;
        String::from_utf8_lossy(bytes.expose()).into_owned()
    } else {
        super::context::not_a_secret(text)?;
        text.to_owned()
    };
    let Some(read) = read(&text) else {
        return Err(messages::unknown_message());
    };
    let agent = context.agent()?;
    // An explanation also helps without a vault.
    let vault = Vault::open(&context.home()?, &context.setup(), context.lock_limit()).ok();
    let own = vault.as_ref().map(|vault| indexed::of_agent(vault, &agent)).unwrap_or_default();
    let meant = meant(&read, &own, context.env.now());
    let provider = read.provider.as_deref().and_then(|name| name.parse().ok());
    let elsewhere = match (&vault, provider) {
        (Some(vault), Some(provider)) if meant.is_empty() => indexed::elsewhere(vault, &agent, &provider),
        _ => None,
    };
    let facts = Facts { agent: &agent, meant: &meant, elsewhere: elsewhere.as_deref() };
    let explanation = explain(&read, &facts);
    if context.json() {
        context.print_json(&explanation)?;
        return Ok(0);
    }
    let mut lines = vec![explanation.meaning];
    lines.extend(explanation.remedy.iter().map(|step| format!("  → {step}")));
    context.print(&lines.join("\n"))?;
    Ok(0)
}
