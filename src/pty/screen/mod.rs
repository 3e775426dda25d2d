//! A model of the program's terminal, sufficient to find a token that is wrapped over lines, coloured, drawn in pieces
//! or drawn twice. The cells are wiped.

mod find;

use zeroize::Zeroizing;

/// Rows that are kept above the screen, so that a token that scrolls off is still found whole.
const ABOVE: usize = 32;
/// The most rows and the most columns of the model.
const MAX_SIDE: usize = 1000;
/// The longest run of cells that may be one token.
const MAX_RUN: usize = 4096;

const BLANK: u8 = b' ';
/// Lines of a box and marks of a break, which are around a text and not part of it.
const BORDER: u8 = 1;
/// Any other character outside ASCII.
const OTHER: u8 = 2;

/// The token that is searched for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Its prefix.
    pub prefix: &'static str,
    /// Its usual length, in characters.
    pub usual: usize,
    /// The shortest length that counts as a whole token, in characters.
    pub min: usize,
}

/// A terminal's screen: its cells and its cursor.
pub(super) struct Screen {
    rows: usize,
    cols: usize,
    cells: Zeroizing<Vec<u8>>,
    /// Which rows continue in the next one, because their text reached the edge.
    wrapped: Vec<bool>,
    row: usize,
    col: usize,
    saved: (usize, usize),
    /// The first and the last row of the scrolling region.
    region: (usize, usize),
    /// How many rows scrolled since the last search.
    pub(super) scrolled: usize,
}

fn is_token(cell: u8) -> bool {
    cell.is_ascii_alphanumeric() || matches!(cell, b'_' | b'-')
}

fn is_blank(cell: u8) -> bool {
    matches!(cell, BLANK | BORDER | b'|' | b'#' | b'*' | b'>' | b'+' | b'\\')
}

impl Screen {
    /// Returns an empty screen. 0 rows or columns mean 24 rows or 80 columns.
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
            region: (ABOVE, all - 1),
            scrolled: 0,
        }
    }

    /// Changes the size of the screen and keeps its text.
    pub(super) fn resize(&mut self, rows: usize, cols: usize) {
        let mut new = Self::new(rows, cols);
        // The last rows up to the cursor are kept.
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

    /// Returns whether the next character may go to the next row.
    pub(super) fn is_at_edge(&self) -> bool {
        self.col + 2 > self.cols
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

    /// Returns the beginning and the end of a row's text, without blanks and borders around it.
    fn content(&self, row: usize) -> (usize, usize) {
        let line = self.line(row);
        let end = line.iter().rposition(|cell| !is_blank(*cell)).map_or(0, |last| last + 1);
        let start = line.iter().position(|cell| !is_blank(*cell)).unwrap_or(0);
        (start.min(end), end)
    }

    fn is_wrapped(&self, row: usize) -> bool {
        self.wrapped.get(row).copied().unwrap_or(false)
    }

    /// Draws a character. Returns whether it is part of a token after its prefix, and must not be shown.
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
        is_token(cell) && self.is_after_prefix(row, col, wanted)
    }

    pub(super) fn line_feed(&mut self) {
        if self.row == self.region.1 {
            self.scroll(1);
        } else {
            self.row = (self.row + 1).min(self.all_rows() - 1);
        }
    }

    /// Returns whether a line feed here loses a row: the first row of a region below rows that stay.
    pub(super) fn loses_a_row(&self) -> bool {
        self.row == self.region.1 && self.region.0 > ABOVE
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
        if self.row == self.region.0 {
            self.shift_rows(self.row, 1, true);
        } else {
            self.row = self.row.saturating_sub(1).max(ABOVE);
        }
    }

    /// Scrolls the region up. Rows that leave the top of the screen are kept above it.
    fn scroll(&mut self, rows: usize) {
        let (top, bottom) = self.region;
        let count = rows.min(bottom + 1 - top);
        if top == ABOVE {
            self.shift_rows(0, count, false);
            self.scrolled += count;
        } else {
            self.shift_rows(top, count, false);
        }
    }

    /// Sets the scrolling region. Invalid rows are ignored, as terminals do.
    fn set_region(&mut self, first: usize, last: usize) {
        let last = if last == 0 { self.rows } else { last.min(self.rows) };
        let first = first.max(1);
        if first < last || self.rows == 1 {
            self.region = (ABOVE + first.min(last) - 1, ABOVE + last - 1);
            (self.row, self.col) = (ABOVE, 0);
        }
    }

    /// Makes all rows scroll, as in the beginning.
    pub(super) fn reset_region(&mut self) {
        self.region = (ABOVE, self.all_rows() - 1);
    }

    fn erase_row(&mut self, row: usize, from: usize, to: usize) {
        if let Some(cells) = self.line_mut(row).get_mut(from..to) {
            cells.fill(BLANK);
        }
        if let Some(wrapped) = self.wrapped.get_mut(row) {
            *wrapped = false;
        }
    }

    /// Erases the screen.
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

    /// Applies a control sequence with this last byte and these numbers.
    pub(super) fn control(&mut self, last: u8, numbers: &[usize]) {
        let at = |index: usize| numbers.get(index).copied().unwrap_or(0);
        let count = at(0).clamp(1, MAX_SIDE);
        let (top, bottom) = (ABOVE, self.all_rows() - 1);
        let (row, col) = (self.row, self.col.min(self.cols - 1));
        match last {
            // A cursor inside the scrolling region stays there.
            b'A' => {
                let most = if row < self.region.0 { top } else { self.region.0 };
                self.row = row.saturating_sub(count).max(most);
            }
            b'B' | b'e' => {
                let most = if row > self.region.1 { bottom } else { self.region.1 };
                self.row = (row + count).min(most);
            }
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
                    2 => (top, bottom + 1),
                    // Only what is above the screen.
                    _ => (top, top),
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
            b'L' | b'M' if (self.region.0..=self.region.1).contains(&row) => {
                self.shift_rows(row, count, last == b'L');
                self.col = 0;
            }
            b'S' => self.scroll(count),
            // With more numbers, `T` is about the mouse.
            b'T' | b'^' if numbers.len() < 2 => self.shift_rows(self.region.0, count, true),
            b'r' => self.set_region(at(0), at(1)),
            b's' => self.save_cursor(),
            b'u' => self.restore_cursor(),
            _ => {}
        }
    }

    /// Inserts blanks in a row, or deletes characters.
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

    /// Inserts blank rows, or deletes rows; rows that are moved past the region's end are lost.
    fn shift_rows(&mut self, row: usize, count: usize, insert: bool) {
        let (cols, end) = (self.cols, self.region.1 + 1);
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
}

/// Returns the width of a character in cells, precise enough for the text around a token.
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
