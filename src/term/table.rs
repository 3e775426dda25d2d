//! Aligned tables of plain text.

use std::fmt;

use super::escape::safe;
use super::style::{Style, Tone};

/// A table. Every cell is escaped for a terminal when it is added.
#[derive(Clone, Debug)]
pub struct Table<const COLUMNS: usize> {
    /// All cells, one after the other.
    text: String,
    /// The end of each cell of a row in `text`.
    rows: Vec<[usize; COLUMNS]>,
    widths: [usize; COLUMNS],
    has_header: bool,
    /// The row, the column and the style of each painted cell, in order.
    painted: Vec<(usize, usize, &'static str)>,
}

impl<const COLUMNS: usize> Default for Table<COLUMNS> {
    /// Returns a table without a header and without rows.
    fn default() -> Self {
        Self {
            text: String::new(),
            rows: Vec::new(),
            widths: [0; COLUMNS],
            has_header: false,
            painted: Vec::new(),
        }
    }
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    /// Returns a table with a header and no rows.
    #[must_use]
    pub fn new(header: [&str; COLUMNS]) -> Self {
        let mut table = Self::default();
        table.row(header);
        table.has_header = true;
        table
    }

    /// Appends a row.
    pub fn row(&mut self, cells: [&str; COLUMNS]) {
        let mut ends = [0; COLUMNS];
        for ((cell, width), end) in cells.iter().zip(&mut self.widths).zip(&mut ends) {
            let cell = safe(cell);
            *width = width_of(&cell).max(*width);
            self.text.push_str(&cell);
            *end = self.text.len();
        }
        self.rows.push(ends);
    }

    /// Returns the first of several tables that is not wider than `columns`, or the last one. `details` are what they
    /// show, the most first.
    pub fn fitting<D: Copy>(columns: Option<usize>, details: &[D], table_of: impl Fn(D) -> Self) -> Self {
        let mut table = Self::default();
        for detail in details {
            table = table_of(*detail);
            if columns.is_none_or(|columns| table.width() <= columns) {
                break;
            }
        }
        table
    }

    /// Paints a cell of the last row.
    pub fn paint(&mut self, column: usize, style: Style, tone: Tone) {
        if let (Some(code), Some(row)) = (style.code(tone), self.rows.len().checked_sub(1)) {
            self.painted.push((row, column, code));
        }
    }

    /// Returns whether it has no rows, apart from the header.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.len() == usize::from(self.has_header)
    }

    /// Returns the width of the longest possible line, in characters.
    #[must_use]
    pub fn width(&self) -> usize {
        let used = self.widths.iter().filter(|width| **width > 0);
        used.map(|width| width + 2).sum::<usize>().saturating_sub(2)
    }

    /// Appends the table to a text, each line indented by `indent` spaces.
    pub fn write_to(&self, out: &mut String, indent: usize) {
        let line = self.widths.iter().map(|width| width + 2).sum::<usize>() + indent + 1;
        out.reserve(line * self.rows.len());
        let mut begin = 0;
        let mut painted = self.painted.iter().peekable();
        for (number, row) in self.rows.iter().enumerate() {
            // Spaces are written before a cell and not after it, so that no line ends in white space.
            let mut owed = indent;
            for (column, (width, end)) in self.widths.iter().zip(row).enumerate() {
                let cell = self.text.get(begin..*end).unwrap_or_default();
                let code = painted.next_if(|of| (of.0, of.1) == (number, column)).map(|of| of.2);
                if !cell.is_empty() {
                    spaces(out, owed);
                    match code {
                        Some(code) => out.extend(["\x1b[", code, "m", cell, "\x1b[0m"]),
                        None => out.push_str(cell),
                    }
                    owed = 0;
                }
                // A column without any text takes no room, as in `width`.
                if *width > 0 {
                    owed += width - width_of(cell) + 2;
                }
                begin = *end;
            }
            out.push('\n');
        }
    }
}

impl<const COLUMNS: usize> fmt::Display for Table<COLUMNS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::new();
        self.write_to(&mut out, 0);
        f.write_str(&out)
    }
}

fn width_of(cell: &str) -> usize {
    if cell.is_ascii() { cell.len() } else { cell.chars().count() }
}

fn spaces(out: &mut String, mut many: usize) {
    const SPACES: &str = "                                                                ";
    while many > 0 {
        let some = many.min(SPACES.len());
        out.push_str(&SPACES[..some]);
        many -= some;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_lines_end_clean() {
        let mut table = Table::new(["PROFILE", "TYPE", "EXPIRES"]);
        assert!(table.is_empty());
        table.row(["anthropic:default", "token", "in 25h"]);
        table.row(["x:y", "", "3d ago"]);
        table.row(["x:z", "api_key", ""]);
        let expected = "\
PROFILE            TYPE     EXPIRES
anthropic:default  token    in 25h
x:y                         3d ago
x:z                api_key
";
        assert_eq!(table.to_string(), expected);
    }

    #[test]
    fn a_table_without_a_header_can_be_set_in() {
        let mut table = Table::default();
        assert!(table.is_empty());
        table.row(["a", "", "c"]);
        table.row(["żółw", "b", ""]);
        let mut out = "first\n".to_owned();
        table.write_to(&mut out, 2);
        assert_eq!(out, "first\n  a        c\n  żółw  b\n");
    }

    #[test]
    fn painted_cells_stay_aligned() {
        let mut table = Table::default();
        table.row(["a", "soon", "x"]);
        table.paint(1, Style::ALWAYS, Tone::Warn);
        table.row(["b", "never again", "y"]);
        assert_eq!(table.to_string(), "a  \x1b[33msoon\x1b[0m         x\nb  never again  y\n");
        table.paint(1, Style::PLAIN, Tone::Bad);
        assert!(!table.to_string().contains("[31m"));
    }

    #[test]
    fn cells_cannot_break_out() {
        let mut table = Table::new(["A", "B"]);
        table.row(["x\ny\x1b[2J", "b"]);
        assert_eq!(table.to_string(), "A                 B\nx\\u{a}y\\u{1b}[2J  b\n");
    }
}
