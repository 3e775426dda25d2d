//! Where the requests of a provider go.

use crate::vault::id::Provider;

/// What a configuration says of a provider's endpoint.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Endpoint {
    /// The provider.
    pub provider: Provider,
    /// Its URL, without user info, query and fragment.
    pub url: Option<String>,
    /// The API that is spoken there.
    pub api: Option<String>,
    /// Whether it wants no key of the user's: it is on this machine or in its network, or it is
    /// signed in to by other means.
    pub keyless: bool,
    /// Whether its URL is another than the provider's own.
    pub custom: bool,
}
