//! `run --proxy`: runs a program with the proxy's address and a token in its environment, and serves it meanwhile.

use std::ffi::OsString;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use strongroom_mask::{Patterns, TOTAL_MAX, VALUES_MAX, Value};
use zeroize::Zeroizing;

use super::context::{self, Context, warn};
use super::secrets_flags::Secrets;
use super::upstream_flags::Upstreams;
use crate::client::sdk_variables::{SdkVariables, is_of, path_of};
use crate::env::Env;
use crate::error::{Code, Result};
use crate::messages::run as of_run;
use crate::messages::run_proxy as messages;
use crate::ops::proxied::{Proxied, access_for};
use crate::relay::{Ended, NotStarted, Program};
use crate::secret::{ExposeSecret, SecretString};
use crate::serve::{Options, Prepared, Stop, Voice, prepare, route_for};

/// The exit status if a secret cannot be read, or the proxy cannot serve, so that the program was not started.
pub(super) const NOT_HANDED_OVER: u8 = 77;

/// The variables with the proxy's address and the token, for programs that are told where to send requests otherwise.
const URL: &str = "STRONGROOM_PROXY_URL";
const TOKEN: &str = "STRONGROOM_PROXY_TOKEN";
/// The variables that say for which hosts no proxy is used, and those that name one.
const NO_PROXY: [&str; 2] = ["NO_PROXY", "no_proxy"];
const PROXIES: [&str; 4] = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

/// What the flags say.
pub(super) struct Wanted<'a> {
    /// What the program may use.
    pub secrets: &'a Secrets,
    /// The places to which its requests go.
    pub upstreams: &'a Upstreams,
    /// Whether the token is masked in what it prints.
    pub masks: bool,
    /// The program, and its arguments.
    pub command: &'a [OsString],
}

pub(super) fn run(context: &Context, wanted: &Wanted<'_>) -> Result<u8> {
    if let Some(flag) = wanted.secrets.only_hands_over() {
        return Err(messages::hands_over(flag));
    }
    let quiet = Arc::new(AtomicBool::new(false));
    let (proxied, prepared, routes) = match serve(context, wanted, &quiet) {
        Err(error) if error.code() != Code::Usage => {
            let _ = context.report(&error);
            return Ok(NOT_HANDED_OVER);
        }
        served => served?,
    };
    let token = proxied.token.expose_secret();
    let masked = wanted
        .masks
        .then(|| Value { name: "token".to_owned(), bytes: Zeroizing::new(token.as_bytes().to_vec()) });
    let patterns = Patterns::new(masked).map_err(|_| of_run::too_much_to_mask(VALUES_MAX, TOTAL_MAX))?;
    let url = prepared.listeners().first().cloned().unwrap_or_default();
    let variables = variables(context, &url, &proxied.token, &routes);
    let env = context.env.clone().without(|name| routes.iter().any(|route| is_of(route, name)));
    let program = Program { command: wanted.command, env: &env, variables };
    // The program has the terminal from now on.
    quiet.store(context.env.stderr_tty, Ordering::Relaxed);
    match while_serving(prepared, || program.run(&patterns))? {
        Ok(exit) => {
            exit.lost?;
            Ok(exit.status)
        }
        Err(failed) => Ok(report(&context.env, &failed)),
    }
}

/// Prepares the proxy. Returns the program's access, the proxy, and the names of the routes that it may use.
fn serve(
    context: &Context,
    wanted: &Wanted<'_>,
    quiet: &Arc<AtomicBool>,
) -> Result<(Proxied, Prepared, Vec<String>)> {
    let asked = wanted.secrets.read(context)?;
    let (upstreams, authorities) = wanted.upstreams.read()?;
    let vault = context.vault()?;
    let mut open = context.open(&vault)?;
    let proxied = access_for(&mut open, &asked)?;
    let (agent, session) = (open.agent.clone(), open.session);
    let mut left_out: Vec<_> = proxied.left_out.iter().map(|error| of_run::left_out(error.what())).collect();
    let mut routes = Vec::new();
    for provider in &proxied.providers {
        match route_for(provider, &upstreams) {
            Some(route) if routes.contains(&route) => {}
            Some(route) => routes.push(route),
            None if asked.all => left_out.push(of_run::left_out(messages::no_route(provider).what())),
            None => return Err(messages::no_route(provider)),
        }
    }
    for text in &left_out {
        context.warn(text);
    }
    let options = Options {
        agent,
        ambient: context.ambient(),
        listen: vec![([127, 0, 0, 1], 0).into()],
        socket: None,
        uids: Vec::new(),
        upstreams,
        authorities,
        hosts: Vec::new(),
        ttl: None,
        warn: voice(&context.env, quiet),
        say: Arc::new(|_| {}),
        own: vec![proxied.access.clone()],
        setups: context.setups(),
    };
    let prepared = prepare(&vault, session, options)?;
    Ok((proxied, prepared, routes))
}

/// Returns what warns a person, unless it is to be quiet.
fn voice(env: &Env, quiet: &Arc<AtomicBool>) -> Voice {
    let (env, quiet) = (env.clone(), Arc::clone(quiet));
    Arc::new(move |text| {
        if !quiet.load(Ordering::Relaxed) {
            warn(&env, text);
        }
    })
}

/// Returns the variables that the program gets, and says which routes have none of their own.
fn variables(
    context: &Context,
    url: &str,
    token: &SecretString,
    routes: &[String],
) -> Vec<(String, SecretString)> {
    let mut variables = vec![(URL.to_owned(), url.into()), (TOKEN.to_owned(), token.clone())];
    for route in routes {
        match SdkVariables::of(route) {
            Some(own) => {
                variables.push((own.base_url.to_owned(), own.base_url_at(url).into()));
                variables.push((own.token.to_owned(), token.clone()));
            }
            None => context.say(&messages::no_variables(route, &format!("{route}{}", path_of(route)))),
        }
    }
    // A proxy for the network would get the requests to this one.
    if PROXIES.iter().any(|name| context.env.var(name).is_some()) {
        let before = NO_PROXY.iter().find_map(|name| context.env.var(name));
        let before = before.map(|value| format!("{},", value.to_string_lossy())).unwrap_or_default();
        let all = SecretString::from(format!("{before}127.0.0.1"));
        variables.extend(NO_PROXY.map(|name| (name.to_owned(), all.clone())));
    }
    variables
}

/// Serves while the program runs.
fn while_serving(prepared: Prepared, program: impl FnOnce() -> Ended) -> Result<Ended> {
    let stop = Stop::default();
    let told = stop.clone();
    let serving = thread::Builder::new().name("serve".to_owned()).spawn(move || prepared.serve_until(told));
    let serving = serving.map_err(|_| messages::no_thread())?;
    let ended = program();
    stop.now();
    // The program's end is what counts.
    let _ = serving.join();
    Ok(ended)
}

/// Reports why a program was not started, and returns the exit status.
pub(super) fn report(env: &Env, failed: &NotStarted) -> u8 {
    let _ = context::report(&failed.error, env, false);
    failed.status
}
