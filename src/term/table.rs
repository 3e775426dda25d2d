//! Aligned tables of plain text.

use std::fmt;

use super::escape::safe;

/// A table with a header. Every cell is made safe for a terminal as it comes in.
#[derive(Clone, Debug)]
pub struct Table<const COLUMNS: usize> {
    rows: Vec<[String; COLUMNS]>,
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    /// A table with this header and no rows.
    #[must_use]
    pub fn new(header: [&str; COLUMNS]) -> Self {
        let mut table = Self { rows: Vec::new() };
        table.row(header);
        table
    }

    /// Appends a row.
    pub fn row(&mut self, cells: [&str; COLUMNS]) {
        self.rows.push(cells.map(|cell| safe(cell).into_owned()));
    }

    /// Whether it has no row but the header.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.len() < 2
    }
}

impl<const COLUMNS: usize> fmt::Display for Table<COLUMNS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut widths = [0; COLUMNS];
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.chars().count().max(*width);
            }
        }
        for row in &self.rows {
            // Spaces are written before a cell and not behind it: no line ends in white space.
            let mut owed = 0;
            for (width, cell) in widths.iter().zip(row) {
                if !cell.is_empty() {
                    write!(f, "{:owed$}", "")?;
                    f.write_str(cell)?;
                    owed = 0;
                }
                owed += width - cell.chars().count() + 2;
            }
            f.write_str("\n")?;
        }
        Ok(())
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
    fn cells_cannot_break_out() {
        let mut table = Table::new(["A", "B"]);
        table.row(["x\ny\x1b[2J", "b"]);
        assert_eq!(table.to_string(), "A                 B\nx\\u{a}y\\u{1b}[2J  b\n");
    }
}
