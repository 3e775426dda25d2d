//! The flags that say where the proxy sends requests.

use std::path::PathBuf;

use clap::Args;

use super::context::not_a_secret;
use crate::error::Result;
use crate::serve::{Upstream, certificates, upstream};

/// The places of requests instead of the providers' own hosts, and the authorities that are trusted there.
#[derive(Debug, Args)]
pub(super) struct Upstreams {
    /// Send requests for a provider here instead of to its own host; http is for this machine alone
    #[arg(long = "upstream", value_name = "NAME=URL")]
    upstreams: Vec<String>,
    /// Trust the authorities in this PEM file too
    #[arg(long = "upstream-ca", value_name = "FILE")]
    authorities: Vec<PathBuf>,
}

impl Upstreams {
    /// Returns the first flag that is given, if one is.
    pub(super) fn given(&self) -> Option<&'static str> {
        let first = (!self.upstreams.is_empty()).then_some("--upstream");
        first.or_else(|| (!self.authorities.is_empty()).then_some("--upstream-ca"))
    }

    /// Reads them: the upstreams, and the certificates as DER.
    ///
    /// # Errors
    /// `USAGE`, and those of the files.
    pub(super) fn read(&self) -> Result<(Vec<Upstream>, Vec<Vec<u8>>)> {
        for text in self.upstreams.iter().filter(|text| !text.contains('=')) {
            not_a_secret(text)?;
        }
        let upstreams = self.upstreams.iter().map(|text| upstream(text)).collect::<Result<Vec<_>>>()?;
        let mut all = Vec::new();
        for path in &self.authorities {
            all.extend(certificates(path)?);
        }
        Ok((upstreams, all))
    }
}
