//! Where the requests of a provider go.

use crate::vault::id::Provider;

/// What a configuration says about a provider's endpoint.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Endpoint {
    /// The provider.
    pub provider: Provider,
    /// Its URL, without user info, query and fragment.
    pub url: Option<String>,
    /// The API of the endpoint.
    pub api: Option<String>,
    /// Whether it needs no key of the user: it is on this machine or in its network, or uses another way to sign in.
    pub keyless: bool,
    /// Whether its URL differs from the provider's own.
    pub custom: bool,
}
