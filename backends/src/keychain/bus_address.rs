//! The address of the session bus (D-Bus specification, "Server Addresses"), and the connection to its socket, which
//! has to belong to this user.

use std::ffi::OsStr;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::path::Path;

use rustix::net::sockopt::socket_peercred;

use super::secret_service_error::of_socket;
use super::{KeychainError, Why};

/// Connects to a bus, which has to be this user's own: the user who runs it can read everything that is sent over it.
/// The kernel tells who that is, before a byte is sent.
pub(super) fn own_bus(address: &str) -> Result<UnixStream, KeychainError> {
    let bad = || KeychainError::Unavailable(Why::BadAddress);
    let socket = socket_of(address).ok_or_else(bad)?;
    let connected = UnixStream::connect_addr(&socket);
    let stream = connected.map_err(|error| of_socket(&error))?;
    let owner = socket_peercred(&stream).map_err(|errno| of_socket(&errno.into()))?.uid;
    if owner == rustix::process::geteuid() {
        Ok(stream)
    } else {
        Err(KeychainError::ForeignBus { owner: owner.as_raw() })
    }
}

/// Returns the socket of a `unix:` address: `path` or `abstract`. Other keys name a place to listen, or do not name a
/// place. (zbus 5.19 does not decode the escapes of such an address.)
fn socket_of(address: &str) -> Option<SocketAddr> {
    let mut found = None;
    for pair in address.strip_prefix("unix:")?.split(',') {
        let (key, value) = pair.split_once('=')?;
        let socket = match key {
            "path" => SocketAddr::from_pathname(Path::new(OsStr::from_bytes(&unescaped(value)?))).ok()?,
            "abstract" => SocketAddr::from_abstract_name(unescaped(value)?).ok()?,
            _ => continue,
        };
        if found.replace(socket).is_some() {
            return None;
        }
    }
    found
}

/// Decodes the escapes in a value of a bus address.
fn unescaped(value: &str) -> Option<Vec<u8>> {
    let mut parts = value.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (hex, rest) = part.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(hex, 16).ok().filter(|_| !hex.starts_with('+'))?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    Some(bytes)
}

/// Escapes a path for a bus address. The D-Bus specification leaves `[-0-9A-Za-z_/.\\*]` unescaped.
pub(super) fn escaped(path: &Path) -> String {
    use std::fmt::Write;
    let mut text = String::new();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'-' | b'_' | b'/' | b'.' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                text.push(char::from(*byte));
            }
            // Writing to a String does not fail.
            _ => drop(write!(text, "%{byte:02x}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bus_address_takes_any_path() {
        assert_eq!(escaped(Path::new("/run/user/1000")), "/run/user/1000");
        assert_eq!(escaped(Path::new("/a b,c;d%e=ü")), "/a%20b%2cc%3bd%25e%3d%c3%bc");
    }

    #[test]
    fn a_bus_address_gives_its_socket() {
        let path = |address| socket_of(address).and_then(|socket| Some(socket.as_pathname()?.to_owned()));
        assert_eq!(path("unix:path=/a%20b,guid=00"), Some("/a b".into()));
        assert_eq!(path("unix:guid=00,path=/a"), Some("/a".into()));
        let odd = "/a b,c;d%e=ü";
        assert_eq!(path(&format!("unix:path={}", escaped(Path::new(odd)))), Some(odd.into()));
        let name = socket_of("unix:abstract=/tmp/x%2c").unwrap();
        assert_eq!(name.as_abstract_name(), Some(&b"/tmp/x,"[..]));
        for bad in [
            "unix:",
            "unix:path",
            "unix:path=/a,path=/b",
            "unix:path=/a,abstract=b",
            "unix:tmpdir=/tmp",
            "unix:dir=/tmp",
            "unix:runtime=yes",
            "unix:path=/a%2",
            "unix:path=/a%+1",
            "unix:path=/a%zz",
            "unix:path=/a%00b",
            "tcp:host=localhost,port=1",
        ] {
            assert!(socket_of(bad).is_none(), "{bad}");
        }
    }
}
