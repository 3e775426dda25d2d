//! The first event of a stream of events, which may be an error in an answer that says 200.

use serde_json::Value;

/// How much is read before an event counts as content, in bytes. An error is shorter.
pub(crate) const FIRST_MAX: usize = 16 * 1024;

/// What the beginning of a stream is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum First {
    /// It may still be either.
    Undecided,
    /// Anything that is not an error, also a comment.
    Content,
    /// An event that is an error: its data.
    Error(Vec<u8>),
}

/// Returns what the beginning of a stream is (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).
///
/// It says `Content` as early as it can: an event of another name than `error` is content before its data has come.
pub(crate) fn first(stream: &[u8]) -> First {
    if stream.len() > FIRST_MAX {
        return First::Content;
    }
    let mut rest = stream.strip_prefix(b"\xef\xbb\xbf").unwrap_or(stream);
    let mut is_named = false;
    let mut data: Vec<u8> = Vec::new();
    while let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
        let (line, after) = rest.split_at(end);
        rest = after.strip_prefix(b"\r\n").unwrap_or(after.get(1..).unwrap_or_default());
        if line.is_empty() {
            if !is_named && data.is_empty() {
                continue;
            }
            return if is_named || is_error(&data) { First::Error(data) } else { First::Content };
        }
        let (field, value) = match line.iter().position(|byte| *byte == b':') {
            Some(0) => return First::Content,
            Some(at) => (&line[..at], &line[at + 1..]),
            None => (line, &b""[..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"event" if value == b"error" => is_named = true,
            b"event" => return First::Content,
            b"data" if data.is_empty() && !is_named && !value.starts_with(b"{") => return First::Content,
            b"data" => {
                if !data.is_empty() {
                    data.push(b'\n');
                }
                data.extend_from_slice(value);
            }
            _ => {}
        }
    }
    First::Undecided
}

/// Returns whether the data of an event without a name is an error's, as OpenAI's and Google's are.
fn is_error(data: &[u8]) -> bool {
    let Ok(Value::Object(event)) = serde_json::from_slice(data) else { return false };
    event.get("error").is_some_and(|error| !error.is_null())
        || event.get("type").and_then(Value::as_str) == Some("error")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_known_when_its_event_ends() {
        let events: [&[u8]; 4] = [
            b"event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\"}}\n\n",
            b"\xef\xbb\xbfevent:error\r\ndata: {\"error\":{}}\r\n\r\n",
            b"data: {\"error\":{\"code\":429}}\n\n",
            b"id: 1\nretry: 5\ndata: {\"type\":\"error\"}\n\n",
        ];
        for event in events {
            for end in 0..event.len() - 1 {
                assert_eq!(first(&event[..end]), First::Undecided, "{end}");
            }
            assert!(matches!(first(event), First::Error(data) if data.starts_with(b"{")));
        }
    }

    #[test]
    fn anything_else_is_content_at_once() {
        let long = vec![b'a'; FIRST_MAX + 1];
        let streams: [&[u8]; 7] = [
            b"event: message_start\n",
            b": comment\n",
            b"data: [DONE]\n",
            b"data: {\"error\":null,\"id\":\"1\"}\n\n",
            b"data: {\"choices\":[{\"delta\":{\"content\":\"{\\\"type\\\":\\\"error\\\"}\"}}]}\n\n",
            b"event: error_report\n",
            &long,
        ];
        for stream in streams {
            assert_eq!(first(stream), First::Content);
        }
    }
}
