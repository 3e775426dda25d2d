use super::*;
use std::os::unix::fs::{PermissionsExt, symlink};

fn dir() -> (tempfile::TempDir, Dir) {
    let temp = tempfile::tempdir().unwrap();
    let dir = Dir::open(temp.path()).unwrap();
    (temp, dir)
}

#[test]
fn files_and_directories_are_private_from_birth() {
    let (temp, dir) = dir();
    dir.create_dir("d").unwrap();
    dir.replace("f", b"x").unwrap();
    let mode = |name: &str| temp.path().join(name).metadata().unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode("d"), mode("f")), (0o700, 0o600));
}

#[test]
fn a_planted_stage_is_not_written_through() {
    let (temp, dir) = dir();
    std::fs::write(temp.path().join("victim"), "kept").unwrap();
    symlink("victim", temp.path().join("f.tmp")).unwrap();
    dir.replace("f", b"new").unwrap();
    assert_eq!(std::fs::read(temp.path().join("victim")).unwrap(), b"kept");
    assert_eq!(dir.read("f", 10).unwrap(), b"new");
    assert_eq!(dir.names().unwrap(), ["f", "victim"]);
}

#[test]
fn links_fifos_and_directories_are_not_read() {
    let (temp, dir) = dir();
    symlink("/etc/passwd", temp.path().join("link")).unwrap();
    fs::mknodat(dir.fd(), "fifo", FileType::Fifo, PRIVATE_FILE, 0).unwrap();
    dir.create_dir("d").unwrap();
    symlink("d", temp.path().join("dirlink")).unwrap();
    for name in ["link", "fifo", "d"] {
        assert!(matches!(dir.read(name, 9999), Err(StoreError::Unsafe { .. })), "{name}");
    }
    assert!(dir.dir("dirlink").is_err());
    assert!(dir.open_or_create("fifo").is_err());
}

#[test]
fn bounds_hold_at_the_byte() {
    let (_temp, dir) = dir();
    dir.replace("f", b"12345").unwrap();
    assert_eq!(dir.read("f", 5).unwrap(), b"12345");
    assert!(matches!(dir.read("f", 4), Err(StoreError::TooLarge { max: 4, .. })));
}

#[test]
fn a_tree_is_removed_without_following_links() {
    let (temp, dir) = dir();
    dir.replace("kept", b"x").unwrap();
    let tree = dir.create_dir("tree").unwrap();
    tree.create_dir("inner").unwrap().replace("f", b"x").unwrap();
    symlink(temp.path(), temp.path().join("tree/link")).unwrap();
    dir.remove_tree("tree").unwrap();
    assert_eq!(dir.names().unwrap(), ["kept"]);
}
