use std::convert::Infallible;

use http_body_util::{BodyExt, Full};
use tokio::sync::mpsc;

use super::*;

/// A body whose pieces come when the test sends them.
struct Pieces(mpsc::UnboundedReceiver<Bytes>);

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}

fn memory(each: usize, total: usize) -> Arc<Memory> {
    Arc::new(Memory::new(&Limits { replay_each: each, replay_total: total, ..Limits::default() }))
}

fn full(text: &'static str, memory: &Arc<Memory>) -> Replay<Full<Bytes>> {
    Replay::new(Full::new(Bytes::from(text)), memory, Duration::from_secs(5), true)
}

async fn text<B: Source>(attempt: Attempt<B>) -> Result<Bytes, UploadError> {
    attempt.collect().await.map(http_body_util::Collected::to_bytes)
}

#[tokio::test]
async fn a_body_is_sent_again_and_its_memory_given_back() {
    let memory = memory(100, 1000);
    let replay = full(r#"{"max_tokens":1,"model":"m-1"}"#, &memory);
    let first = replay.attempt();
    assert_eq!(first.size_hint().exact(), Some(30));
    assert!(!replay.is_sent());
    assert_eq!(text(first).await.unwrap().len(), 30);
    assert!(replay.is_sent() && replay.is_kept());
    assert_eq!((replay.model().as_deref(), memory.used()), (Some("m-1"), 30 + PIECE));
    let second = replay.attempt();
    assert!(!replay.is_sent());
    assert_eq!(text(second).await.unwrap().len(), 30);
    drop(replay);
    assert_eq!(memory.used(), 0);
}

#[tokio::test]
async fn a_second_attempt_goes_on_with_what_the_first_had_not_read() {
    let (sender, receiver) = mpsc::unbounded_channel();
    let memory = memory(100, 1000);
    let replay = Replay::new(Pieces(receiver), &memory, Duration::from_secs(5), true);
    let mut first = replay.attempt();
    sender.send(Bytes::from("one ")).unwrap();
    assert_eq!(first.frame().await.unwrap().unwrap().into_data().unwrap(), "one ");
    let waits = tokio::spawn(async move { first.frame().await.unwrap().unwrap_err() });
    tokio::task::yield_now().await;
    let second = replay.attempt();
    assert_eq!(waits.await.unwrap(), UploadError::Abandoned);
    sender.send(Bytes::from("two")).unwrap();
    drop(sender);
    assert_eq!(text(second).await.unwrap(), "one two");
}

#[tokio::test]
async fn what_is_too_large_passes_without_being_kept() {
    for (each, total) in [(9, 1000), (100, 2 * PIECE + 9), (100, 9)] {
        let (sender, receiver) = mpsc::unbounded_channel();
        let memory = memory(each, total);
        let replay = Replay::new(Pieces(receiver), &memory, Duration::from_secs(5), true);
        for _ in 0..3 {
            sender.send(Bytes::from("four")).unwrap();
        }
        drop(sender);
        assert_eq!(text(replay.attempt()).await.unwrap(), "fourfourfour");
        assert!(!replay.is_kept());
        assert_eq!(memory.used(), 0);
    }
    assert!(!full("0123456789", &memory(9, 100)).is_kept());
}

#[tokio::test]
async fn a_released_body_is_dropped_as_it_is_sent() {
    let (sender, receiver) = mpsc::unbounded_channel();
    let memory = memory(100, 1000);
    let replay = Replay::new(Pieces(receiver), &memory, Duration::from_secs(5), true);
    sender.send(Bytes::from("one ")).unwrap();
    sender.send(Bytes::from("two ")).unwrap();
    let mut first = replay.attempt();
    first.frame().await.unwrap().unwrap();
    first.frame().await.unwrap().unwrap();
    assert_eq!(memory.used(), 8 + 2 * PIECE);
    let second = replay.attempt();
    replay.release();
    assert_eq!(memory.used(), 8 + 2 * PIECE);
    sender.send(Bytes::from("three")).unwrap();
    drop(sender);
    assert_eq!(text(second).await.unwrap(), "one two three");
    assert_eq!(memory.used(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_sends_nothing_is_given_up() {
    let (_sender, receiver) = mpsc::unbounded_channel();
    let replay = Replay::new(Pieces(receiver), &memory(9, 9), Duration::from_secs(5), true);
    assert_eq!(text(replay.attempt()).await.unwrap_err(), UploadError::Idle);
    assert_eq!(replay.failed(), Some(UploadError::Idle));
}

/// A chunk of one byte is a piece of its own.
#[tokio::test]
async fn the_model_is_found_in_a_body_of_very_many_pieces() {
    let (sender, receiver) = mpsc::unbounded_channel();
    let body = format!("{{\"text\":\"{}\",\"model\":\"m-1\"}}", "x".repeat(200_000));
    for byte in body.clone().into_bytes() {
        sender.send(Bytes::from(vec![byte])).unwrap();
    }
    drop(sender);
    let replay = Replay::new(Pieces(receiver), &memory(1 << 20, 1 << 26), Duration::from_secs(5), true);
    assert_eq!(text(replay.attempt()).await.unwrap(), body);
    assert_eq!(replay.model().as_deref(), Some("m-1"));
}
