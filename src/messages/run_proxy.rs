//! Messages about programs that get a token for the proxy instead of secrets.

use std::fmt::Display;

use crate::error::{Code, Error};

/// A flag that hands a secret over, together with one that keeps secrets from the program.
#[must_use]
pub fn hands_over(flag: &str) -> Error {
    Error::new(Code::Usage, format!("{flag} hands secrets to the program, and --proxy keeps them from it"))
        .with_remedy(
            "name what it may use with `--provider P`, `--profile ID` or `--all`, or leave `--proxy` out",
        )
}

/// A flag of the proxy without the proxy.
#[must_use]
pub fn without_proxy(flag: &str) -> Error {
    Error::new(Code::Usage, format!("{flag} is for the proxy, and --proxy is missing"))
        .with_remedy("add `--proxy`, or leave the flag out")
}

/// A token that its provider allows in its own clients alone. `word` is the id as a shell word.
#[must_use]
pub fn setup_token(id: impl Display, word: &str) -> Error {
    let what = format!("{id} is a token of a subscription, which Anthropic allows in its own clients alone");
    Error::new(Code::Denied, what).with_remedy(format!(
        "give it to Claude Code itself: `strongroom run --profile {word} -- claude`, or store an API key: `strongroom paste-api-key --provider anthropic`"
    ))
}

/// A provider that the proxy does not know.
#[must_use]
pub fn no_route(provider: impl Display) -> Error {
    Error::new(Code::NotFound, format!("the proxy does not know where requests for {provider} go"))
        .with_remedy(format!("name it: `--upstream {provider}=https://HOST`"))
}

/// A provider whose libraries read no variable. `path` is where its requests go.
#[must_use]
pub fn no_variables(provider: impl Display, path: &str) -> String {
    format!(
        "No variable of {provider}'s libraries names a base URL. Requests for it go to $STRONGROOM_PROXY_URL/{path}, with $STRONGROOM_PROXY_TOKEN in the place of the key."
    )
}

/// The thread of the proxy could not be started.
#[must_use]
pub fn no_thread() -> Error {
    Error::new(Code::NoMemory, "the system gives no thread for the proxy")
}
