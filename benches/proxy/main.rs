//! Compares a request through Strongroom's proxy with one through nginx, and with one straight to the upstream, in one
//! run, for `scripts/proxy-speed.sh`.
//!
//! It prints the proxy's part of docs/speed.md and judges only the aims. Each round measures every way once under every
//! load, so that a busy moment of the machine affects all of them; what a proxy adds is the difference within a round.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod load;
#[path = "../peers/picture.rs"]
mod picture;
mod process;
mod rounds;
#[path = "../spread.rs"]
mod spread;
mod table;
mod upstream;
mod ways;

use std::env::var;

use rounds::Rounds;
use tokio::runtime::{Builder, Runtime};
use upstream::Upstream;
use ways::Place;

fn main() {
    let named = ["STRONGROOM", "NGINX", "SCRATCH", "PICTURE"].map(|name| var(name).ok());
    let [Some(strongroom), Some(nginx), Some(scratch), Some(picture)] = named else {
        println!("proxy-bench: run scripts/proxy-speed.sh, which builds what is compared");
        return;
    };
    let place = Place {
        strongroom: strongroom.into(),
        nginx: nginx.into(),
        nono: var("NONO").ok().map(Into::into),
        litellm: var("LITELLM").ok().map(Into::into),
        scratch: scratch.into(),
    };
    let rounds = var("ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(10);
    // The upstream has threads of its own, as if it were another process.
    let (serving, asking) = (runtime(), runtime());
    let upstream = serving.block_on(Upstream::start(&place.path("upstream.pem")));
    let (_nginx, nginx) = ways::nginx(&place, &upstream);
    let (_strongroom, strongroom, http2) = ways::strongroom(&place, &upstream);
    let nono = place.nono.as_deref().map(|program| ways::nono(&place, program, &upstream));
    let litellm = place.litellm.as_deref().map(|program| ways::litellm(&place, program, &upstream));
    let mut ways = vec![ways::straight(&upstream), nginx, strongroom, http2];
    ways.extend(nono.iter().chain(&litellm).map(|(_, way)| way.clone()));
    let measured = asking.block_on(Rounds::measure(ways, rounds));
    table::print(&measured);
    std::fs::write(picture, table::draw(&measured)).unwrap();
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}
