use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

/// Returns what passes of a text that comes in two pieces.
fn passed(text: &[u8], cut: usize) -> usize {
    let mut requests = Requests::default();
    let (first, second) = text.split_at(cut);
    let count = requests.read(first);
    if requests.is_refused { count } else { count + requests.read(second) }
}

#[test]
fn requests_pass_as_they_are_wherever_they_are_cut() {
    let requests = [
        "GET /a HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST /a HTTP/1.1\r\nContent-Length:  13\t\r\n\r\nline\nand\r\n\r\n\n",
        "\r\nPOST /a HTTP/1.1\r\nTRANSFER-ENCODING: chunked\r\n\r\n5;a=b\r\n1\n2\n3\r\n0a\r\n0123456789\r\n0\r\nx: y\r\n\r\n",
        "POST /a HTTP/1.1\r\ncontent-length: 0\r\nx-content-length: 1\r\n\r\n",
    ];
    let text = requests.concat().repeat(2).into_bytes();
    for cut in 0..=text.len() {
        assert_eq!(passed(&text, cut), text.len(), "{cut}");
    }
    let mut byte_by_byte = Requests::default();
    for byte in &text {
        assert_eq!(byte_by_byte.read(&[*byte]), 1);
    }
}

#[test]
fn what_has_two_readings_passes_up_to_the_byte_that_shows_it() {
    let zeros = format!("POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{}5\r\n", "0".repeat(64));
    let long = format!("POST /a HTTP/1.1\r\nContent-Length: {}5\r\n\r\n", " ".repeat(64));
    for text in [
        "POST /a HTTP/1.1\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n",
        "POST /a HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n",
        "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST /a HTTP/1.1\r\nContent-Length: +6\r\n\r\n",
        "POST /a HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
        &long,
        &zeros,
        "GET /a#b HTTP/1.1\r\n\r\n",
        "GET /a HTTP/1.1\n",
        "\n",
        "GET /a HTTP/1.1\r\nHost: a\n",
        "GET /a HTTP/1.1\r\nHost: a\r\n\n",
        "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nx: y\n",
        "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\n",
        "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n",
    ] {
        let whole = format!("GET / HTTP/1.1\r\n\r\n{text}rest");
        let wanted = passed(whole.as_bytes(), 0);
        for cut in 0..=whole.len() {
            let got = passed(whole.as_bytes(), cut);
            // What came before in a piece of its own has passed already.
            assert!(got == wanted || got == cut, "{text:?} {cut}: {got}");
            assert!(got <= whole.len() - 5, "{text:?} {cut}: {got}");
        }
    }
}

#[tokio::test]
async fn what_is_refused_reads_as_what_hyper_refuses_and_nothing_after_it_is_read() {
    let (mut near, far) = tokio::io::duplex(1024);
    let mut strict = Strict::new(far, Arc::default());
    near.write_all(b"GET /a HTTP/1.1\nHost: a\r\n\r\nGET /b").await.unwrap();
    let mut read = Vec::new();
    strict.read_to_end(&mut read).await.unwrap();
    assert_eq!(read, REFUSED);
}

#[tokio::test]
async fn a_tunnel_passes_all_bytes() {
    let (mut near, far) = tokio::io::duplex(1024);
    let is_tunnel = Arc::new(AtomicBool::new(false));
    let mut strict = Strict::new(far, Arc::clone(&is_tunnel));
    let mut read = [0; 18];
    near.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    strict.read_exact(&mut read).await.unwrap();
    is_tunnel.store(true, Ordering::Relaxed);
    near.write_all(b"\n\n\x82\x01\n").await.unwrap();
    strict.read_exact(&mut read[..5]).await.unwrap();
    assert_eq!(&read[..5], b"\n\n\x82\x01\n");
}
