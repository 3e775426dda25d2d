//! Lines that are put into a person's text file as a whole, and what takes them out again: byte for byte while the file
//! is still the one that was written, and by their own text after others have changed it.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::Result;
use crate::hex::hex;
use crate::messages::client::edit as messages;
use crate::secret::Buffer;

/// The version of the form that is written.
const VERSION: u32 = 1;

/// Lines that are put into a text.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Insertion {
    /// Where, in bytes of the text before.
    pub at: usize,
    /// What is put there: whole lines, after a line end if the last line of the text has none.
    pub text: String,
}

impl Insertion {
    /// Returns what adds lines at the end of a text. `lines` end with `\n`, and become those of the text.
    #[must_use]
    pub fn at_end(text: &str, lines: &str) -> Self {
        let end = line_end(text);
        let open = if text.is_empty() || text.ends_with('\n') { "" } else { end };
        Self { at: text.len(), text: format!("{open}{}", lines.replace('\n', end)) }
    }

    /// Returns what adds further lines at the end of a text, after others.
    #[must_use]
    pub fn after_end(text: &str, lines: &str) -> Self {
        Self { at: text.len(), text: lines.replace('\n', line_end(text)) }
    }

    /// Returns what adds lines before the line that begins at `at`. `lines` end with `\n`, and become those of the text.
    #[must_use]
    pub fn before_line(text: &str, at: usize, lines: &str) -> Self {
        if at >= text.len() {
            return Self::at_end(text, lines);
        }
        Self { at, text: lines.replace('\n', line_end(text)) }
    }

    /// Returns a text with the lines.
    #[must_use]
    pub fn applied(&self, text: &str) -> Buffer {
        let (before, after) = text.split_at_checked(self.at).unwrap_or((text, ""));
        let mut out = Buffer::with_capacity(text.len() + self.text.len());
        for part in [before, &self.text, after] {
            out.extend(part.as_bytes());
        }
        out
    }
}

/// Returns the line end of a text.
fn line_end(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

/// What takes inserted lines out again. It holds nothing of the person's own text.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InsertedLines {
    version: u32,
    /// Whether the file was made.
    made_file: bool,
    /// The SHA-256 of the text that was written, in hex.
    after: String,
    /// The lines, each with its place in the text that was written, in order.
    lines: Vec<Insertion>,
    /// What a line is known by after it was changed: the path of this program.
    mark: String,
}

/// A text after inserted lines were taken out.
#[derive(Debug)]
pub enum Without {
    /// It is the text before, byte for byte.
    Identical(Buffer),
    /// The file was made for the lines, and no one has changed it since.
    NoFile,
    /// Others have changed it since. Every line that is as it was written is gone.
    Others(Buffer),
    /// As before, but lines that were changed stay.
    Changed(Buffer),
}

/// Puts lines into a text; without a text, into a file that does not exist yet. `mark` is what a changed line is known
/// by.
#[must_use]
pub fn insert(text: Option<&str>, mut insertions: Vec<Insertion>, mark: &str) -> (Buffer, InsertedLines) {
    let before = text.unwrap_or_default();
    insertions.sort_by_key(|insertion| insertion.at);
    let mut out = Buffer::with_capacity(before.len() + 1024);
    let (mut at, mut lines) = (0, Vec::new());
    for insertion in insertions {
        out.extend(before.get(at..insertion.at).unwrap_or_default().as_bytes());
        at = insertion.at;
        lines.push(Insertion { at: out.len(), text: insertion.text.clone() });
        out.extend(insertion.text.as_bytes());
    }
    out.extend(before.get(at..).unwrap_or_default().as_bytes());
    let (made_file, after) = (text.is_none(), digest(out.expose()));
    (out, InsertedLines { version: VERSION, made_file, after, lines, mark: mark.to_owned() })
}

impl InsertedLines {
    /// Returns whether a text is the one that was written.
    #[must_use]
    pub fn wrote(&self, text: &str) -> bool {
        digest(text.as_bytes()) == self.after
    }

    /// Returns what a changed line is known by.
    #[must_use]
    pub fn mark(&self) -> &str {
        &self.mark
    }

    /// Returns the inserted lines as they are shown, each after a sign, as far as they are in a text and not in another one.
    #[must_use]
    pub fn diff(&self, text: &str, sign: char, but_of: &str) -> String {
        let mut out = String::new();
        for insertion in &self.lines {
            let lines = insertion.text.trim_matches(['\r', '\n']);
            let Some(at) = text.find(lines).filter(|_| !but_of.contains(lines)) else { continue };
            let number = text.get(..at).unwrap_or_default().matches('\n').count() + 1;
            out.push_str(&format!("@@ {sign}{number} @@\n"));
            for line in lines.lines() {
                out.push_str(&format!("{sign}{line}\n"));
            }
        }
        out
    }

    /// Takes the lines out of a text.
    ///
    /// # Errors
    /// `NEWER_FORMAT` if a newer version inserted them.
    pub fn taken_out_of(&self, text: &str) -> Result<Without> {
        if self.version > VERSION {
            return Err(messages::newer_patch(self.version, VERSION));
        }
        if self.wrote(text) {
            if self.made_file {
                return Ok(Without::NoFile);
            }
            let parts = self.lines.iter().map(|lines| lines.at..lines.at + lines.text.len());
            return Ok(Without::Identical(without(text, parts)));
        }
        let (mut gone, mut all) = (Vec::new(), true);
        for Insertion { text: lines, .. } in &self.lines {
            let lines = lines.trim_start_matches(['\r', '\n']);
            let is_line = |at: usize| at == 0 || text.get(..at).is_some_and(|before| before.ends_with('\n'));
            let mut found = text.match_indices(lines).map(|(at, _)| at).filter(|at| is_line(*at));
            let part = found.next().and_then(|at| removable(text, at..at + lines.len()));
            all &= part.is_some();
            gone.extend(part);
        }
        gone.sort_by_key(|range| range.start);
        let out = without(text, gone.into_iter());
        let is_left = !all && out.expose_str().is_some_and(|out| out.contains(&self.mark));
        Ok(if is_left { Without::Changed(out) } else { Without::Others(out) })
    }
}

