//! `import`: imports OpenClaw's files, `.env` files and bundles.

use super::Context;
pub use super::importing::Import;
use super::importing::from_arguments;
use crate::error::Result;

pub(super) fn run(context: &mut Context, args: &Import) -> Result<u8> {
    from_arguments(context, args)
}
