//! The clipboard on X11: the selection `CLIPBOARD`, as section 2 of the ICCCM describes selections.

use std::os::unix::net::UnixStream;
use std::rc::Rc;

use rustix::net::sockopt::socket_peercred;
use rustix::process::geteuid;
use x11rb::connection::Connection;
use x11rb::errors::ReplyOrIdError;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ConnectionExt as _, CreateWindowAux, EventMask, PropMode, SELECTION_NOTIFY_EVENT,
    SelectionNotifyEvent, SelectionRequestEvent, Timestamp, Window, WindowClass,
};
use x11rb::reexports::x11rb_protocol::parse_display::parse_display;
use x11rb::reexports::x11rb_protocol::xauth::get_auth;
use x11rb::rust_connection::{DefaultStream, RustConnection};
use x11rb::wrapper::ConnectionExt as _;
use x11rb::{COPY_DEPTH_FROM_PARENT, COPY_FROM_PARENT, NONE, atom_manager};

use super::{HINT, HINT_VALUE};
use crate::secret::{ExposeSecret, SecretString};

atom_manager! {
    /// The names that are used on X11.
    Atoms: AtomsCookie {
        CLIPBOARD,
        TARGETS,
        TIMESTAMP,
        UTF8_STRING,
        TEXT_UTF8: b"text/plain;charset=utf-8",
        TEXT: b"text/plain",
        HINT: HINT.as_bytes(),
    }
}

/// A secret that other programs can paste.
pub(super) struct Offer {
    connection: RustConnection,
    atoms: Atoms,
    since: Timestamp,
    secret: Rc<SecretString>,
}

impl Offer {
    /// Offers a secret, or returns none if there is no such display.
    pub(super) fn make(secret: &Rc<SecretString>) -> Option<Self> {
        let (connection, screen) = connect()?;
        let root = connection.setup().roots.get(screen)?.root;
        let window = window(&connection, root).ok()?;
        let atoms = Atoms::new(&connection).ok()?.reply().ok()?;
        let since = now(&connection, window, &atoms)?;
        connection.set_selection_owner(window, atoms.CLIPBOARD, since).ok()?;
        let owner = connection.get_selection_owner(atoms.CLIPBOARD).ok()?.reply().ok()?.owner;
        (owner == window).then(|| Self { connection, atoms, since, secret: Rc::clone(secret) })
    }

    /// Gives the secret to programs that ask, until another program has copied something or the display is gone.
    pub(super) fn serve(self) {
        while let Ok(event) = self.connection.wait_for_event() {
            match event {
                Event::SelectionRequest(request) if self.answer(&request).is_none() => return,
                Event::SelectionClear(_) => return,
                _ => {}
            }
        }
    }

    /// Answers a program, or returns none if the display is gone.
    fn answer(&self, request: &SelectionRequestEvent) -> Option<()> {
        // Old programs name none.
        let property = if request.property == NONE { request.target } else { request.property };
        let is_given = self.give(request.requestor, property, request.target)?;
        let notice = SelectionNotifyEvent {
            response_type: SELECTION_NOTIFY_EVENT,
            sequence: 0,
            time: request.time,
            requestor: request.requestor,
            selection: request.selection,
            target: request.target,
            property: if is_given { property } else { NONE },
        };
        self.connection.send_event(false, request.requestor, EventMask::NO_EVENT, notice).ok()?;
        self.connection.flush().ok()
    }

    /// Writes what a program asks for into its window's property. Returns whether there is something in this form.
    fn give(&self, window: Window, property: Atom, target: Atom) -> Option<bool> {
        let texts = self.texts();
        let bytes = |bytes| {
            self.connection.change_property8(PropMode::REPLACE, window, property, target, bytes).map(drop)
        };
        let numbers = |kind: AtomEnum, numbers: &[u32]| {
            self.connection.change_property32(PropMode::REPLACE, window, property, kind, numbers).map(drop)
        };
        if target == self.atoms.TARGETS {
            let ours = [self.atoms.TARGETS, self.atoms.TIMESTAMP];
            // The hint comes last, because some programs take the first form.
            let all: Vec<_> = ours.into_iter().chain(texts).chain([self.atoms.HINT]).collect();
            numbers(AtomEnum::ATOM, &all)
        } else if target == self.atoms.TIMESTAMP {
            numbers(AtomEnum::INTEGER, &[self.since])
        } else if target == self.atoms.HINT {
            bytes(HINT_VALUE)
        } else if texts.contains(&target) {
            bytes(self.secret.expose_secret().as_bytes())
        } else {
            return Some(false);
        }
        .ok()
        .map(|()| true)
    }

    /// Returns the forms of text. `STRING` is Latin-1, in which most secrets are the same.
    fn texts(&self) -> Vec<Atom> {
        let mut texts = vec![self.atoms.UTF8_STRING, self.atoms.TEXT_UTF8, self.atoms.TEXT];
        texts.extend(self.secret.expose_secret().is_ascii().then_some(Atom::from(AtomEnum::STRING)));
        texts
    }
}

/// Connects to the display that `DISPLAY` names, if it is on this machine and belongs to this user or to root. Returns
/// the connection and the number of the screen.
///
/// `x11rb::connect` would also connect to a TCP port, such as `localhost:6000` for `:0`, on which any user of this machine may
/// listen if no display does. A socket below `/tmp/.X11-unix` could be another user's, too.
fn connect() -> Option<(RustConnection, usize)> {
    let display = parse_display(None).ok()?;
    let path = match display.host.as_str() {
        "" | "unix" => format!("/tmp/.X11-unix/X{}", display.display),
        path if path.starts_with('/') => path.to_owned(),
        _ => return None,
    };
    let stream = UnixStream::connect(path).ok()?;
    let owner = socket_peercred(&stream).ok()?.uid;
    if owner != geteuid() && !owner.is_root() {
        return None;
    }
    let (stream, (family, address)) = DefaultStream::from_unix_stream(stream).ok()?;
    let (name, cookie) = get_auth(family, &address, display.display).ok().flatten().unwrap_or_default();
    let screen = usize::from(display.screen);
    let connection = RustConnection::connect_to_stream_with_auth_info(stream, screen, name, cookie).ok()?;
    Some((connection, screen))
}

/// Creates a window that is never shown.
fn window(connection: &RustConnection, root: Window) -> Result<Window, ReplyOrIdError> {
    let window = connection.generate_id()?;
    let events = CreateWindowAux::new().event_mask(EventMask::PROPERTY_CHANGE);
    let (depth, class) = (COPY_DEPTH_FROM_PARENT, WindowClass::INPUT_OUTPUT);
    connection.create_window(depth, window, root, 0, 0, 1, 1, 0, class, COPY_FROM_PARENT, &events)?;
    Ok(window)
}

/// Returns the server's time, which it tells with a change of a property. A selection that is taken without a time could
/// lose to an earlier one.
fn now(connection: &RustConnection, window: Window, atoms: &Atoms) -> Option<Timestamp> {
    let nothing: &[u8] = &[];
    connection.change_property8(PropMode::APPEND, window, atoms.TIMESTAMP, AtomEnum::STRING, nothing).ok()?;
    connection.flush().ok()?;
    loop {
        if let Event::PropertyNotify(change) = connection.wait_for_event().ok()? {
            return Some(change.time);
        }
    }
}
