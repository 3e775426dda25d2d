//! A server of a session's vault, an upstream on loopback, and a client between tests and both.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Child;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::session::Session;

/// How long anything here may take.
const LONG: Duration = Duration::from_secs(20);

/// A request, as the upstream got it.
#[derive(Clone, Debug)]
pub struct Got {
    pub path: String,
    pub headers: HashMap<String, String>,
    pub body: String,
}

impl Got {
    /// Returns the key that it came with.
    pub fn key(&self) -> &str {
        self.headers.get("x-api-key").map_or("", String::as_str)
    }
}

/// An upstream. What it answers depends on the key, by its last word; one that no answer was set for works.
pub struct Upstream {
    pub port: u16,
    got: Arc<Mutex<Vec<Got>>>,
    answers: Arc<Mutex<HashMap<String, Answer>>>,
}

/// An answer of an upstream: the head's lines after the status, and the body.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: String,
    pub body: String,
    /// How many events of a stream come, one each 50 ms, before the body.
    pub events: u32,
    /// The type of the body, if no events come.
    pub kind: &'static str,
    /// How long it takes until it comes.
    pub after: Duration,
}

impl Answer {
    /// Returns one without a body.
    pub fn of(status: u16) -> Self {
        let (headers, body) = (String::new(), String::new());
        Self { status, headers, body, events: 0, kind: "application/json", after: Duration::ZERO }
    }

    pub fn error(status: u16, kind: &str) -> Self {
        let body = format!(r#"{{"type":"error","error":{{"type":"{kind}","message":"made up"}}}}"#);
        Self { body, ..Self::of(status) }
    }
}

impl Upstream {
    pub fn begin() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (got, answers) = (Arc::default(), Arc::default());
        let upstream = Self { port, got: Arc::clone(&got), answers: Arc::clone(&answers) };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (got, answers) = (Arc::clone(&got), Arc::clone(&answers));
                std::thread::spawn(move || serve(&stream, &got, &answers));
            }
        });
        upstream
    }

    /// Sets what is answered to a key that ends in this word.
    pub fn answer(&self, word: &str, answer: Answer) {
        self.answers.lock().unwrap().insert(word.to_owned(), answer);
    }

    /// Returns the requests since the last call.
    pub fn got(&self) -> Vec<Got> {
        std::mem::take(&mut self.got.lock().unwrap())
    }

    /// Returns the last words of the keys of those requests.
    pub fn keys(&self) -> Vec<String> {
        self.got().iter().map(|got| got.key().rsplit('-').next().unwrap_or_default().to_owned()).collect()
    }
}

fn serve(stream: &TcpStream, got: &Mutex<Vec<Got>>, answers: &Mutex<HashMap<String, Answer>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    while let Some((first, headers, body)) = message(&mut reader) {
        let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
        let request = Got { path, headers, body };
        let word = request.key().rsplit('-').next().unwrap_or_default().to_owned();
        let echo = format!(r#"{{"ok":true,"key":"{}"}}"#, request.key());
        got.lock().unwrap().push(request);
        let usual = Answer { body: echo, ..Answer::of(200) };
        let answer = answers.lock().unwrap().get(&word).cloned().unwrap_or(usual);
        std::thread::sleep(answer.after);
        if write(&mut stream, &answer).is_err() {
            return;
        }
    }
}

fn write(stream: &mut &TcpStream, answer: &Answer) -> std::io::Result<()> {
    let Answer { status, headers, body, events, kind, .. } = answer;
    if *events == 0 {
        let len = body.len();
        return write!(
            stream,
            "HTTP/1.1 {status} x\r\ncontent-type: {kind}\r\n{headers}content-length: {len}\r\n\r\n{body}"
        );
    }
    write!(
        stream,
        "HTTP/1.1 {status} x\r\ncontent-type: text/event-stream\r\n{headers}transfer-encoding: chunked\r\n\r\n"
    )?;
    for event in 0..*events {
        let text = format!("event: ping\ndata: {{\"type\":\"ping\",\"n\":{event}}}\n\n");
        write!(stream, "{:x}\r\n{text}\r\n", text.len())?;
        std::thread::sleep(Duration::from_millis(50));
    }
    write!(stream, "0\r\n\r\n")
}

/// Reads the first line, the headers and the body of a message.
fn message(reader: &mut impl BufRead) -> Option<(String, HashMap<String, String>, String)> {
    let mut first = String::new();
    reader.read_line(&mut first).ok().filter(|read| *read > 0)?;
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let mut body = Vec::new();
    if let Some(len) = headers.get("content-length").and_then(|len| len.parse().ok()) {
        body.resize(len, 0);
        reader.read_exact(&mut body).ok()?;
    } else if headers.contains_key("transfer-encoding") {
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
            let len = usize::from_str_radix(line.trim(), 16).ok()?;
            let mut chunk = vec![0; len + 2];
            reader.read_exact(&mut chunk).ok()?;
            body.extend_from_slice(&chunk[..len]);
            if len == 0 {
                break;
            }
        }
    }
    Some((first.trim_end().to_owned(), headers, String::from_utf8_lossy(&body).into_owned()))
}

