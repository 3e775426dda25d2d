//! `serve`: answers clients' requests to providers with the vault's credentials.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::Context;
use super::context::{document, not_a_secret, warn};
use super::upstream_flags::Upstreams;
use crate::error::Result;
use crate::harden;
use crate::messages::serve as messages;
use crate::serve::{Options, prepare};
use crate::term::out;
use crate::time::parse_duration;

/// The address without `--listen` and `--socket`.
const USUAL: ([u8; 4], u16) = ([127, 0, 0, 1], 7787);

/// Answer clients' requests to providers with the vault's credentials, so that no client has a key
///
/// A client sends its requests to `http://127.0.0.1:7787/PROVIDER/…`, with a token of `strongroom access add` in the place
/// of the key. The server sets the credential that `status` names next, and takes another one if that fails. It holds the
/// key of one agent alone, and runs until SIGTERM or ^C.
#[derive(Debug, Args)]
pub struct Serve {
    /// Listen on this address and port, which only this machine reaches; port 0 takes a free one [default:
    /// 127.0.0.1:7787]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Vec<String>,
    /// Listen on a Unix socket at this path
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Let this user connect to the socket too, by number
    #[arg(long = "allow-uid", value_name = "UID")]
    uids: Vec<u32>,
    #[command(flatten)]
    upstreams: Upstreams,
    /// Accept this name in the Host header too, with its port
    #[arg(long = "allow-host", value_name = "NAME:PORT")]
    hosts: Vec<String>,
    /// Lock after this time; SIGHUP unlocks again
    #[arg(long, value_name = "TIME")]
    ttl: Option<String>,
}

pub(super) fn run(context: &mut Context, args: &Serve) -> Result<u8> {
    let ttl = args.ttl.as_deref().map(|text| parse_duration("--ttl", text)).transpose()?;
    let mut listen = args.listen.iter().map(|text| address(text)).collect::<Result<Vec<_>>>()?;
    let is_handed_over = context.env.var("LISTEN_FDS").is_some();
    if listen.is_empty() && args.socket.is_none() && !is_handed_over {
        listen.push(SocketAddr::from(USUAL));
    }
    if !args.uids.is_empty() && args.socket.is_none() && !is_handed_over {
        return Err(messages::uid_without_socket());
    }
    args.hosts.iter().try_for_each(|text| not_a_secret(text))?;
    let (upstreams, authorities) = args.upstreams.read()?;
    out::refuse_closed()?;
    // Secrets are decrypted by threads, and their memory is to be locked too.
    harden::one_heap();
    let agent = context.agent()?;
    let vault = context.vault()?;
    let session = context.session(&vault)?;
    context.verify_agent(&vault, &session)?;
    let options = Options {
        agent: agent.clone(),
        ambient: context.ambient(),
        listen,
        socket: args.socket.clone(),
        uids: args.uids.clone(),
        upstreams,
        authorities,
        hosts: args.hosts.clone(),
        ttl: ttl.and_then(|ttl| u64::try_from(ttl).ok()).map(Duration::from_millis),
        warn: {
            let env = context.env.clone();
            Arc::new(move |text| warn(&env, text))
        },
        say: Arc::new(|text| out::write_error(&format!("{text}\n"))),
        own: Vec::new(),
        setups: context.setups(),
    };
    // The heap never shrinks, because it is locked; the bodies of requests are to leave nothing in it.
    harden::large_buffers_apart();
    let prepared = prepare(&vault, session, options)?;
    if !prepared.has_access {
        context.say(&messages::nobody_may_ask(&agent));
    }
    if context.json() {
        let listeners = prepared.listeners();
        let said = serde_json::json!({ "agent": agent.as_str(), "listeners": listeners });
        // A program that waits for it reads a line.
        context.print(&document(&said, true)?)?;
    } else {
        let lines: Vec<_> = prepared.listeners().iter().map(|name| messages::serving(&agent, name)).collect();
        context.print(&lines.join("\n"))?;
    }
    prepared.serve()?;
    Ok(0)
}

fn address(text: &str) -> Result<SocketAddr> {
    not_a_secret(text)?;
    let address: SocketAddr = text
        .strip_prefix("localhost:")
        .map_or_else(|| text.parse(), |port| format!("127.0.0.1:{port}").parse())
        .map_err(|_| messages::not_an_address())?;
    if address.ip().is_loopback() { Ok(address) } else { Err(messages::not_loopback()) }
}
