//! The switch that stops all writes.
//!
//! In: a flag, and a ConfigMap for an operator that already runs. Out: why nothing is written, if so. The
//! ConfigMap is read every few seconds, because a watch would need rights on all ConfigMaps of the
//! namespace.

use std::time::Duration;

use direct_upload_api::OPERATOR;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, Client};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::run::{RunError, Settings};

/// How often the ConfigMap is read.
const LOOK: Duration = Duration::from_secs(5);

/// Key of the ConfigMap with the reason, for the statuses.
const REASON: &str = "reason";

/// Why nothing is written, from now on.
///
/// # Errors
/// [`RunError::Client`] if the API server does not say whether the ConfigMap exists.
pub(crate) async fn follow(client: &Client, settings: &Settings) -> Result<watch::Receiver<Option<String>>, RunError> {
    let name = format!("{OPERATOR}-{}-freeze", settings.instance);
    let switch =
        Switch { api: Api::namespaced(client.clone(), &settings.namespace), name, place: settings.namespace.clone() };
    let first = if settings.freeze {
        Some("the operator was started with --freeze".to_owned())
    } else {
        match switch.read().await {
            Ok(first) => first,
            Err(kube::Error::Api(status)) if status.code == 403 => {
                tracing::warn!(
                    config_map = switch.name,
                    namespace = switch.place,
                    "this ServiceAccount may not read it, so only --freeze stops writes"
                );
                return Ok(watch::channel(None).1);
            }
            Err(error) => return Err(error.into()),
        }
    };
    let (told, frozen) = watch::channel(first);
    if !settings.freeze {
        tokio::spawn(switch.run(told));
    }
    Ok(frozen)
}

struct Switch {
    api: Api<ConfigMap>,
    name: String,
    place: String,
}

impl Switch {
    async fn read(&self) -> kube::Result<Option<String>> {
        let Some(found) = self.api.get_opt(&self.name).await? else { return Ok(None) };
        let reason = found.data.unwrap_or_default().remove(REASON).filter(|reason| !reason.trim().is_empty());
        let reason = reason.map(|reason| format!(" ({})", reason.trim())).unwrap_or_default();
        Ok(Some(format!("ConfigMap {}/{} exists{reason}; delete it to continue", self.place, self.name)))
    }

    /// Runs until nobody listens. While the ConfigMap cannot be read, its last contents count.
    async fn run(self, told: watch::Sender<Option<String>>) {
        while !told.is_closed() {
            sleep(LOOK).await;
            match self.read().await {
                Ok(now) => {
                    told.send_if_modified(|before| std::mem::replace(before, now.clone()) != now);
                }
                Err(error) => tracing::debug!(%error, config_map = self.name, "not read"),
            }
        }
    }
}
