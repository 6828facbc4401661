//! The head of an HTTP/1 response, in whatever pieces it comes.

use direct_upload_core::judge::head::{continues, read};
use direct_upload_core::judge::{Response, Unreadable};
use proptest::prelude::*;
use rstest::rstest;

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

/// A status line is HTTP's version, in numbers, and three digits (RFC 9112 §4); anything else is no answer.
#[rstest]
#[case::usual("HTTP/1.1 200 OK", Some(200))]
#[case::no_reason("HTTP/1.1 404", Some(404))]
#[case::no_minor_version("HTTP/2 204 No Content", Some(204))]
#[case::blanks("HTTP/1.0   500 x", Some(500))]
#[case::two_digits("HTTP/1.1 20 OK", None)]
#[case::four_digits("HTTP/1.1 2000 OK", None)]
#[case::letters("HTTP/1.1 2x0 OK", None)]
#[case::no_code("HTTP/1.1 OK", None)]
#[case::a_version_of_letters("HTTP/a.1 200 OK", None)]
#[case::half_a_version("HTTP/1. 200 OK", None)]
#[case::no_version("HTTP/ 200 OK", None)]
fn a_status_line_is_read_or_refused(#[case] line: &str, #[case] status: Option<u16>) {
    let read = read(format!("{line}\r\n\r\n").as_bytes());
    let expected = status.map(|status| Some(Response { status, headers: vec![] })).ok_or(Unreadable::NotHttp);
    assert_eq!(read, expected);
}

/// Lines that contradict each other are signs of an answer that somebody inserted into another (RFC 9112 §11). With
/// chunks, no length counts (§6.3).
#[rstest]
#[case::lengths("Content-Length: 1\r\nContent-Length: 2", Some("Content-Length"))]
#[case::the_same_length("Content-Length: 1\r\nContent-Length: 1", None)]
#[case::chunks("Transfer-Encoding: chunked\r\nContent-Length: 1\r\nContent-Length: 2", None)]
#[case::targets("Location: /a\r\nLocation: /b", Some("Location"))]
#[case::targets_with_chunks("Transfer-Encoding: chunked\r\nLocation: /a\r\nLocation: /b", Some("Location"))]
#[case::other_fields("A: 1\r\nA: 2", None)]
fn lines_that_contradict_each_other_are_no_answer(#[case] lines: &str, #[case] differing: Option<&'static str>) {
    let read = read(format!("HTTP/1.1 200 OK\r\n{lines}\r\n\r\n").as_bytes());
    assert_eq!(read.err(), differing.map(Unreadable::Differing));
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
