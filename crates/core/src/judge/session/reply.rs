//! An answer with its body.

use crate::judge::response::Response;

/// An answer of the dashboard, with the part of its body that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub head: Response,
    pub body: Vec<u8>,
}

impl Reply {
    /// The body as text; bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(&self.body).ok()
    }
}
