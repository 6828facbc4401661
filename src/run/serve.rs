//! `/healthz`, `/readyz` and `/metrics`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::http::{StatusCode, header};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::report::Metrics;
use crate::run::RunError;
use crate::run::health::Health;

/// Whether every store that is needed has been read.
#[derive(Debug, Default)]
pub struct Ready(AtomicBool);

impl Ready {
    /// Sets it.
    pub fn set(&self, ready: bool) {
        self.0.store(ready, Ordering::Relaxed);
    }
}

/// Serves in the background.
///
/// # Errors
/// [`RunError::Listen`].
pub async fn start(
    address: SocketAddr,
    metrics: Arc<Metrics>,
    ready: Arc<Ready>,
    health: Arc<Health>,
) -> Result<JoinHandle<()>, RunError> {
    let listener = TcpListener::bind(address).await.map_err(|e| RunError::Listen(address, e))?;
    let healthz = move || async move {
        match health.check() {
            Ok(()) => (StatusCode::OK, "alive\n".to_owned()),
            Err(failing) => (StatusCode::SERVICE_UNAVAILABLE, failing),
        }
    };
    let readyz = move || async move {
        if ready.0.load(Ordering::Relaxed) {
            (StatusCode::OK, "ready\n")
        } else {
            (StatusCode::SERVICE_UNAVAILABLE, "still reading the cluster\n")
        }
    };
    let text = move || async move {
        let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        ([(header::CONTENT_TYPE, content_type)], metrics.text())
    };
    let routes =
        Router::new().route("/healthz", get(healthz)).route("/readyz", get(readyz)).route("/metrics", get(text));
    if let Ok(address) = listener.local_addr() {
        tracing::info!(%address, "serving /healthz, /readyz and /metrics");
    }
    Ok(tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, routes).await {
            tracing::error!(%error, "health and metrics are no longer served");
        }
    }))
}