/// Returns what can be removed of inserted lines, because nothing that someone added since belongs to it: without its header if
/// keys follow in that section, and nothing if lines follow that are deeper in a document in YAML.
fn removable(text: &str, lines: Range<usize>) -> Option<Range<usize>> {
    let own = text.get(lines.clone())?;
    let says = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with(['#', ';']);
    let Some(next) = text.get(lines.end..)?.lines().find(says) else { return Some(lines) };
    let (first, more) = own.split_once('\n')?;
    if first.trim_start().starts_with('[') {
        let is_header = next.trim_start().starts_with('[');
        return Some(if is_header { lines } else { lines.start + first.len() + 1..lines.end });
    }
    let indent = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let is_item = |line: &str| line.trim_start().starts_with("- ");
    let is_deeper =
        indent(next) > indent(first) || (indent(next) == indent(first) && is_item(next) && !is_item(first));
    (more.is_empty() || !is_deeper).then_some(lines)
}

/// Returns a text without parts of it, which are in order.
fn without(text: &str, parts: impl Iterator<Item = Range<usize>>) -> Buffer {
    let mut out = Buffer::with_capacity(text.len());
    let mut at = 0;
    for part in parts.filter(|part| !part.is_empty()) {
        out.extend(text.get(at..part.start).unwrap_or_default().as_bytes());
        at = part.end;
    }
    out.extend(text.get(at..).unwrap_or_default().as_bytes());
    out
}

fn digest(text: &[u8]) -> String {
    hex(&Sha256::digest(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "a\r\nb";

    fn text(of: &Buffer) -> &str {
        of.expose_str().unwrap()
    }

    fn inserted() -> (Buffer, InsertedLines) {
        let first = Insertion::before_line(TEXT, 0, "one /p x\n");
        insert(Some(TEXT), vec![Insertion::at_end(TEXT, "two\n/p y\n"), first], "/p")
    }

    #[test]
    fn lines_have_the_ends_of_the_text_and_go_to_the_byte() {
        let (after, lines) = inserted();
        assert_eq!(text(&after), "one /p x\r\na\r\nb\r\ntwo\r\n/p y\r\n");
        assert_eq!(lines.diff(text(&after), '+', TEXT), "@@ +1 @@\n+one /p x\n@@ +4 @@\n+two\n+/p y\n");
        assert!(
            matches!(lines.taken_out_of(text(&after)).unwrap(), Without::Identical(out) if text(&out) == TEXT)
        );
        let (made, lines) = insert(None, vec![Insertion::at_end("", "x\n")], "/p");
        assert!(matches!(lines.taken_out_of(text(&made)).unwrap(), Without::NoFile));
    }

    #[test]
    fn lines_that_others_changed_stay_and_are_known() {
        let (after, lines) = inserted();
        let other = format!("z\r\n{}/p of a person\r\n", text(&after));
        let Without::Others(out) = lines.taken_out_of(&other).unwrap() else {
            panic!("they were not changed")
        };
        assert_eq!(text(&out), "z\r\na\r\nb\r\n/p of a person\r\n");
        let changed = text(&after).replace("x\r\n", "z\r\n");
        let Without::Changed(out) = lines.taken_out_of(&changed).unwrap() else { panic!("one was changed") };
        assert_eq!(text(&out), "one /p z\r\na\r\nb\r\n");
        let gone = lines.taken_out_of(TEXT).unwrap();
        assert!(matches!(gone, Without::Others(out) if text(&out) == TEXT));
        // The same words within a line are a person's.
        let within = "a two\r\n/p y\r\n";
        assert!(matches!(lines.taken_out_of(within).unwrap(), Without::Changed(out) if text(&out) == within));
    }

    #[test]
    fn what_someone_added_below_a_header_or_an_item_keeps_its_place() {
        for (own, more, rest) in [
            ("[profile work]\nrun = /p\n", "region = x\n", "a\n[profile work]\nregion = x\n"),
            ("[profile work]\nrun = /p\n", "\n# c\n[other]\n", "a\n\n# c\n[other]\n"),
            ("users:\n- name: p\n  run: /p\n", "contexts: []\n", "a\ncontexts: []\n"),
        ] {
            let (after, lines) = insert(Some("a\n"), vec![Insertion::at_end("a\n", own)], "/p");
            let Without::Others(out) = lines.taken_out_of(&format!("{}{more}", text(&after))).unwrap() else {
                panic!("{own} is removed")
            };
            assert_eq!(text(&out), rest);
        }
        let (after, lines) =
            insert(Some(""), vec![Insertion::at_end("", "users:\n- name: p\n  run: /p\n")], "/p");
        for more in ["- name: q\n", "  env: x\n"] {
            let changed = format!("{}{more}", text(&after));
            let left = lines.taken_out_of(&changed).unwrap();
            assert!(matches!(left, Without::Changed(out) if text(&out) == changed));
        }
    }

    #[test]
    fn lines_of_a_newer_version_are_refused() {
        let (after, lines) = inserted();
        let newer = InsertedLines { version: VERSION + 1, ..lines };
        assert!(newer.taken_out_of(text(&after)).is_err());
    }
}
