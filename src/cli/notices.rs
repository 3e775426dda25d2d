//! The words of the notices that use cases give.

use strongroom_backends::shown;

use crate::ops::notice::Notice;
use crate::vault::keychain::settle;

/// A notice as a sentence.
pub(super) fn sentence(notice: &Notice) -> String {
    match notice {
        Notice::NewHome(memory) => {
            let next = match memory {
                Err(error) => {
                    format!("and it cannot remember its state: {}; {}", error.what(), error.remedy())
                }
                Ok(dir) => format!("from now on {} remembers its state", shown(dir)),
            };
            format!(
                "this machine has not seen this home before, so it cannot tell whether it is the latest; {next}"
            )
        }
        Notice::SetAside { agent, name } => format!(
            "a transaction of agent {agent} did not fit what is there and was set aside as {name}; run `strongroom verify`"
        ),
        Notice::Unfinished(error) => format!(
            "the change is committed and is read from now on, but could not be put in place ({}); the next change finishes it",
            error.what()
        ),
        Notice::KeychainBehind(error) => settle::told(error),
    }
}
