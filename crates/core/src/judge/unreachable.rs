//! Why no response came.

/// Why no answer came. It says nothing about a browser elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Unreachable {
    pub kind: UnreachableKind,
    pub message: String,
    /// What to check.
    pub fix: String,
}

impl Unreachable {
    pub fn new(kind: UnreachableKind, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { kind, message: message.into(), fix: fix.into() }
    }
}

/// How far the probe got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnreachableKind {
    /// The name has no address here.
    Resolve,
    /// Requests to this address are never allowed.
    Address,
    /// There is no route to the address from here.
    Route,
    /// No TCP connection: no server listens there.
    Connect,
    /// The proxy from the environment does not let it pass.
    Proxy,
    /// The server's certificate is not valid with the CAs known here.
    Certificate,
    /// No TLS for another reason.
    Tls,
    /// No HTTP answer, or one that cannot be read.
    Http,
    /// The time was over.
    Timeout,
    /// An answer came, but it proves nothing.
    Unclear,
}
