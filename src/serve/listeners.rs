//! The sockets that a server listens on: those of the command line, and those that systemd hands over.

use std::fmt::Display;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use listenfd::ListenFd;
use strongroom_backends::shown;

use crate::error::Result;
use crate::messages::serve as messages;

/// How many clients may wait to be accepted.
#[cfg(target_os = "linux")]
const QUEUE: i32 = 4096;

/// A socket that is bound.
#[derive(Debug)]
pub(super) enum Bound {
    Tcp(TcpListener),
    /// With its path if this server made it, and removes it.
    Unix(UnixListener, Option<SocketFile>),
}

/// A Unix socket of this server in the file system.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    /// Its device, inode and time of change: the number of an inode is used again at once.
    identity: (u64, u64, i64, i64),
}

impl SocketFile {
    fn of(path: &Path) -> Option<Self> {
        let meta = path.symlink_metadata().ok()?;
        Some(Self {
            path: path.to_owned(),
            identity: (meta.dev(), meta.ino(), meta.ctime(), meta.ctime_nsec()),
        })
    }

    /// Removes it, unless another one is there by now.
    pub fn remove(self) {
        if Self::of(&self.path).is_some_and(|there| there.identity == self.identity) {
            let _ = std::fs::remove_file(self.path);
        }
    }
}

impl Bound {
    /// Takes the file of a Unix socket that this server made.
    pub fn take_file(&mut self) -> Option<SocketFile> {
        match self {
            Self::Unix(_, file) => file.take(),
            Self::Tcp(_) => None,
        }
    }

    /// Returns how it is named.
    pub fn name(&self) -> String {
        match self {
            Self::Tcp(listener) => listener
                .local_addr()
                .map_or_else(|_| "http://?".to_owned(), |address| format!("http://{address}")),
            Self::Unix(listener, _) => {
                let address = listener.local_addr().ok();
                let path = address.as_ref().and_then(|address| address.as_pathname());
                format!("unix:{}", path.map(shown).unwrap_or_default())
            }
        }
    }
}

/// Returns the sockets that systemd hands over, by the protocol of `LISTEN_FDS`.
///
/// # Errors
/// `USAGE` for one that other machines reach; `IO` for one that is neither TCP nor a Unix socket.
pub(super) fn handed_over() -> Result<Vec<Bound>> {
    let mut handed = ListenFd::from_env();
    let mut bound = Vec::new();
    for at in 0..handed.len() {
        if let Ok(Some(listener)) = handed.take_tcp_listener(at) {
            if !listener.local_addr().is_ok_and(|address| address.ip().is_loopback()) {
                return Err(messages::not_loopback());
            }
            bound.push(Bound::Tcp(listener));
        } else if let Ok(Some(listener)) = handed.take_unix_listener(at) {
            bound.push(Bound::Unix(listener, None));
        } else {
            let error = std::io::Error::from(std::io::ErrorKind::InvalidInput);
            return Err(messages::no_listener(format!("descriptor {}", at + 3), &error));
        }
    }
    Ok(bound)
}

/// Binds an address.
///
/// # Errors
/// `IO`.
pub(super) fn tcp(address: SocketAddr) -> Result<Bound> {
    let listener = TcpListener::bind(address).map_err(|error| messages::no_listener(address, &error))?;
    // std asks for a queue of 128. If many clients come at once, the system drops those that do not fit, and they wait.
    #[cfg(target_os = "linux")]
    let _ = rustix::net::listen(&listener, QUEUE);
    Ok(Bound::Tcp(listener))
}

/// Makes a Unix socket. The system tells who connects; `for_others` lets other users reach it at all. One that a killed
/// server left is replaced.
///
/// # Errors
/// `UNSAFE_FILE` if something else is there; `IO`.
pub(super) fn unix(path: &Path, for_others: bool) -> Result<Bound> {
    let failed = |error: &std::io::Error| messages::no_listener(shown(path), error);
    if let Ok(meta) = path.symlink_metadata() {
        let is_mine = meta.uid() == rustix::process::geteuid().as_raw();
        if !meta.file_type().is_socket() || !is_mine {
            return Err(messages::not_a_socket(&shown(path)));
        }
        if UnixStream::connect(path).is_ok() {
            return Err(failed(&std::io::ErrorKind::AddrInUse.into()));
        }
        std::fs::remove_file(path).map_err(|error| failed(&error))?;
    }
    let listener = UnixListener::bind(path).map_err(|error| failed(&error))?;
    let mode = if for_others { 0o666 } else { 0o600 };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).map_err(|error| failed(&error))?;
    Ok(Bound::Unix(listener, SocketFile::of(path)))
}

/// Makes a socket one of the runtime's. Its error names `what`.
pub(super) fn ready<T>(bound: std::io::Result<T>, what: impl Display) -> Result<T> {
    bound.map_err(|error| messages::no_listener(what, &error))
}
