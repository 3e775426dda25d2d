//! A token in output of every form.

use super::*;

const WANTED: Wanted = Wanted { prefix: "sk-ant-oat01-", usual: 108, min: 80 };

fn token() -> String {
    let varied: String = (0..40u8).map(|i| format!("{}{i:02}", char::from(b'A' + i % 26))).collect();
    format!("sk-ant-oat01-{}", &varied[..95])
}

/// Returns what is shown and what is taken, if the output comes in pieces of this size.
fn through(output: &str, piece: usize, cols: u16) -> (String, Option<String>, usize) {
    let mut capture = Capture::new(WANTED, 24, cols);
    let mut shown = Vec::new();
    for piece in output.as_bytes().chunks(piece) {
        capture.feed(piece, &mut shown);
    }
    let Taken { token, longest, .. } = capture.finish();
    let taken = token.map(|token| token.expose_str().unwrap().to_owned());
    (String::from_utf8(shown).unwrap(), taken, longest)
}

#[test]
fn the_pieces_in_which_it_comes_make_no_difference() {
    let token = token();
    let (one, two) = token.split_at(60);
    let output = format!(
        "✓ Done\r\n\x1b]0;title\x07\x1b[1m  {one}\r\n  {two}\x1b[0m\r\n\r\n│ Ünter │\r\nkeep it\x1b[K\r\n"
    );
    let whole = through(&output, output.len(), 80);
    assert_eq!(whole.1.as_deref(), Some(token.as_str()));
    assert!(whole.0.contains("\x1b]0;title\x07") && whole.0.contains("│ Ünter │"), "{}", whole.0);
    for piece in 1..20 {
        assert_eq!(through(&output, piece, 80), whole, "{piece}");
    }
}

#[test]
fn the_edge_of_the_terminal_wraps_it_without_a_line_break() {
    for cols in [13, 20, 40, 80, 107, 108, 109, 120, 0] {
        let output = format!("Your token: {} and more\r\n", token());
        let (shown, taken, _) = through(&output, 7, cols);
        assert_eq!(taken, Some(token()), "{cols}");
        assert_eq!(shown, format!("Your token: sk-ant-oat01-{} and more\r\n", "*".repeat(95)), "{cols}");
    }
}

#[test]
fn what_is_no_whole_token_is_none() {
    for (output, printed) in [
        ("no token\r\n".to_owned(), 0),
        ("sk-ant-oat01-...\r\n".to_owned(), 13),
        (format!("{}\r\n", &token()[..79]), 79),
        (format!("sk-ant-api03-{}\r\n", &token()[13..]), 0),
    ] {
        let (_, taken, longest) = through(&output, 9, 80);
        assert_eq!((taken, longest), (None, printed), "{output}");
    }
}

#[test]
fn it_is_found_after_it_has_scrolled_away_or_was_erased() {
    let away = "line\r\n".repeat(500);
    for after in [away.as_str(), "\x1b[2J\x1b[H", "\x1b[?1049h", "\x1bc"] {
        let (_, taken, _) = through(&format!("{}\r\n{after}bye", token()), 4096, 80);
        assert_eq!(taken, Some(token()), "{after:?}");
    }
}

#[test]
fn what_a_program_sends_at_random_does_not_stop_it() {
    let mut state = 1u32;
    let mut capture = Capture::new(WANTED, 3, 7);
    let mut shown = Vec::new();
    for turn in 0..2000u16 {
        let bytes: Vec<u8> = (0..32)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let letters =
                    b"\x1b[]0123456789;?ABCDEFGHJKPSX@dfhlsu\r\n\x08\t\x07sk-ant-oat01-\xe2\x94\x82";
                letters[usize::try_from(state >> 16).unwrap() % letters.len()]
            })
            .collect();
        capture.feed(&bytes, &mut shown);
        shown.clear();
        if turn % 100 == 0 {
            capture.resize(turn % 40, turn % 33);
        }
    }
    let _ = capture.finish();
}

/// On 24 rows, with or without a scrolling region, a token that is moved off the screen is found, in pieces of any size.
#[test]
fn it_is_found_after_it_was_moved_out_of_the_screen() {
    let token = token();
    let (one, rest) = token.split_at(80);
    let scrolled = "\n".repeat(20);
    for (before, after) in [
        ("", "\x1b[99S"),
        ("", "\x1b[24S"),
        ("\x1b[H", "\x1b[99T"),
        ("\x1b[H", "\x1b[99^"),
        ("\x1b[23;1H", "\x1b[HX\x1bM\x1bMY"),
        ("\x1b[23;1H", "\x1b[H\x1b[5L"),
        ("", "\x1b[H\x1b[30M"),
        ("", "\x1b[1A\x1b[G\x1b[200P"),
        ("", "\x1b[1A\x1b[G\x1b[200@"),
        ("", "\x1b[1A\x1b[G\x1b[200X"),
        ("\x1b[5;10r\x1b[10;1H", "\x1b[11;1Hstays"),
        ("\x1b[5;10r\x1b[10;1H", &scrolled),
        ("\x1b[5;10r\x1b[10;1H", "\x1bD\x1bD\x1bE\x1bE\x1bE\x1bD\x1bD"),
        ("\x1b[5;10r\x1b[10;1H", "\x1b[9S"),
        ("\x1b[1;10r\x1b[10;1H", "\x1b[9S\x1b[9S\x1b[9S\x1b[9S"),
        ("\x1b[5;10r\x1b[9;1H", "\x1b[!p\x1b[24;1H\r\n"),
        ("", "\x1b[3J"),
    ] {
        for end in ["", "\r\n"] {
            let output = format!("{before}{one}{rest}{end}{after}");
            for piece in [1, 7, output.len()] {
                let (_, found, _) = through(&output, piece, 80);
                assert_eq!(found.as_deref(), Some(token.as_str()), "{before:?} {end:?} {after:?} {piece}");
            }
        }
    }
}

#[test]
fn what_is_not_on_the_screen_parts_it_not() {
    let token = token();
    let (one, two) = token.split_at(50);
    // Lines above are dropped, the shape of the cursor changes, a rectangle gets another colour.
    for between in ["\x1b[3J", "\x1b[2 q", "\x1b[1;1;2;2;7$r", "\x1b[1;2;3;4;5T", "\x1b[?5S"] {
        let (shown, found, _) = through(&format!("{one}{between}{two}\r\n"), 9, 80);
        assert_eq!(found.as_deref(), Some(token.as_str()), "{between:?}");
        assert!(!shown.contains(&token[60..70]), "{shown}");
    }
}
