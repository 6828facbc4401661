//! One replica acts at a time.

use direct_upload_api::OPERATOR;
use kube::Client;
use kube_lease_manager::{LeaseManager, LeaseManagerBuilder, Result as LeaseResult};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::run::{Lease, RunError, Settings};

/// Whether this replica acts.
pub struct Leader {
    state: Option<watch::Receiver<bool>>,
    task: Option<JoinHandle<LeaseResult<LeaseManager>>>,
    /// Without election: not yet told that it leads.
    alone: bool,
}

/// Starts to compete for the lease, or leads at once where there is none.
///
/// # Errors
/// [`RunError::Leadership`] if the lease cannot be used.
pub async fn follow(client: &Client, settings: &Settings) -> Result<Leader, RunError> {
    let alone = Leader { state: None, task: None, alone: true };
    let (namespace, required) = match &settings.lease {
        Lease::None => return Ok(alone),
        Lease::Required(namespace) => (namespace, true),
        Lease::IfAllowed(namespace) => (namespace, false),
    };
    let manager = LeaseManagerBuilder::new(client.clone(), format!("{OPERATOR}-{}", settings.instance))
        .with_namespace(namespace)
        .with_identity(&settings.identity)
        .with_duration(15)
        .with_grace(5)
        .build()
        .await;
    match manager {
        Ok(manager) => {
            let (state, task) = manager.watch().await;
            Ok(Leader { state: Some(state), task: Some(task), alone: false })
        }
        Err(error) if required => {
            Err(RunError::Leadership(format!("the Lease in namespace {namespace} cannot be used: {error}")))
        }
        Err(error) => {
            tracing::warn!(%error, namespace, "no Lease can be used here, so this process acts without leader election; set --lease-namespace where a second one may run");
            Ok(alone)
        }
    }
}

impl Leader {
    /// Waits for the next change: true when this replica begins to act.
    pub async fn changed(&mut self) -> Result<bool, String> {
        if std::mem::take(&mut self.alone) {
            return Ok(true);
        }
        match &mut self.state {
            None => std::future::pending().await,
            Some(state) => match state.changed().await {
                Ok(()) => Ok(*state.borrow_and_update()),
                Err(_) => Err("the lease is no longer renewed".into()),
            },
        }
    }

    /// Gives the lease back, so that the next replica need not wait for it to run out.
    pub async fn release(mut self) {
        drop(self.state.take());
        if let Some(task) = self.task.take() {
            let released = tokio::time::timeout(std::time::Duration::from_secs(5), task).await;
            if !matches!(released, Ok(Ok(Ok(_)))) {
                tracing::warn!("the lease was not given back; the next replica waits until it runs out");
            }
        }
    }
}
