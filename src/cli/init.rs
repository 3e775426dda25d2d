//! `init`: creates a vault, and reports what was chosen and why.

use super::Context;
pub use super::make_vault::Init;
use super::make_vault::make;
use crate::error::Result;
use crate::messages::cli::keys::vaults as messages;
use crate::unlock::unlock_files;

pub(super) fn run(context: &mut Context, args: &Init) -> Result<u8> {
    let made = make(context, args)?;
    if context.json() {
        context.print_json(&made.json())?;
        return Ok(0);
    }
    made.say(context)?;
    context.say(messages::NEXT);
    context.say(if made.payload.method == unlock_files::KEYCHAIN {
        messages::NEXT_KEYCHAIN
    } else {
        messages::NEXT_RECOVERY
    });
    Ok(0)
}
