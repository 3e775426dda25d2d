//! How others find a server: by its directory in the home, its process and its socket.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixListener;
use std::process::Command;

use crate::served::{Server, Upstream, until};
use crate::session::Session;

const ANTHROPIC: &[&str] = &["--provider", "anthropic"];

#[test]
fn a_server_that_says_that_another_process_is_it_is_locked_all_the_same() {
    let (session, upstream) = (Session::with_keys(&["one"]), Upstream::begin());
    let token = session.access("builder", ANTHROPIC);
    let server = Server::begin(&session, &upstream, &[]);
    let mut other = Command::new("sleep").arg("60").spawn().unwrap();
    let said = session.agent_file("serve/running.json");
    let text = format!(r#"{{"pid":{},"since":1,"listeners":[],"locked":true}}"#, other.id());
    fs::write(&said, text).unwrap();
    session.run(["lock"]).ok();
    server.says("Locked.");
    assert_eq!(server.ask(&token).refused().as_deref(), Some("locked"));
    assert!(other.try_wait().unwrap().is_none(), "the other process got the signal");
    other.kill().unwrap();
    other.wait().unwrap();
}

#[test]
fn a_socket_that_another_one_made_meanwhile_stays() {
    let (session, upstream) = (Session::with_keys(&["one"]), Upstream::begin());
    let server = Server::begin(&session, &upstream, &["--socket", "s"]);
    fs::remove_file(session.path("s")).unwrap();
    let _other = UnixListener::bind(session.path("s")).unwrap();
    assert_eq!(server.end(), 0);
    assert!(session.path("s").exists());
}

#[test]
fn a_server_takes_its_place_in_a_home_that_was_put_back() {
    let (session, upstream) = (Session::with_keys(&["one"]), Upstream::begin());
    let token = session.access("builder", ANTHROPIC);
    let server = Server::begin(&session, &upstream, &[]);
    assert_eq!(server.ask(&token).status, 200);
    let (home, old) = (session.home(), session.path("old"));
    fs::rename(&home, &old).unwrap();
    assert_eq!(server.ask(&token).refused().as_deref(), Some("unreadable"));
    assert!(Command::new("cp").arg("-a").args([&old, &home]).status().unwrap().success());
    until("it is there again", || session.run(["status"]).stdout.contains(&server.address));
    session.run(["serve", "--listen", "127.0.0.1:0"]).failed("EXISTS", 73);
    until("it answers", || server.ask(&token).status == 200);
    let log = session.agent_file("serve/requests.jsonl");
    let lines = |path| fs::read_to_string(path).unwrap().lines().count();
    until("its log goes on", || lines(log.clone()) > lines(old.join("agents/main/serve/requests.jsonl")));
    let locked = session.run(["lock"]).ok();
    assert!(locked.stdout.contains("Locked the server of agent main."), "{}", locked.stdout);
    assert_eq!(server.ask(&token).refused().as_deref(), Some("locked"));
}

#[test]
fn a_backup_that_is_unpacked_over_the_home_hides_no_server() {
    let (session, upstream) = (Session::with_keys(&["one"]), Upstream::begin());
    let token = session.access("builder", ANTHROPIC);
    let server = Server::begin(&session, &upstream, &[]);
    let (home, place) = (session.home(), session.agent_file("serve"));
    let tar = |flags: &str| {
        let mut tar = Command::new("tar");
        tar.arg(flags).arg(session.path("backup.tar")).arg("-C").arg(&home).arg(".");
        assert!(tar.status().unwrap().success());
    };
    let lock = || fs::metadata(place.join("lock")).unwrap().ino();
    let before = lock();
    tar("-cpf");
    tar("-xpf");
    assert_ne!(lock(), before, "the file of the lock is the same");
    until("it is there again", || session.run(["status"]).stdout.contains(&server.address));
    let locked = session.run(["lock"]).ok();
    assert!(locked.stdout.contains("Locked the server of agent main."), "{}", locked.stdout);
    assert_eq!(server.ask(&token).refused().as_deref(), Some("locked"));
}
