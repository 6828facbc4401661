//! Why a setting cannot be written into a file.
//!
//! In: a value that a file format cannot express. Out: an error that names the setting and the value, and
//! says what to write instead.

use std::fmt;

use thiserror::Error;

/// What a file format cannot express.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FormatLimit {
    /// Newlines end a directive. NUL and similar characters have unpredictable effects.
    #[error("contains a control character; remove it")]
    Control,
    /// The file is read in whatever locale the service runs in.
    #[error(
        "contains a character outside ASCII, which is read differently under another locale; write it in ASCII (host names in punycode)"
    )]
    NonAscii,
    /// A comma separates list items and cannot be escaped.
    #[error("contains a comma, which separates list items; write the parts as separate items")]
    Comma,
    /// The reader drops spaces around an item.
    #[error("starts or ends with a space, which is dropped on reading; remove it")]
    OuterBlank,
    /// The reader drops an empty item, or gives it another meaning.
    #[error("is empty; remove it or write a value")]
    Empty,
    /// A colon ends a key and cannot be escaped.
    #[error("contains a colon, which ends a name; choose another name")]
    Colon,
    /// The reader drops a pair of quotes.
    #[error("starts with a quote, which is dropped on reading; remove it")]
    Quote,
    /// `%` starts a substitution in Swift's file, which knows neither quotes nor `$$`.
    #[error("contains one of % $ ' \", which Swift's configuration cannot have here; remove it")]
    Special,
    /// oslo.policy would only log it, and deny.
    #[error(
        "is not an oslo.policy expression; write checks such as role:admin, rule:NAME, @ (everybody) or ! (nobody), with and, or, not and parentheses between them"
    )]
    Policy,
    /// httpd replaces `${NAME}` before anything else and knows no escape.
    #[error("contains \"${{\", which httpd expands; remove it")]
    Expansion,
    /// Not a name of a section, option, directive or container.
    #[error("is not a name; use letters, digits, '_', '-', '.' and ':'")]
    Name,
    /// Not a header or method name.
    #[error("is not an HTTP token (RFC 9110 §5.6.2); write e.g. X-My-Header")]
    Token,
    /// Not usable in `ALLOWED_HOSTS`.
    #[error("is not a bare host name; write e.g. horizon.example.com, without scheme, port, path or '*'")]
    Host,
    /// Not absolute, or with `.` or `..` in it.
    #[error("is not an absolute, normalised path; write e.g. /etc/glance/glance-api.conf.d")]
    Path,
    /// Not a path that can lead to Glance.
    #[error(
        "cannot lead to Glance; write e.g. /image: letters, digits, '-', '.', '_' and '~', no slash at the end, and none of the dashboard's own paths (/api, /auth, /dashboard, /static and so on)"
    )]
    ProxyPath,
    /// Not `http://host:port`.
    #[error("is not http://host:port; write e.g. http://glance-api.openstack.svc:9292")]
    Backend,
    /// Not `host:port`.
    #[error("is not host:port; write e.g. 127.0.0.1:9293")]
    Address,
    /// A number that the program does not accept.
    #[error("is out of range; write a number from 1 to 2147483647 seconds, or from 0 to 9223372036854775807 bytes")]
    Range,
}

/// A value that a writer refuses.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{} {refusal}", Shown(value))]
pub struct Unwritable {
    /// The value as it was given.
    pub value: String,
    /// Why.
    pub refusal: FormatLimit,
}

impl Unwritable {
    /// A refusal of this value.
    pub fn new(value: &str, refusal: FormatLimit) -> Self {
        Self { value: value.to_owned(), refusal }
    }

    /// The same, with the setting that the value came from.
    pub fn in_setting(self, setting: &'static str) -> RenderError {
        RenderError { setting, cause: self }
    }
}

/// A setting whose value cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{setting}: {cause}")]
pub struct RenderError {
    /// The field of the custom resource, e.g. `spec.cors.allowHeaders`.
    pub setting: &'static str,
    /// The value and what is wrong with it.
    pub cause: Unwritable,
}

/// Shows a value in escaped form, shortened if it is long, because it may be hostile.
struct Shown<'a>(&'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST: usize = 120;
        let cut: String = self.0.chars().take(MOST).collect();
        write!(f, "{cut:?}")?;
        if cut.len() < self.0.len() { f.write_str("…") } else { Ok(()) }
    }
}
