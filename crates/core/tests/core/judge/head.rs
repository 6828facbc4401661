//! The head of an HTTP/1 response, in whatever pieces it comes.

use direct_upload_core::judge::head::{continues, read};
use direct_upload_core::judge::{Response, Unreadable};
use proptest::prelude::*;

const ANSWER: &[u8] = b"HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nA: c,\r\n d\r\n\r\nbody";

#[test]
fn a_head_is_complete_with_its_empty_line() {
    let whole = ANSWER.len() - b"body".len();
    for length in 0..whole {
        assert_eq!(read(&ANSWER[..length]), Ok(None), "{length}");
    }
    let answer = Response { status: 200, headers: vec![("A".into(), "c, d".into())] };
    assert_eq!(read(&ANSWER[..whole]), Ok(Some(answer.clone())));
    assert_eq!(read(ANSWER), Ok(Some(answer)));
}

#[test]
fn a_continue_is_seen_once_it_is_whole() {
    let whole = b"HTTP/1.1 100 Continue\r\nA: b\r\n\r\n";
    for length in 0..whole.len() {
        assert!(!continues(&whole[..length]), "{length}");
    }
    assert!(continues(whole));
    assert!(continues(&[whole.as_slice(), b"HTTP/1.1 401 No\r\n"].concat()));
    assert!(!continues(ANSWER), "103");
    assert!(!continues(b"HTTP/1.1 200 OK\r\n\r\n"));
}

#[test]
fn what_is_no_answer_is_seen_early() {
    assert_eq!(read(b"SSH"), Err(Unreadable::NotHttp));
    assert_eq!(read(b"HTTQ"), Err(Unreadable::NotHttp));
    assert_eq!(read(&[b"HTTP/1.1 200 ", "x".repeat(64 * 1024).as_bytes()].concat()), Err(Unreadable::TooLong));
}

proptest! {
    /// Whatever comes, in whatever pieces: no panic, and more bytes never change what is read.
    #[test]
    fn any_bytes_are_read(rest in "(HTTP/1.1 [0-9]{1,4}|\r\n|\n|[A-Za-z]: ?|[ -~]|\0|\r){0,30}", cut in 0usize..60) {
        let bytes = format!("HTTP/1.1 200 OK\r\n{rest}").into_bytes();
        let early = read(&bytes[..cut.min(bytes.len())]);
        if early != Ok(None) {
            prop_assert_eq!(early, read(&bytes));
        }
    }
}
