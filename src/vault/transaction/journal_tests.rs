use super::*;

fn place() -> (tempfile::TempDir, Dir) {
    let temp = tempfile::tempdir().unwrap();
    let dir = Dir::open(temp.path()).unwrap();
    (temp, dir)
}

fn written(dir: &Dir, parts: &[(&str, &[u8])]) -> File {
    let mut draft = Draft::default();
    for (name, bytes) in parts {
        draft.put(name, bytes);
    }
    let file = draft.write(dir).unwrap();
    dir.rename(STAGE, dir, FILE).unwrap();
    file
}

const PARTS: &[(&str, &[u8])] = &[("a_3ab.age", b"one\ntwo"), ("ledger", b""), ("ops", &[0, 10, 13, 255])];

#[test]
fn what_is_written_is_read() {
    let (_temp, dir) = place();
    assert!(Journal::read(&dir).unwrap().is_none());
    written(&dir, PARTS);
    let journal = Journal::read(&dir).unwrap().unwrap();
    assert_eq!(journal.names().collect::<Vec<_>>(), ["a_3ab.age", "ledger", "ops"]);
    for (name, bytes) in PARTS {
        assert_eq!(journal.part(name), Some(*bytes), "{name}");
    }
    assert_eq!(journal.part("b"), None);
    assert!(!journal.applied);
}

#[test]
fn it_is_passed_over_only_where_it_was_put_in_place() {
    let (_temp, dir) = place();
    let file = written(&dir, PARTS);
    assert!(Journal::unapplied(&dir).unwrap().is_some());
    let mark = Mark::of(&dir).unwrap().unwrap();
    mark_applied(&dir, &file, &mark).unwrap();
    assert!(Journal::unapplied(&dir).unwrap().is_none());
    let bytes = dir.read(FILE, MAX).unwrap();
    assert_eq!(Journal::read(&dir).unwrap().unwrap().part("ops"), Some(&[0, 10, 13, 255][..]));
    // In another directory, and during another boot, it counts.
    let (_other_temp, other) = place();
    other.write_new(FILE, &bytes).unwrap();
    assert!(Journal::unapplied(&other).unwrap().is_some());
    let mut of_another_boot = bytes;
    let digit = &mut of_another_boot[TITLE.len()];
    *digit = if *digit == b'0' { b'1' } else { b'0' };
    dir.replace(FILE, &of_another_boot).unwrap();
    assert!(Journal::unapplied(&dir).unwrap().is_some());
}

#[test]
fn one_that_is_damaged_has_no_parts() {
    let (_temp, dir) = place();
    written(&dir, PARTS);
    let whole = dir.read(FILE, MAX).unwrap();
    for len in 0..whole.len() {
        dir.replace(FILE, &whole[..len]).unwrap();
        assert_eq!(Journal::read(&dir).unwrap().unwrap().names().count(), 0, "{len}");
    }
    let line = String::from_utf8(whole[..LINE_LEN].to_vec()).unwrap();
    for rest in [
        "1 ../x\n\nA",
        "1 x\n1 x\n\nAB",
        "1 .x\n\nA",
        "9 x\n\nA",
        "-1 x\n\nA",
        "1 X\n\nA",
        "1 x\nA",
        "1 \n\nA",
    ] {
        dir.replace(FILE, format!("{line}{rest}").as_bytes()).unwrap();
        assert_eq!(Journal::read(&dir).unwrap().unwrap().names().count(), 0, "{rest}");
    }
}

#[test]
fn it_grows_to_a_bound() {
    let mut draft = Draft::default();
    for n in 0..RECORDS_MAX {
        draft.put(&format!("a_3a{n}.age"), b"sealed");
    }
    draft.put(OPS, b"");
    assert!(draft.fits());
    draft.put("a_3amore.age", b"sealed");
    assert!(!draft.fits());
    let mut large = Draft::default();
    large.put(OPS, &vec![0; MAX]);
    assert!(!large.fits());
}

#[test]
fn a_record_has_no_zeros_for_a_block_and_is_no_whole_page() {
    assert!(is_torn(b"") && is_torn(&[1; 4096]) && is_torn(&[[1; 512], [0; 512]].concat()));
    let mut sealed = [1; 1300];
    sealed[100..600].fill(0);
    assert!(!is_torn(&sealed));
    // Zeros up to the end count even if the last block is not whole.
    sealed[1024..].fill(0);
    assert!(is_torn(&sealed));
}
