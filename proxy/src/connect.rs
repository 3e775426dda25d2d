//! Connections to upstreams: names, addresses, TLS.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::rt::TokioIo;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tower_service::Service;

use crate::address::is_public;

/// The addresses of a host, when they come.
pub type Addresses<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>>;

/// Finds the addresses of a host.
pub trait Resolver: Send + Sync + 'static {
    /// Returns the addresses of a host, with this port.
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Addresses<'a>;
}

/// The system's resolver.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

impl Resolver for System {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Addresses<'a> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
    }
}

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The system has no certificates of authorities, and none was named.
    #[error("the system has no root certificates")]
    NoRoots,
    /// A certificate is not one.
    #[error("a certificate is not valid: {0}")]
    Certificate(#[from] rustls::Error),
}

/// Returns how TLS is spoken: version 1.2 or later, with the system's authorities and these (DER).
///
/// # Errors
/// If there are no authorities, or one of these is not a certificate.
pub fn tls(more: impl IntoIterator<Item = Vec<u8>>) -> Result<ClientConfig, TlsError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for certificate in more {
        roots.add(CertificateDer::from(certificate))?;
    }
    if roots.is_empty() {
        return Err(TlsError::NoRoots);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// The upstream's name has only addresses that are not on the public Internet.
#[derive(Debug, thiserror::Error)]
#[error("the address is private")]
pub(crate) struct PrivateAddress;

/// Which addresses may be connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Reach {
    /// Public ones.
    Public,
    /// Any, because a person named the upstream.
    Any,
}

/// Connects by TCP, to an address that was checked: the name is not resolved a second time.
#[derive(Clone)]
struct Tcp {
    resolver: Arc<dyn Resolver>,
    reach: Reach,
}

impl Tcp {
    async fn connect(self, uri: Uri) -> io::Result<TokioIo<TcpStream>> {
        let host = uri.host().ok_or(io::ErrorKind::InvalidInput)?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let is_plain = uri.scheme_str() == Some("http");
        let port = uri.port_u16().unwrap_or(if is_plain { 80 } else { 443 });
        let addresses = match host.parse::<IpAddr>() {
            Ok(ip) => vec![SocketAddr::new(ip, port)],
            Err(_) => self.resolver.resolve(host, port).await?,
        };
        let mut failure = io::Error::other(PrivateAddress);
        for address in addresses.into_iter().filter(|address| self.reaches(address.ip(), is_plain)) {
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    return Ok(TokioIo::new(stream));
                }
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    fn reaches(&self, ip: IpAddr, is_plain: bool) -> bool {
        if is_plain {
            return self.reach == Reach::Any && ip.to_canonical().is_loopback();
        }
        self.reach == Reach::Any || is_public(ip)
    }
}

impl Service<Uri> for Tcp {
    type Response = TokioIo<TcpStream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().connect(uri))
    }
}

/// Connects by TCP and TLS, within a time.
#[derive(Clone)]
pub(crate) struct Connector {
    inner: HttpsConnector<Tcp>,
    limit: Duration,
}

impl Connector {
    /// Returns a connector. Without `http2` only HTTP/1.1 is offered, because a WebSocket needs it.
    pub fn new(
        tls: &ClientConfig,
        resolver: &Arc<dyn Resolver>,
        reach: Reach,
        http2: bool,
        limit: Duration,
    ) -> Self {
        let tcp = Tcp { resolver: Arc::clone(resolver), reach };
        let builder =
            HttpsConnectorBuilder::new().with_tls_config(tls.clone()).https_or_http().enable_http1();
        let inner =
            if http2 { builder.enable_http2().wrap_connector(tcp) } else { builder.wrap_connector(tcp) };
        Self { inner, limit }
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.inner.call(uri);
        let limit = self.limit;
        Box::pin(async move { tokio::time::timeout(limit, connecting).await? })
    }
}

/// Returns the certificates of a file in PEM form (RFC 7468), as DER. Other parts are left out.
#[must_use]
pub fn pem_certificates(pem: &[u8]) -> Vec<Vec<u8>> {
    let parts = CertificateDer::pem_slice_iter(pem);
    parts.filter_map(Result::ok).map(|certificate| certificate.as_ref().to_vec()).collect()
}
