//! A WebSocket: bytes in both directions, until the upstream sends the secret.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::Instant;

use crate::answer::PAUSE;
use crate::key::Key;

/// How much is read at a time, in bytes.
const PIECE: usize = 16 * 1024;

/// Copies bytes between a client and an upstream until one of them ends, or neither sends a byte in time.
///
/// Frames have lengths, so that the secret cannot be masked in them: the tunnel ends before a byte of its rest.
/// What the client masks it cannot be quoted by, and extensions that compress were not asked for.
///
/// # Errors
/// If a side breaks off, nothing comes in time, or the upstream sends the secret.
pub(crate) async fn run(
    client: impl AsyncRead + AsyncWrite + Unpin,
    upstream: impl AsyncRead + AsyncWrite + Unpin,
    key: &Arc<Key>,
    idle: Duration,
) -> io::Result<()> {
    let (mut from_client, mut to_client) = tokio::io::split(client);
    let (mut from_upstream, mut to_upstream) = tokio::io::split(upstream);
    let clock = Clock { begun: Instant::now(), last: AtomicU64::new(0) };
    let up = async {
        let mut piece = vec![0; PIECE];
        loop {
            let count = from_client.read(&mut piece).await?;
            if count == 0 {
                return to_upstream.shutdown().await;
            }
            clock.touch();
            to_upstream.write_all(piece.get(..count).unwrap_or_default()).await?;
        }
    };
    let down = down(&mut from_upstream, &mut to_client, key, &clock);
    tokio::select! {
        ended = async { tokio::try_join!(up, down) } => ended.map(drop),
        () = clock.idle(idle) => Err(io::ErrorKind::TimedOut.into()),
    }
}

/// Copies what the upstream sends. What may be the beginning of the secret waits, as in an answer.
async fn down(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    key: &Key,
    clock: &Clock,
) -> io::Result<()> {
    let mut masker = key.masker();
    let mut piece = vec![0; PIECE];
    let mut shown = Vec::new();
    // What came and was not passed on yet.
    let mut waiting: Vec<u8> = Vec::new();
    let mut is_released = true;
    loop {
        let count = tokio::select! {
            count = from.read(&mut piece) => Some(count?),
            () = tokio::time::sleep(PAUSE), if !is_released => None,
        };
        match count {
            Some(0) => masker.finish(&mut shown),
            Some(count) => {
                clock.touch();
                let piece = piece.get(..count).unwrap_or_default();
                waiting.extend_from_slice(piece);
                masker.push(piece, &mut shown);
            }
            None => masker.release(&mut shown),
        }
        if !waiting.starts_with(&shown) {
            return Err(io::Error::other("the upstream sends the secret"));
        }
        waiting.drain(..shown.len());
        is_released = waiting.is_empty() || count.is_none();
        to.write_all(&shown).await?;
        to.flush().await?;
        shown.clear();
        if count == Some(0) {
            return to.shutdown().await;
        }
    }
}

/// The time of the last byte, in either direction.
struct Clock {
    begun: Instant,
    /// In milliseconds since then.
    last: AtomicU64,
}

impl Clock {
    fn touch(&self) {
        let now = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(now, Ordering::Relaxed);
    }

    async fn idle(&self, limit: Duration) {
        loop {
            let until = self.begun + Duration::from_millis(self.last.load(Ordering::Relaxed)) + limit;
            if Instant::now() >= until {
                return;
            }
            tokio::time::sleep_until(until).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Duration = Duration::from_secs(60);

    fn key() -> Arc<Key> {
        Arc::new(Key::new("p", "made-up-key-of-a-length-to-be-seen".into()).unwrap())
    }

    #[tokio::test]
    async fn bytes_pass_in_both_directions_as_they_are() {
        let (near, mut client) = tokio::io::duplex(64);
        let (far, mut upstream) = tokio::io::duplex(64);
        let tunnel = tokio::spawn(async move { run(near, far, &key(), IDLE).await });
        client.write_all(b"\x81\x85ma-de").await.unwrap();
        let mut read = [0; 7];
        upstream.read_exact(&mut read).await.unwrap();
        assert_eq!(&read, b"\x81\x85ma-de");
        upstream.write_all(b"\x81\x02ma").await.unwrap();
        let mut read = [0; 4];
        client.read_exact(&mut read).await.unwrap();
        assert_eq!(&read, b"\x81\x02ma");
        drop(upstream);
        drop(client);
        tunnel.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_tunnel_ends_before_the_secret() {
        let (near, mut client) = tokio::io::duplex(1024);
        let (far, mut upstream) = tokio::io::duplex(1024);
        let tunnel = tokio::spawn(async move { run(near, far, &key(), IDLE).await });
        upstream.write_all(b"frame made-up-key-of-a-le").await.unwrap();
        upstream.write_all(b"ngth-to-be-seen end").await.unwrap();
        assert!(tunnel.await.unwrap().is_err());
        let mut got = Vec::new();
        client.read_to_end(&mut got).await.unwrap();
        assert!(got.len() <= b"frame ".len() + 16, "{got:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_tunnel_without_a_byte_ends() {
        let (near, _client) = tokio::io::duplex(64);
        let (far, _upstream) = tokio::io::duplex(64);
        let error = run(near, far, &key(), IDLE).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
