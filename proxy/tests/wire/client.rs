//! A client that writes the bytes it is given, and reads an answer.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Long enough for a busy machine. A test that waits as long has failed.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub struct Client {
    pub stream: TcpStream,
    buffer: Vec<u8>,
}

#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
    /// Whether the body ended as its framing says.
    pub complete: bool,
}

impl Reply {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }

    /// Returns the code of the proxy's own error.
    pub fn code(&self) -> String {
        let error: serde_json::Value = serde_json::from_slice(&self.body).unwrap_or_default();
        error["error"]["code"].as_str().unwrap_or_default().to_owned()
    }
}

pub fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(':'));
    lines.find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

impl Client {
    pub async fn connect(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: Vec::new() }
    }

    /// Writes bytes. The proxy may have closed the connection already.
    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref()).await;
    }

    /// Reads more, and returns whether there was any.
    async fn more(&mut self) -> bool {
        let mut piece = vec![0; 65536];
        match tokio::time::timeout(PATIENCE, self.stream.read(&mut piece)).await.expect("no answer") {
            Ok(0) => false,
            Err(error) => {
                println!("the connection broke: {error}");
                false
            }
            Ok(count) => {
                self.buffer.extend_from_slice(&piece[..count]);
                true
            }
        }
    }

    /// Reads until a text has come, and returns what came up to its end.
    pub async fn until(&mut self, text: &str) -> String {
        loop {
            if let Some(at) = find(&self.buffer, text.as_bytes()) {
                let rest = self.buffer.split_off(at + text.len());
                return String::from_utf8_lossy(&std::mem::replace(&mut self.buffer, rest)).into_owned();
            }
            assert!(self.more().await, "ended before {text:?}: {}", String::from_utf8_lossy(&self.buffer));
        }
    }

    /// Reads to the end of the connection.
    pub async fn rest(&mut self) -> Vec<u8> {
        while self.more().await {}
        std::mem::take(&mut self.buffer)
    }

    pub async fn head(&mut self) -> (u16, String) {
        let head = self.until("\r\n\r\n").await;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
        (status, head)
    }

    pub async fn reply(&mut self) -> Reply {
        let (status, head) = self.head().await;
        let (body, complete) = if header(&head, "transfer-encoding") == Some("chunked") {
            self.chunks().await
        } else {
            let length = header(&head, "content-length").map_or(0, |length| length.parse().unwrap());
            let mut open = true;
            while self.buffer.len() < length && open {
                open = self.more().await;
            }
            let rest = self.buffer.split_off(length.min(self.buffer.len()));
            let body = std::mem::replace(&mut self.buffer, rest);
            let complete = body.len() == length;
            (body, complete)
        };
        Reply { status, head, body, complete }
    }

    async fn chunks(&mut self) -> (Vec<u8>, bool) {
        let mut body = Vec::new();
        loop {
            let Some(line) = self.line().await else { return (body, false) };
            let size = usize::from_str_radix(line.trim(), 16).unwrap();
            if size == 0 {
                while self.line().await.is_some_and(|line| line != "\r\n") {}
                return (body, true);
            }
            while self.buffer.len() < size + 2 {
                if !self.more().await {
                    body.append(&mut self.buffer);
                    return (body, false);
                }
            }
            body.extend(self.buffer.drain(..size));
            self.buffer.drain(..2);
        }
    }

    async fn line(&mut self) -> Option<String> {
        while find(&self.buffer, b"\r\n").is_none() {
            if !self.more().await {
                return None;
            }
        }
        Some(self.until("\r\n").await)
    }
}

pub fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}