/// A server that runs until it is dropped.
pub struct Server {
    pub child: Child,
    pub address: String,
    said: Arc<Mutex<String>>,
}

/// An answer, as the client got it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HashMap<String, String>,
    pub body: String,
}

impl Reply {
    /// Returns the code with which the proxy refused, if it did.
    pub fn refused(&self) -> Option<String> {
        let body: serde_json::Value = serde_json::from_str(&self.body).ok()?;
        let error = &body["error"];
        (error["type"] == "strongroom_proxy").then(|| error["code"].as_str().unwrap().to_owned())
    }
}

impl Server {
    /// Starts a server with Anthropic's requests going to an upstream; more arguments may follow.
    pub fn begin(session: &Session, upstream: &Upstream, more: &[&str]) -> Self {
        let anthropic = format!("anthropic=http://127.0.0.1:{}", upstream.port);
        let mut arguments = vec!["serve", "--listen", "127.0.0.1:0", "--upstream", &anthropic];
        arguments.extend(more);
        let mut child = session.command(arguments).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let said = Arc::new(Mutex::new(String::new()));
        let (into, mut from) = (Arc::clone(&said), child.stderr.take().unwrap());
        std::thread::spawn(move || {
            let mut part = [0; 4096];
            while let Ok(read @ 1..) = from.read(&mut part) {
                into.lock().unwrap().push_str(&String::from_utf8_lossy(&part[..read]));
            }
        });
        let first = lines.next().and_then(Result::ok);
        let first = first.unwrap_or_else(|| {
            let _ = child.wait();
            panic!("it does not serve: {}", said.lock().unwrap())
        });
        let address = first.rsplit("http://").next().unwrap().to_owned();
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address, said }
    }

    /// Returns what it said to people so far.
    pub fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// Waits until it has said something.
    #[track_caller]
    pub fn says(&self, what: &str) {
        until(what, || self.said().contains(what));
    }

    /// Asks for an answer to a message, with a token.
    pub fn ask(&self, token: &str) -> Reply {
        self.ask_with(token, "/anthropic/v1/messages", "")
    }

    /// Asks for a path, with further lines of the head.
    pub fn ask_with(&self, token: &str, path: &str, head: &str) -> Reply {
        let mut stream = self.send(token, path, head);
        reply(&mut stream)
    }

    /// Sends a request, and returns the connection.
    pub fn send(&self, token: &str, path: &str, head: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        let body = r#"{"model":"made-up-model","max_tokens":1}"#;
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nhost: {}\r\nx-api-key: {token}\r\n{head}content-length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        )
        .unwrap();
        stream
    }

    /// Sends a request, and returns the connection when its answer has begun.
    pub fn begin_stream(&self, token: &str) -> TcpStream {
        let mut stream = self.send(token, "/anthropic/v1/messages", "");
        let mut first = [0; 128];
        assert!(stream.read(&mut first).unwrap() > 0);
        stream
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Ends it, and returns its exit status.
    pub fn end(mut self) -> i32 {
        self.signal(Signal::TERM);
        self.ended()
    }

    /// Waits until it has ended, and returns its exit status.
    pub fn ended(&mut self) -> i32 {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code().unwrap_or(-1);
            }
            assert!(begun.elapsed() < LONG, "it does not end: {}", self.said());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads an answer.
pub fn reply(stream: &mut TcpStream) -> Reply {
    let mut reader = BufReader::new(stream);
    let (first, headers, body) = message(&mut reader).expect("no answer");
    let status = first.split(' ').nth(1).unwrap().parse().unwrap();
    Reply { status, headers, body }
}

/// Waits until something is so.
#[track_caller]
pub fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < LONG, "it did not happen: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

impl Session {
    /// Returns a vault with these keys of Anthropic, in this order. The key of `one` ends in `-one`.
    pub fn with_keys(names: &[&str]) -> Self {
        let session = Self::new();
        for name in names {
            session.paste(&format!("anthropic:{name}"), &key(name));
        }
        if names.len() > 1 {
            let ids: Vec<_> = names.iter().map(|name| format!("anthropic:{name}")).collect();
            let order = ["order", "set", "--provider", "anthropic"];
            session.run(order.into_iter().chain(ids.iter().map(String::as_str))).ok();
        }
        session
    }

    /// Adds an access, and returns its token.
    pub fn access(&self, name: &str, more: &[&str]) -> String {
        let arguments = ["access", "add", name].into_iter().chain(more.iter().copied());
        self.run(arguments).ok().stdout.trim_end().to_owned()
    }
}

/// Returns the made-up key of a profile.
pub fn key(name: &str) -> String {
    format!("sk-ant-api03-made-up-key-for-tests-{name}")
}
