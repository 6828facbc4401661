//! HTTP's words.

/// An HTTP token (RFC 9110 §5.6.2), as the name of a header or method must be.
pub fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}
