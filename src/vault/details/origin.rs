//! Origins: scheme, host and port of a server to which a secret may be sent.

use super::{Checked, Wrong};
use crate::looks::looks_secret;
use crate::messages::vault::details as messages;

/// The longest host, in bytes, by RFC 1035.
const HOST_MAX: usize = 253;
/// The longest label of a host, in bytes, by RFC 1035.
const LABEL_MAX: usize = 63;

/// Returns an origin in its one spelling: lower case, and without the scheme's usual port.
///
/// A protocol may compare origins byte by byte, so that nothing is accepted that two programs may read differently: no
/// path, user, wildcard, address, trailing dot, or characters beyond ASCII.
///
/// # Errors
/// [`Wrong`].
pub fn parse(text: &str) -> Checked<String> {
    let wrong = |reason| Err(Wrong::Form(reason));
    let Some((scheme, rest)) = text.split_once("://") else {
        return if looks_secret(text) { Err(Wrong::Secret) } else { wrong(messages::NO_SCHEME) };
    };
    let (scheme, usual) = match scheme.to_ascii_lowercase().as_str() {
        "https" => ("https", 443),
        // Never implied: a person has to write it.
        "http" => ("http", 80),
        _ => return wrong(messages::NO_SCHEME),
    };
    if rest.contains('@') {
        return wrong(messages::HAS_USER);
    }
    if looks_secret(rest) {
        return Err(Wrong::Secret);
    }
    if rest.contains(['/', '\\', '?', '#']) {
        return wrong(messages::HAS_PATH);
    }
    if rest.contains('*') {
        return wrong(messages::WILDCARD);
    }
    if rest.starts_with('[') {
        return wrong(messages::ADDRESS);
    }
    let (host, port) = match rest.split_once(':') {
        None => (rest, usual),
        Some((host, port)) => (host, port_of(port)?),
    };
    let host = host.to_ascii_lowercase();
    check_host(&host)?;
    Ok(if port == usual { format!("{scheme}://{host}") } else { format!("{scheme}://{host}:{port}") })
}

/// Returns whether requests to an origin are not encrypted.
#[must_use]
pub fn is_plain(origin: &str) -> bool {
    origin.starts_with("http://")
}

fn port_of(text: &str) -> Checked<u16> {
    let is_number = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    let port = if is_number { text.parse().ok() } else { None };
    port.ok_or(Wrong::Form(messages::NOT_A_PORT))
}

fn check_host(host: &str) -> Checked<()> {
    let wrong = |reason| Err(Wrong::Form(reason));
    if !host.is_ascii() {
        return wrong(messages::NOT_ASCII);
    }
    if host.ends_with('.') {
        return wrong(messages::TRAILING_DOT);
    }
    let is_label = |label: &str| {
        (1..=LABEL_MAX).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    if host.len() > HOST_MAX || !host.split('.').all(is_label) {
        return wrong(messages::NOT_A_HOST);
    }
    // Programs read a name whose last label is a number as an address, also in hexadecimal: `0x7f.1`.
    let last = host.rsplit('.').next().unwrap_or_default();
    let hex = last.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
    if hex || last.bytes().all(|b| b.is_ascii_digit()) {
        return wrong(messages::ADDRESS);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_one_spelling() {
        for (text, origin) in [
            ("https://api.x.io", "https://api.x.io"),
            ("HTTPS://API.X.io:443", "https://api.x.io"),
            ("https://api.x.io:8443", "https://api.x.io:8443"),
            ("https://x.io:80", "https://x.io:80"),
            ("http://localhost:80", "http://localhost"),
            ("http://registry:5000", "http://registry:5000"),
            ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
            ("https://my-name.openai.azure.com", "https://my-name.openai.azure.com"),
            ("https://1password.com", "https://1password.com"),
        ] {
            assert_eq!(parse(text).as_deref(), Ok(origin), "{text}");
        }
    }

    #[test]
    fn what_two_programs_may_read_differently_is_refused() {
        let long = format!("https://{}.io", "a".repeat(64));
        let longer = format!("https://{}io", "abc.".repeat(63));
        for text in [
            "",
            "api.x.io",
            "https:",
            "https://",
            "https:api.x.io",
            "https:///api.x.io",
            "//api.x.io",
            "ftp://x.io",
            "wss://x.io",
            "javascript://x.io",
            "https://x.io/",
            "https://x.io/v1",
            "https://x.io?a",
            "https://x.io#a",
            "https://x.io\\@evil.io",
            "https://user@x.io",
            "https://user:pass@x.io",
            "https://x.io@evil.io",
            "https://*.x.io",
            "https://*",
            "https://127.0.0.1",
            "https://127.1",
            "https://2130706433",
            "https://0x7f.1",
            "https://0x7f000001",
            "https://0x",
            "https://1.2.3.0x4",
            "https://[::1]",
            "https://[::1]:443",
            "https://::1",
            "https://x.io.",
            "https://x.io..",
            "https://.x.io",
            "https://x..io",
            "https://-x.io",
            "https://x-.io",
            "https://x_y.io",
            "https://x.io:",
            "https://x.io:0",
            "https://x.io:00443",
            "https://x.io:+443",
            "https://x.io:65536",
            "https://x.io:443:443",
            "https://x.io:99999999999999999999",
            "https://x.io:４４３",
            "https://bücher.example",
            "https://ｘ.io",
            "https://x\u{3002}io",
            "https://x\u{ad}.io",
            "https://x\u{200b}.io",
            "https://x.io\u{202e}",
            "https://x%2eio",
            "https://x.io\0",
            "https://x.io\n",
            "https://x.io\thttps://y.io",
            " https://x.io",
            "https://x.io ",
            "https://x.io,https://y.io",
            "https://https://x.io",
            "https ://x.io",
            &long,
            &longer,
        ] {
            assert!(matches!(parse(text), Err(Wrong::Form(_))), "{text:?} {:?}", parse(text));
        }
    }

    #[test]
    fn a_secret_is_told_apart() {
        for text in ["sk-ant-api03-canary-canary-canary", "https://sk-ant-api03-canary-canary-canary"] {
            assert_eq!(parse(text), Err(Wrong::Secret), "{text}");
        }
    }
}
