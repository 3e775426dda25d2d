//! What a round measures, and what a proxy adds in it.

use std::time::Duration;

use crate::load::{Kind, Load, Measured, Way};
use crate::spread::Spread;

/// How long one way is measured under one load in one round.
const TIME: Duration = Duration::from_secs(1);
/// How many streams there are at the same time.
pub const STREAMS: [usize; 3] = [1, 10, 100];
/// The way without a proxy.
pub const STRAIGHT: usize = 0;
pub const NGINX: usize = 1;
pub const STRONGROOM: usize = 2;

/// The measurements of each way under each load in each round.
pub struct Rounds {
    pub ways: Vec<Way>,
    loads: Vec<Load>,
    /// By way, load and round.
    measured: Vec<Vec<Vec<Measured>>>,
}

/// Returns the loads. The pauses hold the machine below half of what it can do, because streams without a pause measure
/// only how long a queue is.
fn loads() -> Vec<Load> {
    let paused =
        |kind, streams, pause| Load { kind, streams, pause: Duration::from_millis(pause), time: TIME };
    let mut loads = Vec::new();
    for (streams, pause) in STREAMS.into_iter().zip([2, 10, 100]) {
        loads.push(paused(Kind::Short, streams, pause));
        loads.push(paused(Kind::Events, streams, pause));
    }
    loads.push(paused(Kind::Short, 100, 0));
    loads.push(paused(Kind::Download, 1, 0));
    loads.push(paused(Kind::Upload, 1, 0));
    loads
}

impl Rounds {
    pub async fn measure(ways: Vec<Way>, rounds: usize) -> Self {
        let loads = loads();
        let mut measured: Vec<Vec<Vec<_>>> =
            ways.iter().map(|_| loads.iter().map(|_| Vec::new()).collect()).collect();
        // Long questions and answers last: what they leave in memory is their own.
        let is_long = |load: &Load| matches!(load.kind, Kind::Download | Kind::Upload);
        let phases = [false, true].into_iter().flat_map(|long| (0..=rounds).map(move |round| (long, round)));
        for (long, round) in phases {
            eprintln!("proxy-bench: round {round} of {rounds}");
            for (at, load) in loads.iter().enumerate().filter(|(_, load)| is_long(load) == long) {
                for turn in 0..ways.len() {
                    // Each way is the first one in some round.
                    let way = (turn + round) % ways.len();
                    if long && !ways[way].passes_all {
                        continue;
                    }
                    let got = load.measure(&ways[way]).await;
                    // The first round is not counted.
                    if round > 0 {
                        measured[way][at].push(got);
                    }
                }
            }
        }
        Self { ways, loads, measured }
    }

    fn at(&self, way: usize, kind: Kind, streams: usize, is_paused: bool) -> &[Measured] {
        let is_it =
            |load: &Load| load.kind == kind && load.streams == streams && load.pause.is_zero() != is_paused;
        let load = self.loads.iter().position(is_it).expect("a load");
        &self.measured[way][load]
    }

    /// Returns the times of a way, in milliseconds: the part of the requests that took no longer, in each round.
    pub fn times(&self, way: usize, kind: Kind, streams: usize, part: f64) -> Spread {
        Spread::of(self.at(way, kind, streams, true).iter().map(|one| one.percentile(part)).collect())
    }

    /// Returns what a way adds to them.
    pub fn added(&self, way: usize, kind: Kind, streams: usize, part: f64) -> Spread {
        let pairs = self.at(way, kind, streams, true).iter().zip(self.at(STRAIGHT, kind, streams, true));
        Spread::of(pairs.map(|(one, floor)| one.percentile(part) - floor.percentile(part)).collect())
    }

    /// Returns how many times as long as through nginx they took, computed for each round.
    pub fn beside_nginx(&self, way: usize, kind: Kind, streams: usize, part: f64) -> Spread {
        let pairs = self.at(way, kind, streams, true).iter().zip(self.at(NGINX, kind, streams, true));
        Spread::of(pairs.map(|(one, nginx)| one.percentile(part) / nginx.percentile(part)).collect())
    }

    /// Returns a figure of a way that has as many requests as it takes.
    pub fn busy(&self, way: usize, figure: impl Fn(&Measured) -> f64) -> Spread {
        Spread::of(self.at(way, Kind::Short, 100, false).iter().map(figure).collect())
    }

    /// Returns MB a second of long questions or answers, if the way was measured with them.
    pub fn throughput(&self, way: usize, kind: Kind) -> Option<Spread> {
        let rates = || self.at(way, kind, 1, false).iter().map(|one| one.throughput(kind));
        self.ways[way].passes_all.then(|| Spread::of(rates().collect()))
    }

    /// Returns the most memory that a way had under any load, in MB.
    pub fn memory(&self, way: usize) -> f64 {
        self.measured[way].iter().flatten().map(|one| one.memory).fold(0.0, f64::max)
    }

    /// Returns the most memory of a way with 100 streams of short requests and answers, in MB.
    pub fn memory_of_short(&self, way: usize) -> f64 {
        let short = [self.at(way, Kind::Short, 100, true), self.at(way, Kind::Events, 100, true)];
        short.into_iter().flatten().map(|one| one.memory).fold(0.0, f64::max)
    }
}
