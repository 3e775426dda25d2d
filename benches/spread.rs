//! The median of many measurements, and how it is told.

/// The median of many values, and their quartiles.
#[derive(Clone, Copy)]
pub struct Spread {
    pub low: f64,
    pub median: f64,
    pub high: f64,
}

impl Spread {
    pub fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |quarters: usize| values[(values.len() * quarters / 4).min(values.len() - 1)];
        Self { low: at(1), median: at(2), high: at(3) }
    }
}

/// Formats a ratio with its quartiles.
pub fn spread(ratio: Spread) -> String {
    format!("**{:.2}** ({:.2}–{:.2})", ratio.median, ratio.low, ratio.high)
}

/// Prints a row of a table of aims.
pub fn row(what: &str, aim: &str, measured: &str, met: bool) {
    println!("| {what} | {aim} | {measured} | {} |", if met { "met" } else { "MISSED" });
}
