//! What a program has drawn on its terminal, as far as it takes to find a token there again: one
//! that is wrapped over lines, coloured, drawn in pieces or drawn twice. The cells are wiped.

use zeroize::Zeroizing;

use crate::secret::Buffer;

/// Rows above the screen that are kept, so that what scrolls away is still found whole.
const ABOVE: usize = 32;
/// The largest screen that is modelled, in rows and in columns.
const MAX_SIDE: usize = 1000;
/// The longest run of cells that is looked at as one token.
const MAX_RUN: usize = 4096;

const BLANK: u8 = b' ';
/// Lines of a box and marks of a break, which stand around a text and not in it.
const BORDER: u8 = 1;
/// Any other character outside ASCII.
const OTHER: u8 = 2;

/// What is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// How the token begins.
    pub prefix: &'static str,
    /// How long it usually is, in characters.
    pub usual: usize,
    /// The least that counts as a whole one.
    pub min: usize,
}

/// A terminal's screen: cells, and where the cursor is.
pub(super) struct Screen {
    rows: usize,
    cols: usize,
    cells: Zeroizing<Vec<u8>>,
    /// Rows that go on in the next one, because their text reached the edge.
    wrapped: Vec<bool>,
    row: usize,
    col: usize,
    saved: (usize, usize),
    /// Rows scrolled since this was last taken.
    pub(super) scrolled: usize,
}

fn is_token(cell: u8) -> bool {
    cell.is_ascii_alphanumeric() || matches!(cell, b'_' | b'-')
}

fn is_blank(cell: u8) -> bool {
    matches!(cell, BLANK | BORDER | b'|' | b'#' | b'*' | b'>' | b'+' | b'\\')
}

impl Screen {
    /// An empty screen; a size of 0 is taken as 24 rows of 80.
    pub(super) fn new(rows: usize, cols: usize) -> Self {
        let rows = if rows == 0 { 24 } else { rows.min(MAX_SIDE) };
        let cols = if cols == 0 { 80 } else { cols.min(MAX_SIDE) };
        let all = rows + ABOVE;
        Self {
            rows,
            cols,
            cells: Zeroizing::new(vec![BLANK; all * cols]),
            wrapped: vec![false; all],
            row: ABOVE,
            col: 0,
            saved: (ABOVE, 0),
            scrolled: 0,
        }
    }

    /// The same picture on a screen of another size.
    pub(super) fn resize(&mut self, rows: usize, cols: usize) {
        let mut new = Self::new(rows, cols);
        // The last rows up to the cursor are what counts.
        let lost = (self.row + 1).saturating_sub(ABOVE + new.rows);
        for row in lost..(ABOVE + self.rows).min(lost + ABOVE + new.rows) {
            let width = self.cols.min(new.cols);
            let (from, to) = (row * self.cols, (row - lost) * new.cols);
            if let (Some(old), Some(new)) =
                (self.cells.get(from..from + width), new.cells.get_mut(to..to + width))
            {
                new.copy_from_slice(old);
            }
        }
        new.row = self.row - lost;
        new.col = self.col.min(new.cols);
        *self = new;
    }

    pub(super) fn column(&self) -> usize {
        self.col
    }

    fn all_rows(&self) -> usize {
        self.rows + ABOVE
    }

    fn line(&self, row: usize) -> &[u8] {
        self.cells.get(row * self.cols..(row + 1) * self.cols).unwrap_or_default()
    }

    fn line_mut(&mut self, row: usize) -> &mut [u8] {
        self.cells.get_mut(row * self.cols..(row + 1) * self.cols).unwrap_or_default()
    }

    /// Where a row's text begins and ends, without blanks and borders around it.
    fn content(&self, row: usize) -> (usize, usize) {
        let line = self.line(row);
        let end = line.iter().rposition(|cell| !is_blank(*cell)).map_or(0, |last| last + 1);
        let start = line.iter().position(|cell| !is_blank(*cell)).unwrap_or(0);
        (start.min(end), end)
    }

    fn is_wrapped(&self, row: usize) -> bool {
        self.wrapped.get(row).copied().unwrap_or(false)
    }

    // --- drawing ---------------------------------------------------------------------------------

    /// Draws a character. True where it is part of a token behind its prefix, and must not be shown.
    pub(super) fn put(&mut self, character: char, wanted: &Wanted) -> bool {
        let width = width(character);
        if width == 0 {
            return false;
        }
        if self.col + width > self.cols {
            if let Some(wrapped) = self.wrapped.get_mut(self.row) {
                *wrapped = true;
            }
            self.col = 0;
            self.line_feed();
        }
        let cell = match character {
            ' '..='~' => u8::try_from(character).unwrap_or(OTHER),
            '\u{a0}' => BLANK,
            '\u{2500}'..='\u{259f}' | '\u{2190}'..='\u{21ff}' | '…' => BORDER,
            _ => OTHER,
        };
        let (row, col) = (self.row, self.col);
        for cell_of in self.line_mut(row).iter_mut().skip(col).take(width) {
            *cell_of = cell;
        }
        self.col += width;
        is_token(cell) && self.is_behind_prefix(row, col, wanted)
    }

