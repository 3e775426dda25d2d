//! The proxy's aims (DESIGN, section 13), all figures, and their picture.

use crate::load::Kind;
use crate::picture::{self, Labels, Line};
use crate::rounds::{NGINX, Rounds, STREAMS, STRONGROOM};
use crate::spread::{Spread, row, spread};

const MEDIAN: f64 = 0.5;
const WORST: f64 = 0.99;

pub fn print(rounds: &Rounds) {
    aims(rounds);
    println!();
    figures(rounds);
}

fn aims(rounds: &Rounds) {
    println!("| what, with 100 streams | aim | measured | verdict |\n|---|---|---|---|");
    for (what, kind, part, aim) in [
        ("added to an answer, p50", Kind::Short, MEDIAN, 0.3),
        ("added to an answer, p99", Kind::Short, WORST, 1.0),
        ("added to the first event, p50", Kind::Events, MEDIAN, 0.2),
    ] {
        let own = rounds.added(STRONGROOM, kind, 100, part);
        let nginx = rounds.added(NGINX, kind, 100, part);
        let ratio = own.median / nginx.median;
        let whole = spread(rounds.beside_nginx(STRONGROOM, kind, 100, part));
        let told = format!(
            "{} ms = **{ratio:.2}** × nginx's {} ms; all of it {whole} × nginx's",
            quartiles(own),
            quartiles(nginx)
        );
        let met = own.median <= aim || own.median <= 1.5 * nginx.median;
        row(what, &format!("≤ {aim} ms, or ≤ 1.5 × nginx's"), &told, met);
    }
    let own = rounds.memory_of_short(STRONGROOM);
    let told = format!("{own:.1} MB (nginx {:.1} MB)", rounds.memory_of_short(NGINX));
    row("resident memory", "≤ 30 MB", &told, own <= 30.0);
}

fn figures(rounds: &Rounds) {
    let ways = 0..rounds.ways.len();
    let names: Vec<_> = rounds.ways.iter().map(|way| way.name).collect();
    println!("| | {} |\n|---{}|", names.join(" | "), "|---".repeat(names.len()));
    let line = |what: &str, cells: Vec<String>| println!("| {what} | {} |", cells.join(" | "));
    for (what, kind) in [("answer", Kind::Short), ("first event", Kind::Events)] {
        for streams in STREAMS {
            for (name, part) in [("p50", MEDIAN), ("p99", WORST)] {
                let floor = format!("{} ms", quartiles(rounds.times(0, kind, streams, part)));
                let added = ways.clone().skip(1).map(|way| {
                    let added = rounds.added(way, kind, streams, part);
                    format!("{}{} ms", if added.median < 0.0 { "" } else { "+ " }, quartiles(added))
                });
                let plural = if streams == 1 { "" } else { "s" };
                let cells = [floor].into_iter().chain(added).collect();
                line(&format!("{what}, {streams} stream{plural}, {name}"), cells);
            }
        }
    }
    let rates = ways.clone().map(|way| format!("{:.0}", rounds.busy(way, |one| one.rate).median));
    line("requests a second, 100 streams without a pause", rates.collect());
    let cpu = ways.clone().map(|way| match way {
        0 => "–".to_owned(),
        _ => format!("{:.3} s", rounds.busy(way, |one| one.cpu).median),
    });
    line("processor time of the proxy for 1,000 of them", cpu.collect());
    for (what, kind) in [("an answer of 64 MiB", Kind::Download), ("a request of 20 MiB", Kind::Upload)] {
        let cells = ways.clone().map(|way| {
            let rate = rounds.throughput(way, kind);
            rate.map_or("–".to_owned(), |rate| format!("{:.0} MB/s", rate.median))
        });
        line(what, cells.collect());
    }
    let of_short = ways.clone().map(|way| match way {
        0 => "–".to_owned(),
        _ => format!("{:.1} MB", rounds.memory_of_short(way)),
    });
    line("the most resident memory, 100 streams", of_short.collect());
    let memory = ways.map(|way| match way {
        0 => "–".to_owned(),
        _ => format!("{:.1} MB", rounds.memory(way)),
    });
    line("the most resident memory, after long requests too", memory.collect());
}

fn quartiles(of: Spread) -> String {
    format!("{:.2} ({:.2}–{:.2})", of.median, of.low, of.high)
}

/// Draws what nginx and Strongroom add.
pub fn draw(rounds: &Rounds) -> String {
    let points = |way, part| {
        let added = |streams| rounds.added(way, Kind::Short, streams, part).median;
        // The axis is logarithmic: what is not measurable is at its beginning.
        STREAMS.map(|streams| (streams, added(streams).max(0.01))).to_vec()
    };
    let lines = [
        Line { name: "nginx p50", points: points(NGINX, MEDIAN) },
        Line { name: "nginx p99", points: points(NGINX, WORST) },
        Line { name: "Strongroom p50", points: points(STRONGROOM, MEDIAN) },
        Line { name: "Strongroom p99", points: points(STRONGROOM, WORST) },
    ];
    let labels = Labels {
        title: "Milliseconds that a proxy adds to an answer, by the number of streams",
        y: "milliseconds added to an answer",
        x: "streams",
    };
    picture::draw(&labels, &STREAMS, &lines)
}
