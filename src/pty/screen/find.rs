//! Finds a token on the screen: wrapped over rows, between borders, after its prefix.

use super::{MAX_RUN, Screen, Wanted, is_blank, is_token};
use crate::secret::Buffer;

impl Screen {
    /// Returns whether a cell belongs to a token whose prefix comes before it, in its row or above.
    pub(super) fn is_after_prefix(&self, row: usize, col: usize, wanted: &Wanted) -> bool {
        let prefix = wanted.prefix.as_bytes();
        // The run up to the cell, backwards, and the numbers of cells after which a row begins.
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
        // There are `cells` after the prefix, up to this one. A word under a whole token is not part of it.
        let whole = cells + prefix.len();
        cells > 0 && !(whole > wanted.usual && breaks.iter().any(|at| at + wanted.usual == whole))
    }

    /// Returns the tokens on the screen, from top to bottom. The row of the cursor counts only with `all`.
    pub(in crate::pty) fn tokens(&self, wanted: &Wanted, all: bool) -> Vec<Buffer> {
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

    /// Returns whether a row contains only one run of a token's characters, possibly with a quote after it.
    fn is_one_run(&self, row: usize) -> bool {
        let (start, end) = self.content(row);
        let text = self.line(row).get(start..end).unwrap_or_default();
        let text = text.strip_suffix(b"\"").or_else(|| text.strip_suffix(b"'")).unwrap_or(text);
        !text.is_empty() && text.iter().all(|cell| is_token(*cell))
    }
}