    pub(super) fn line_feed(&mut self) {
        if self.row + 1 < self.all_rows() {
            self.row += 1;
        } else {
            self.scroll(1);
        }
    }

    pub(super) fn carriage_return(&mut self) {
        self.col = 0;
    }

    pub(super) fn backspace(&mut self) {
        self.col = self.col.min(self.cols).saturating_sub(1);
    }

    pub(super) fn tab(&mut self) {
        self.col = ((self.col / 8 + 1) * 8).min(self.cols - 1);
    }

    pub(super) fn reverse_line_feed(&mut self) {
        if self.row > ABOVE {
            self.row -= 1;
        } else {
            self.shift_rows(ABOVE, 1, true);
        }
    }

    fn scroll(&mut self, rows: usize) {
        for _ in 0..rows.min(self.all_rows()) {
            self.cells.copy_within(self.cols.., 0);
            self.wrapped.copy_within(1.., 0);
            let last = self.all_rows() - 1;
            self.erase_row(last, 0, self.cols);
            self.scrolled += 1;
        }
    }

    fn erase_row(&mut self, row: usize, from: usize, to: usize) {
        if let Some(cells) = self.line_mut(row).get_mut(from..to) {
            cells.fill(BLANK);
        }
        if let Some(wrapped) = self.wrapped.get_mut(row) {
            *wrapped = false;
        }
    }

    /// Empties the screen, for another one.
    pub(super) fn clear(&mut self) {
        for row in ABOVE..self.all_rows() {
            self.erase_row(row, 0, self.cols);
        }
        (self.row, self.col) = (ABOVE, 0);
    }

    pub(super) fn save_cursor(&mut self) {
        self.saved = (self.row, self.col);
    }

    pub(super) fn restore_cursor(&mut self) {
        (self.row, self.col) = self.saved;
    }

    /// A control sequence by its last byte and its numbers.
    pub(super) fn control(&mut self, last: u8, numbers: &[usize]) {
        let at = |index: usize| numbers.get(index).copied().unwrap_or(0);
        let count = at(0).clamp(1, MAX_SIDE);
        let (top, bottom) = (ABOVE, self.all_rows() - 1);
        let (row, col) = (self.row, self.col.min(self.cols - 1));
        match last {
            b'A' => self.row = row.saturating_sub(count).max(top),
            b'B' | b'e' => self.row = (row + count).min(bottom),
            b'C' | b'a' => self.col = (col + count).min(self.cols - 1),
            b'D' => self.col = col.saturating_sub(count),
            b'E' => (self.row, self.col) = ((row + count).min(bottom), 0),
            b'F' => (self.row, self.col) = (row.saturating_sub(count).max(top), 0),
            b'G' | b'`' => self.col = (count - 1).min(self.cols - 1),
            b'd' => self.row = (top + count - 1).min(bottom),
            b'H' | b'f' => {
                self.row = (top + count - 1).min(bottom);
                self.col = (at(1).max(1) - 1).min(self.cols - 1);
            }
            b'J' => {
                let (first, end) = match at(0) {
                    0 => (row + 1, bottom + 1),
                    1 => (top, row),
                    _ => (top, bottom + 1),
                };
                match at(0) {
                    0 => self.erase_row(row, col, self.cols),
                    1 => self.erase_row(row, 0, col + 1),
                    _ => {}
                }
                for row in first..end {
                    self.erase_row(row, 0, self.cols);
                }
            }
            b'K' => match at(0) {
                0 => self.erase_row(row, col, self.cols),
                1 => self.erase_row(row, 0, col + 1),
                _ => self.erase_row(row, 0, self.cols),
            },
            b'X' => self.erase_row(row, col, (col + count).min(self.cols)),
            b'@' | b'P' => self.shift(row, col, count, last == b'@'),
            b'L' | b'M' => {
                self.shift_rows(row, count, last == b'L');
                self.col = 0;
            }
            b'S' => self.scroll(count),
            b'T' => self.shift_rows(top, count, true),
            b's' => self.save_cursor(),
            b'u' => self.restore_cursor(),
            _ => {}
        }
    }

