//! Status and headers of an HTTP response.

use super::failure::Failure;
use crate::model::Advice;

/// Status and headers of an HTTP answer. The body does not matter and is never kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    /// As received, line by line.
    pub headers: Vec<(String, String)>,
}

/// The browser's decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreflightVerdict {
    /// `None`: the browser sends the upload.
    pub failure: Option<Failure>,
    pub advice: Vec<Advice>,
}

impl PreflightVerdict {
    /// Whether the browser sends the upload.
    pub fn granted(&self) -> bool {
        self.failure.is_none()
    }
}
