//! Runs work that may panic or never end, without effect on other work.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use thiserror::Error;

/// Why work has no result.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Failure {
    /// A defect of the operator.
    #[error("panicked: {0}")]
    Panicked(String),
    /// It was stopped.
    #[error("did not end within {0:?}")]
    TooLong(Duration),
}

impl Failure {
    /// The label in metrics.
    pub fn cause(&self) -> &'static str {
        match self {
            Self::Panicked(_) => "panic",
            Self::TooLong(_) => "timeout",
        }
    }
}

/// Runs the work, for at most this time.
///
/// # Errors
/// [`Failure`].
pub(crate) async fn contain<T>(limit: Duration, work: impl Future<Output = T>) -> Result<T, Failure> {
    // Shared state is behind locks. A panic leaves it intact, because each write is one call.
    match tokio::time::timeout(limit, AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(panic)) => Err(Failure::Panicked(text(&*panic))),
        Err(_) => Err(Failure::TooLong(limit)),
    }
}

/// What a panic says.
fn text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a message".to_owned())
}
