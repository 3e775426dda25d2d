//! Another user's session bus gets nothing, because its owner can read what goes over it.

use std::io::Read;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::faults::{need, under};
use crate::session::{Session, ran};

/// The kernel's answer about the other end, as `strace` fakes it: process 1 of user 4711.
const ANOTHER: &str = "inject=getsockopt:poke_exit=@arg4=010000006712000067120000";

/// Commands that would speak to the keychain, and whether they fail without one.
const ASKING: [(&[&str], bool); 5] = [
    (&["init", "--store", "keychain"], true),
    (&["init", "--unlock", "keychain"], true),
    (&["unlock-method", "add", "keychain"], true),
    (&["store", "move", "--to", "keychain"], true),
    (&["doctor"], false),
];

/// Returns how many bytes came over all connections so far.
fn heard(bus: &UnixListener) -> usize {
    bus.set_nonblocking(true).unwrap();
    let mut heard = 0;
    while let Ok((mut client, _)) = bus.accept() {
        client.set_nonblocking(false).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let mut bytes = [0; 4096];
        heard += client.read(&mut bytes).unwrap();
    }
    heard
}

fn asking(session: &Session, address: &str, arguments: &[&str]) -> Command {
    let mut command = session.command(["--keychain-timeout", "300ms"].iter().chain(arguments));
    command.env("DBUS_SESSION_BUS_ADDRESS", address);
    command
}

/// Every command that would speak to the keychain refuses a bus of another user, and sends it nothing.
fn refused(bus: &UnixListener, address: &str) {
    need("strace", "strace");
    let strace = [
        "strace",
        "-f",
        "-qqq",
        "-o",
        "/dev/null",
        "-e",
        "trace=getsockopt,prctl",
        "-e",
        "inject=prctl:retval=0",
        "-e",
        ANOTHER,
    ];
    for (arguments, fails) in ASKING {
        let session = if arguments[0] == "init" { Session::empty() } else { Session::new() };
        if arguments[0] == "store" {
            session.paste("openrouter:one", "made-up-key");
        }
        let foreign = ran(under(strace, &asking(&session, address, arguments)), b"");
        let said = format!("{}{}", foreign.stdout, foreign.stderr);
        if fails {
            foreign.failed("KEYCHAIN_FOREIGN", 78);
        }
        assert!(said.contains("another user (uid 4711)"), "{arguments:?}: {said}");
        assert_eq!(heard(bus), 0, "{arguments:?}");
    }
}

#[test]
fn another_users_bus_gets_nothing() {
    let session = Session::empty();
    let bus = UnixListener::bind(session.path("a bus")).unwrap();
    let address = format!("unix:path={}/a%20bus", session.temp.path().display());
    refused(&bus, &address);
    // The user's own bus is used.
    let own = ran(asking(&session, &address, &["init", "--store", "keychain"]), b"");
    assert!(!own.stderr.contains("KEYCHAIN_FOREIGN") && own.status != 0, "{}", own.stderr);
    assert!(heard(&bus) > 0);
}

#[test]
fn nor_does_one_at_an_abstract_address() {
    let name = format!("strongroom-test-{}", std::process::id());
    let bus = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    refused(&bus, &format!("unix:abstract={name},guid=00000000000000000000000000000000"));
}

#[test]
fn what_automatic_choice_finds_is_said() {
    need("strace", "strace");
    let session = Session::empty();
    let bus = UnixListener::bind(session.path("bus")).unwrap();
    let strace = [
        "strace",
        "-f",
        "-qqq",
        "-o",
        "/dev/null",
        "-e",
        "trace=getsockopt,prctl",
        "-e",
        "inject=prctl:retval=0",
        "-e",
        ANOTHER,
    ];
    let init = ran(under(strace, &session.command(["init"])), b"").ok();
    assert!(init.stderr.contains("another user (uid 4711)"), "{}{}", init.stdout, init.stderr);
    assert_eq!(heard(&bus), 0);
}

/// With a real second user, if this one may start programs as another.
#[test]
fn a_real_other_user() {
    if !rustix::process::geteuid().is_root() {
        // The test above injects the kernel's answer instead.
        return;
    }
    need("python3", "python3");
    let session = Session::empty();
    let place = tempfile::tempdir_in("/tmp").unwrap();
    std::os::unix::fs::chown(place.path(), Some(65534), Some(65534)).unwrap();
    let bus = place.path().join("bus");
    let script = "import socket, sys\ns = socket.socket(socket.AF_UNIX)\ns.bind(sys.argv[1])\ns.listen()\n\
                  print('there', flush=True)\nc, _ = s.accept()\nprint(len(c.recv(4096)))";
    let mut listener = Command::new("/usr/bin/setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "/usr/bin/python3", "-c", script])
        .arg(&bus)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = listener.stdout.take().unwrap();
    told.read_exact(&mut [0; 6]).unwrap();
    let address = format!("unix:path={}", Path::new(&bus).display());
    let init = ran(asking(&session, &address, &["init", "--store", "keychain"]), b"");
    assert!(init.stderr.contains("another user (uid 65534)"), "{}", init.stderr);
    init.failed("KEYCHAIN_FOREIGN", 78);
    let mut heard = String::new();
    told.read_to_string(&mut heard).unwrap();
    listener.wait().unwrap();
    assert_eq!(heard.trim(), "0");
}