    /// Makes room for characters in a row, or takes some out.
    fn shift(&mut self, row: usize, col: usize, count: usize, insert: bool) {
        let cols = self.cols;
        let count = count.min(cols - col);
        let line = self.line_mut(row);
        if insert {
            line.copy_within(col..cols - count, col + count);
            line.iter_mut().skip(col).take(count).for_each(|cell| *cell = BLANK);
        } else {
            line.copy_within(col + count..cols, col);
            line.iter_mut().skip(cols - count).for_each(|cell| *cell = BLANK);
        }
    }

    /// Makes room for rows at one, or takes some out; what goes over the end is lost.
    fn shift_rows(&mut self, row: usize, count: usize, insert: bool) {
        let (cols, end) = (self.cols, self.all_rows());
        let count = count.min(end - row);
        let (from, to) = if insert { (row, row + count) } else { (row + count, row) };
        let moved = end - row - count;
        self.cells.copy_within(from * cols..(from + moved) * cols, to * cols);
        self.wrapped.copy_within(from..from + moved, to);
        let free = if insert { row } else { end - count };
        for row in free..free + count {
            self.erase_row(row, 0, cols);
        }
    }

    // --- finding ---------------------------------------------------------------------------------

    /// Whether the cell belongs to a token whose prefix stands before it, in its row or above.
    fn is_behind_prefix(&self, row: usize, col: usize, wanted: &Wanted) -> bool {
        let prefix = wanted.prefix.as_bytes();
        // The run up to the cell, backwards, and after how many of its cells a row begins.
        let mut run = Buffer::with_capacity(256);
        let mut breaks = Vec::new();
        let (mut row, mut end) = (row, col + 1);
        loop {
            let line = self.line(row).get(..end).unwrap_or_default();
            let start = line.iter().rposition(|cell| !is_token(*cell)).map_or(0, |before| before + 1);
            for cell in line.iter().skip(start).rev() {
                run.push(*cell);
            }
            let begins = line.iter().take(start).all(|cell| is_blank(*cell));
            if !begins || row == 0 || run.len() > MAX_RUN {
                break;
            }
            breaks.push(run.len());
            row -= 1;
            end = self.content(row).1;
            if end == 0 {
                break;
            }
        }
        let Some(cells) =
            run.expose().windows(prefix.len()).position(|window| window.iter().rev().eq(prefix))
        else {
            return false;
        };
        // `cells` stand behind the prefix, up to this one. A word under a whole token is none of it.
        let whole = cells + prefix.len();
        cells > 0 && !(whole > wanted.usual && breaks.iter().any(|at| at + wanted.usual == whole))
    }

    /// The tokens that stand on the screen, in the order of their places. Rows that the cursor is
    /// still in count where `all` says so.
    pub(super) fn tokens(&self, wanted: &Wanted, all: bool) -> Vec<Buffer> {
        let mut found = Vec::new();
        let first = wanted.prefix.as_bytes().first().copied().unwrap_or_default();
        for row in 0..self.all_rows() {
            let (start, end) = self.content(row);
            for col in start..end {
                if self.line(row).get(col) == Some(&first)
                    && let Some(token) = self.token_from(row, col, wanted, all)
                {
                    found.push(token);
                }
            }
        }
        found
    }

    fn token_from(&self, mut row: usize, mut col: usize, wanted: &Wanted, all: bool) -> Option<Buffer> {
        let prefix = wanted.prefix.as_bytes();
        let mut token = Buffer::with_capacity(256);
        loop {
            if !all && row == self.row {
                return None;
            }
            let (_, end) = self.content(row);
            for cell in self.line(row).get(col..end).unwrap_or_default() {
                if !is_token(*cell) {
                    return token.expose().starts_with(prefix).then_some(token);
                }
                token.push(*cell);
                let len = token.len().min(prefix.len());
                if token.len() > MAX_RUN || token.expose().get(..len) != prefix.get(..len) {
                    return None;
                }
            }
            row += 1;
            let whole = token.len() == wanted.usual;
            let goes_on = self.is_wrapped(row - 1) || self.is_one_run(row);
            if whole || !goes_on || row >= self.all_rows() {
                return token.expose().starts_with(prefix).then_some(token);
            }
            col = self.content(row).0;
        }
    }

    /// Whether a row holds nothing but one run of a token's characters, or its end and a quote.
    fn is_one_run(&self, row: usize) -> bool {
        let (start, end) = self.content(row);
        let text = self.line(row).get(start..end).unwrap_or_default();
        let text = text.strip_suffix(b"\"").or_else(|| text.strip_suffix(b"'")).unwrap_or(text);
        !text.is_empty() && text.iter().all(|cell| is_token(*cell))
    }
}

/// How many cells a character takes, near enough for what stands beside a token.
fn width(character: char) -> usize {
    match character {
        '\u{ad}'
        | '\u{300}'..='\u{36f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2060}'..='\u{2064}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' => 0,
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{1f300}'..='\u{1faff}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}
