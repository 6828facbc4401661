//! Why no response came.

/// Why no answer came. It says nothing about what a browser elsewhere would get.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Unreachable {
    pub kind: UnreachableKind,
    pub message: String,
    /// What to look at.
    pub fix: String,
}

impl Unreachable {
    pub fn new(kind: UnreachableKind, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { kind, message: message.into(), fix: fix.into() }
    }
}

/// How far the probe came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnreachableKind {
    /// The name has no address here.
    Resolve,
    /// The address is one that is never asked.
    Address,
    /// No way leads to the address from here.
    Route,
    /// No TCP connection: nobody listens there.
    Connect,
    /// The proxy that the environment names does not let it through.
    Proxy,
    /// The server's certificate is not valid with the CAs that are known here.
    Certificate,
    /// No TLS for another reason.
    Tls,
    /// No HTTP answer, or one that cannot be read.
    Http,
    /// The time was up.
    Timeout,
    /// An answer came, and nothing can be concluded from it.
    Unclear,
}
