//! Where requests go: scheme, host and port.

use std::fmt;
use std::net::IpAddr;

use http::Uri;

/// How an origin is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// HTTP over TLS.
    Https,
    /// HTTP without TLS, to this machine alone.
    Http,
}

/// An exact place that requests go to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    scheme: Scheme,
    host: String,
    port: u16,
    by_hand: bool,
}

/// Why a text is not an origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// The host is empty, not ASCII, or has a character that no host has.
    #[error("the host is not valid")]
    Host,
    /// It is not `https://HOST[:PORT]`, and has a path, a query, or a user.
    #[error("not of the form https://HOST[:PORT]")]
    Form,
    /// HTTP without TLS to another machine.
    #[error("http is only for a loopback address")]
    Plain,
}

impl Origin {
    /// Returns the origin of a host that speaks HTTPS. Private addresses are refused if it resolves to them.
    ///
    /// # Errors
    /// If the host is not valid.
    pub fn https(host: &str, port: u16) -> Result<Self, OriginError> {
        Ok(Self { scheme: Scheme::Https, host: checked(host)?, port, by_hand: false })
    }

    /// Returns the origin of a URL that a person named, who vouches for it: it may have any address. Without TLS only a
    /// loopback address is accepted.
    ///
    /// # Errors
    /// If it is not an origin, or HTTP to another machine.
    pub fn by_hand(url: &str) -> Result<Self, OriginError> {
        let uri: Uri = url.parse().map_err(|_| OriginError::Form)?;
        let authority = uri.authority().ok_or(OriginError::Form)?;
        if uri.path_and_query().is_some_and(|rest| rest.as_str() != "/") || authority.as_str().contains('@') {
            return Err(OriginError::Form);
        }
        let host = checked(authority.host())?;
        let (scheme, port) = match uri.scheme_str() {
            Some("https") => (Scheme::Https, 443),
            Some("http") if is_loopback(&host) => (Scheme::Http, 80),
            Some("http") => return Err(OriginError::Plain),
            _ => return Err(OriginError::Form),
        };
        let port = authority.port_u16().unwrap_or(port);
        Ok(Self { scheme, host, port, by_hand: true })
    }

    /// Returns how it is spoken to.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Returns the host, in lower case.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns whether a person named it.
    #[must_use]
    pub fn is_by_hand(&self) -> bool {
        self.by_hand
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, usual) = match self.scheme {
            Scheme::Https => ("https", 443),
            Scheme::Http => ("http", 80),
        };
        write!(f, "{scheme}://{}", self.host)?;
        if self.port == usual { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

fn is_loopback(host: &str) -> bool {
    let literal = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || literal.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Returns a host in lower case.
fn checked(host: &str) -> Result<String, OriginError> {
    let host = host.to_ascii_lowercase();
    let is_name = !host.is_empty()
        && host.len() <= 253
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
        && host.split('.').all(|label| !label.is_empty());
    let literal = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let is_ipv6 = literal.is_some_and(|literal| matches!(literal.parse(), Ok(IpAddr::V6(_))));
    if is_name || is_ipv6 { Ok(host) } else { Err(OriginError::Host) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_a_host_and_a_port() {
        for (url, shown) in [
            ("https://API.example.com", "https://api.example.com"),
            ("https://api.example.com:8443/", "https://api.example.com:8443"),
            ("http://127.0.0.1:11434", "http://127.0.0.1:11434"),
            ("http://[::1]", "http://[::1]"),
            ("http://localhost:80", "http://localhost"),
        ] {
            assert_eq!(Origin::by_hand(url).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn what_is_more_than_an_origin_is_refused() {
        for (url, error) in [
            ("http://10.0.0.1", OriginError::Plain),
            ("http://localhost.example.com", OriginError::Plain),
            ("https://api.example.com/v1", OriginError::Form),
            ("https://api.example.com?x=y", OriginError::Form),
            ("https://user@api.example.com", OriginError::Form),
            ("ftp://api.example.com", OriginError::Form),
            ("api.example.com", OriginError::Form),
            ("https://api..example.com", OriginError::Host),
        ] {
            assert_eq!(Origin::by_hand(url).unwrap_err(), error, "{url}");
        }
        assert_eq!(Origin::https("a@b", 443).unwrap_err(), OriginError::Host);
        assert_eq!(Origin::https("a/b", 443).unwrap_err(), OriginError::Host);
    }
}
