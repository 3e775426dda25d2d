//! The ways to the upstream: straight, through nginx, through Strongroom, and through other proxies that are named.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring};

use crate::load::Way;
use crate::process::{Running, bound_to_this};
use crate::upstream::{KEY, Upstream};

/// What nono's clients send instead of the key.
const TOKEN: &str = "made-up-token-of-the-bench";

/// The paths in scripts/proxy-speed.sh.
pub struct Place {
    pub strongroom: PathBuf,
    pub nginx: PathBuf,
    /// With `--all` alone.
    pub nono: Option<PathBuf>,
    /// With `--all` alone.
    pub litellm: Option<PathBuf>,
    pub scratch: PathBuf,
}

impl Place {
    pub fn path(&self, name: &str) -> PathBuf {
        self.scratch.join(name)
    }
}

/// Returns the way without a proxy.
pub fn straight(upstream: &Upstream) -> Way {
    let mut roots = RootCertStore::empty();
    roots.add(upstream.certificate.clone()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let tls = builder.with_root_certificates(roots).with_no_client_auth();
    Way {
        name: "no proxy",
        address: loopback(upstream.port),
        tls: Some(TlsConnector::from(Arc::new(tls))),
        path: "/v1/chat/completions",
        authorization: None,
        pids: Vec::new(),
        passes_all: true,
        closes: false,
    }
}

/// Starts nginx as a plain reverse proxy that sets the key.
pub fn nginx(place: &Place, upstream: &Upstream) -> (Running, Way) {
    let home = place.path("nginx");
    fs::create_dir_all(&home).unwrap();
    let port = free_port();
    let workers = available_parallelism().map_or(1, NonZero::get);
    let named = Command::new("id").arg("-un").output().unwrap().stdout;
    let config = include_str!("nginx.conf")
        .replace("USER", String::from_utf8_lossy(&named).trim())
        .replace("WORKERS", &workers.to_string())
        .replace("HOME", home.to_str().unwrap())
        .replace("CERTIFICATE", place.path("upstream.pem").to_str().unwrap())
        .replace("UPSTREAM", &upstream.port.to_string())
        .replace("LISTEN", &port.to_string())
        .replace("KEY", KEY);
    fs::write(home.join("nginx.conf"), config).unwrap();
    let mut command = bound_to_this(&place.nginx);
    // It takes the variable NGINX for sockets that it inherits.
    command.env_clear().arg("-c").arg(home.join("nginx.conf")).arg("-p").arg(&home);
    let running = Running::start(command.stderr(log(&home)));
    answers(port);
    let pids = running.pids(workers);
    let way = Way { name: "nginx", pids, ..plain(port, "/openai/v1/chat/completions", None) };
    (running, way)
}

/// Starts Strongroom, with HTTP/1.1 and with HTTP/2 to the upstream.
pub fn strongroom(place: &Place, upstream: &Upstream) -> (Running, Way, Way) {
    let home = place.path("strongroom");
    fs::create_dir_all(&home).unwrap();
    let ours = |args: &[&str]| {
        let mut command = bound_to_this(&place.strongroom);
        command.args(args).env_clear().env("HOME", &home).stderr(log(&home));
        command
    };
    let ran = |args: &[&str], input: &str| {
        let mut child = ours(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "strongroom {args:?}: see {}", home.join("log").display());
        String::from_utf8(output.stdout).unwrap()
    };
    ran(&["init", "--store", "file", "--unlock", "key-file"], "");
    for id in ["openai:default", "openrouter:default"] {
        let (provider, _) = id.split_once(':').unwrap();
        ran(&["models", "auth", "paste-api-key", "--provider", provider, "--profile-id", id], KEY);
    }
    let bound = ["--provider", "openai", "--provider", "openrouter", "--at-once", "1000"];
    let token = ran(&[&["access", "add", "bench"][..], &bound].concat(), "");
    let token = token.trim();
    let certificate = place.path("upstream.pem");
    let (plain_port, http2_port) = (upstream.port, upstream.http2);
    let mut command = ours(&["serve", "--listen", "127.0.0.1:0", "--upstream-ca"]);
    command.arg(certificate).arg("--upstream").arg(format!("openai=https://localhost:{plain_port}"));
    command.arg("--upstream").arg(format!("openrouter=https://localhost:{http2_port}"));
    let mut running = Running::start(command.stdout(Stdio::piped()));
    let mut line = String::new();
    BufReader::new(running.child().stdout.take().unwrap()).read_line(&mut line).unwrap();
    let port = line.trim().rsplit(':').next().and_then(|port| port.parse().ok()).expect("Strongroom listens");
    let (pids, bearer) = (running.pids(0), Some(format!("Bearer {token}")));
    let way = Way { name: "Strongroom", pids, ..plain(port, "/openai/v1/chat/completions", bearer) };
    let http2 =
        Way { name: "Strongroom, HTTP/2", path: "/openrouter/api/v1/chat/completions", ..way.clone() };
    (running, way, http2)
}

/// Starts nono's proxy by itself, without its sandbox. It wants a token from each client, as Strongroom does.
pub fn nono(place: &Place, program: &Path, upstream: &Upstream) -> (Running, Way) {
    let home = place.path("nono");
    fs::create_dir_all(&home).unwrap();
    let port = free_port();
    let profile = include_str!("nono.json")
        .replace("UPSTREAM", &upstream.port.to_string())
        .replace("CERTIFICATE", place.path("upstream.pem").to_str().unwrap());
    fs::write(home.join("profile.json"), profile).unwrap();
    let mut command = bound_to_this(program);
    command.args(["--silent", "proxy", "--port", &port.to_string(), "--max-connections", "0", "--profile"]);
    command.arg(home.join("profile.json"));
    command.env_clear().env("HOME", &home).env("PATH", "/usr/bin:/bin").env("NONO_NO_UPDATE_CHECK", "1");
    command.env("NONO_PROXY_PASS", TOKEN).env("BENCH_KEY", KEY);
    let running = Running::start(command.stdout(log(&home)).stderr(log(&home)));
    answers(port);
    let (pids, bearer) = (running.pids(0), Some(format!("Bearer {TOKEN}")));
    let way = Way {
        name: "nono",
        pids,
        passes_all: false,
        closes: true,
        ..plain(port, "/openai/v1/chat/completions", bearer)
    };
    (running, way)
}

/// Starts LiteLLM, which speaks the same interface.
pub fn litellm(place: &Place, program: &Path, upstream: &Upstream) -> (Running, Way) {
    let home = place.path("litellm");
    fs::create_dir_all(&home).unwrap();
    let port = free_port();
    let config =
        include_str!("litellm.yaml").replace("UPSTREAM", &upstream.port.to_string()).replace("KEY", KEY);
    fs::write(home.join("config.yaml"), config).unwrap();
    let mut command = bound_to_this(program);
    command.arg("--config").arg(home.join("config.yaml")).args(["--host", "127.0.0.1", "--port"]);
    command.arg(port.to_string()).args(["--num_workers", "2", "--telemetry", "False"]);
    command.env_clear().env("HOME", &home).env("PATH", "/usr/bin:/bin").env("NO_DOCS", "True");
    command.env("SSL_CERT_FILE", place.path("upstream.pem")).env("LITELLM_LOCAL_MODEL_COST_MAP", "True");
    let running = Running::start(command.stdout(log(&home)).stderr(log(&home)));
    answers(port);
    let pids = running.pids(2);
    let way = Way { name: "LiteLLM", pids, passes_all: false, ..plain(port, "/v1/chat/completions", None) };
    (running, way)
}

fn plain(port: u16, path: &'static str, authorization: Option<String>) -> Way {
    Way {
        name: "",
        address: loopback(port),
        tls: None,
        path,
        authorization,
        pids: Vec::new(),
        passes_all: true,
        closes: false,
    }
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// Returns a port that is free now, for programs that cannot choose one themselves.
fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// Waits until a port answers.
fn answers(port: u16) {
    let end = Instant::now() + Duration::from_secs(120);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < end, "nothing listens on port {port}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn log(home: &Path) -> fs::File {
    fs::File::options().create(true).append(true).open(home.join("log")).unwrap()
}
