//! Compares whole processes of Strongroom with those of other tools, in one run, for `scripts/peers.sh`.
//! It needs only std, so that the script can build it alone, in seconds.
//!
//! It prints the measured part of docs/speed.md and judges only the aims. Comparisons are ratios of two runs of the
//! same round; a ratio is given as its median and, in brackets, its quartiles.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod growth;
mod others;
mod picture;
mod place;
mod process;
mod slow;
#[path = "../spread.rs"]
mod spread;
mod table;

use std::env::{args, var};
use std::path::Path;

use place::Place;

fn main() {
    // It starts itself again, so that strace has a process to slow down.
    if let Some(dir) = args().skip(1).skip_while(|word| word != slow::TWO_REPLACES).nth(1) {
        process::two_replaces(Path::new(&dir));
        return;
    }
    let named = ["STRONGROOM", "OPENS", "KBS2", "RAGE", "SCRATCH", "PICTURE"].map(|name| var(name).ok());
    let [Some(strongroom), Some(opens), Some(kbs2), Some(rage), Some(scratch), Some(picture)] = named else {
        println!("peers: run scripts/peers.sh, which builds what is compared");
        return;
    };
    let number = |name, default| var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let place = Place {
        strongroom: strongroom.into(),
        opens: opens.into(),
        kbs2: kbs2.into(),
        rage: rage.into(),
        fnox: var("FNOX").ok().map(Into::into),
        pass: var("PASS").ok().map(Into::into),
        scratch: scratch.into(),
        picture: picture.into(),
        rounds: number("ROUNDS", 60),
        largest: number("LARGEST", 10_000),
    };
    eprintln!("peers: filling the stores");
    place.stock("one", 1);
    place.stock("thousand", 1_000);
    place.stock("ten-thousand", 10_000);
    place.stock_kbs2("kbs2-one", 1);
    place.stock_kbs2("kbs2-thousand", 1_000);
    eprintln!("peers: measuring beside kbs2 and rage");
    table::print(&place);
    eprintln!("peers: on a slow disk");
    slow::print(&place);
    if place.fnox.is_some() || place.pass.is_some() {
        eprintln!("peers: beside the others");
        others::print(&place);
    }
    eprintln!("peers: growth to {} profiles", place.largest);
    growth::print(&place);
}
