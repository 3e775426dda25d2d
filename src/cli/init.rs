//! `init`: makes a vault, and says what was chosen and why.

use super::Context;
pub use super::make_vault::Init;
use super::make_vault::make;
use crate::error::Result;
use crate::unlock::unlock_files;

pub(super) fn run(context: &mut Context, args: &Init) -> Result<u8> {
    let made = make(context, args)?;
    if context.json() {
        context.print_json(&made.json())?;
        return Ok(0);
    }
    made.say(context)?;
    context.say("Next: store a credential with `strongroom paste-token --provider anthropic`,");
    context.say(if made.payload.method == unlock_files::KEYCHAIN {
        "and keep the output of `strongroom recovery-key` somewhere safe: if the keychain loses the key, nothing else opens the vault."
    } else {
        "and keep the output of `strongroom recovery-key` somewhere safe: it opens everything if the key is lost."
    });
    Ok(0)
}
