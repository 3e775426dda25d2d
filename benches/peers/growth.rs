//! How long each command takes as the number of profiles grows.

use crate::picture::{self, Labels, Line};
use crate::place::Place;
use crate::process::{Process, Times};

const COMMANDS: [&str; 8] = ["list", "status", "get", "resolve", "paste", "import", "verify", "rekey"];

pub fn print(place: &Place) {
    let sizes: Vec<usize> =
        [10, 100, 1_000, 10_000, 100_000].into_iter().filter(|size| *size <= place.largest).collect();
    let mut lines = COMMANDS.map(|name| Line { name, points: Vec::new() });
    for size in &sizes {
        eprintln!("peers: {size} profiles");
        for (line, ms) in lines.iter_mut().zip(measure(place, *size)) {
            line.points.extend(ms.map(|ms| (*size, ms)));
        }
    }
    println!("Milliseconds by the number of profiles in one agent, medians:\n");
    println!("| | {} |", sizes.iter().map(|size| picture::grouped(*size)).collect::<Vec<_>>().join(" | "));
    println!("|---{}|", "|---:".repeat(sizes.len()));
    for line in &lines {
        let at = |size: &usize| line.points.iter().find(|(of, _)| of == size);
        let cells = sizes.iter().map(|size| at(size).map_or("failed".to_owned(), |(_, ms)| rounded(*ms)));
        println!("| `{}` | {} |", line.name, cells.collect::<Vec<_>>().join(" | "));
    }
    let labels = Labels {
        title: "Milliseconds of a command by the number of profiles",
        y: "milliseconds of a whole process",
        x: "profiles",
    };
    std::fs::write(&place.picture, picture::draw(&labels, &sizes, &lines)).unwrap();
}

fn rounded(ms: f64) -> String {
    if ms < 100.0 { format!("{ms:.1}") } else { format!("{ms:.0}") }
}

/// Returns the milliseconds of each command, or nothing for a command that fails at that size.
fn measure(place: &Place, size: usize) -> [Option<f64>; COMMANDS.len()] {
    // Slow commands are run only a few times.
    let (short, long) = match size {
        ..=1_000 => (15, 3),
        1_001..=10_000 => (7, 1),
        _ => (3, 1),
    };
    let vault = format!("growth-{size}");
    let imports: Vec<Option<f64>> = (0..long)
        .map(|n| {
            let vault = if n == 0 { vault.clone() } else { format!("{vault}-{n}") };
            place.init(&vault);
            place.import(&vault, size).timed()
        })
        .collect();
    let of = |process: Process, runs: usize| middle((0..runs).map(|_| process.timed()).collect());
    [
        of(place.vault(&vault, &["list"]), short),
        of(place.vault(&vault, &["status"]), short),
        of(place.get(&vault), short),
        of(place.resolve(&vault, 1), short),
        of(place.paste(&vault), short),
        middle(imports),
        of(place.vault(&vault, &["verify"]), long),
        of(place.vault(&vault, &["rekey", "--yes"]), long),
    ]
}

fn middle(times: Vec<Option<f64>>) -> Option<f64> {
    let times: Option<Vec<f64>> = times.into_iter().collect();
    times.map(|times| Times(times).median())
}
