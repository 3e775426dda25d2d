//! Upstreams that a person names, and the authorities that vouch for them.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use strongroom_backends::shown;
use strongroom_proxy::{Origin, OriginError, pem_certificates};

use crate::error::Result;
use crate::messages::serve as messages;

/// How much of a file of certificates is read, in bytes.
const MAX: u64 = 1024 * 1024;

/// An upstream in place of a provider's own host.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// The provider, which is the first segment of the path.
    pub name: String,
    /// The place to which its requests go.
    pub origin: Origin,
}

/// Reads `NAME=URL`.
///
/// # Errors
/// `USAGE`.
pub fn upstream(text: &str) -> Result<Upstream> {
    let (name, url) = text.split_once('=').ok_or_else(|| messages::not_an_upstream("there is no `=`"))?;
    let provider: crate::vault::id::Provider = name.parse()?;
    let origin = Origin::by_hand(url).map_err(|error: OriginError| messages::not_an_upstream(error))?;
    Ok(Upstream { name: provider.as_str().to_owned(), origin })
}

/// Reads the certificates of a file in PEM form, as DER.
///
/// # Errors
/// `NO_INPUT`, `IO`, `BAD_DATA`.
pub fn certificates(path: &Path) -> Result<Vec<Vec<u8>>> {
    let failed = |error: io::Error| messages::authorities_not_read(&shown(path), &error);
    let mut pem = Vec::new();
    File::open(path).map_err(failed)?.take(MAX).read_to_end(&mut pem).map_err(failed)?;
    let found = pem_certificates(&pem);
    if found.is_empty() { Err(messages::not_a_certificate(&shown(path))) } else { Ok(found) }
}
