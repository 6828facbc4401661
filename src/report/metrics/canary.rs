//! What canaries show: how their uploads end, and the stuck images that they count.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use direct_upload_core::model::{CanaryOutcome, CanaryQuery, Key, StuckImages, StuckReading};
use jiff::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CanaryLabels {
    namespace: String,
    name: String,
    region: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CanaryResultLabels {
    namespace: String,
    name: String,
    region: String,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StuckLabels {
    namespace: String,
    name: String,
    region: String,
    status: &'static str,
}

/// The results of a canary's uploads.
#[derive(Clone, Copy, Debug)]
struct UploadState {
    /// When the newest one that passed ended, in seconds since 1970.
    success: Option<i64>,
    /// How long the newest took.
    took: Duration,
    result: &'static str,
    /// Since when this is the result.
    since: i64,
}

/// The metrics of all canaries.
#[derive(Debug)]
pub(super) struct CanaryMetrics {
    uploads: Mutex<BTreeMap<CanaryQuery, UploadState>>,
    success: Family<CanaryLabels, Gauge>,
    seconds: Family<CanaryLabels, Gauge<f64, AtomicU64>>,
    result: Family<CanaryResultLabels, Gauge>,
    images: Mutex<BTreeMap<CanaryQuery, StuckImages>>,
    stuck_images: Family<StuckLabels, Gauge>,
}

impl CanaryMetrics {
    pub fn registered(registry: &mut Registry) -> Self {
        let success = Family::default();
        let seconds = Family::<CanaryLabels, Gauge<f64, AtomicU64>>::default();
        let result = Family::default();
        registry.register(
            "canary_success_timestamp_seconds",
            "When the last successful upload of a Horizon's canary ended",
            success.clone(),
        );
        registry.register("canary_seconds", "How long the last upload of a canary took", seconds.clone());
        registry.register(
            "canary_result_timestamp_seconds",
            "How the last upload of a Horizon's canary ended, and since when the results are the same",
            result.clone(),
        );
        let stuck_images = Family::default();
        registry.register(
            "stuck_images",
            "Images that stay queued or saving, in the projects that a canary's credential lists",
            stuck_images.clone(),
        );
        Self { uploads: Mutex::default(), success, seconds, result, images: Mutex::default(), stuck_images }
    }

    /// An upload of a canary ended; `None` when no canary is requested any more.
    pub fn ended(&self, query: &CanaryQuery, ended: Option<(&CanaryOutcome, Duration)>) {
        let mut all = self.uploads.lock().unwrap_or_else(PoisonError::into_inner);
        let before = all.remove(query);
        let Some((outcome, took)) = ended else {
            self.images.lock().unwrap_or_else(PoisonError::into_inner).remove(query);
            return;
        };
        let now = Timestamp::now().as_second();
        let passed = matches!(outcome, CanaryOutcome::Passed(_)).then_some(now);
        let result = outcome.word();
        let since = before.filter(|state| state.result == result).map_or(now, |state| state.since);
        let success = passed.or(before.and_then(|state| state.success));
        all.insert(query.clone(), UploadState { success, took, result, since });
    }

    /// A canary counted stuck images. A count that is unknown is not reported.
    pub fn counted(&self, query: &CanaryQuery, counted: Option<&StuckReading>) {
        let mut all = self.images.lock().unwrap_or_else(PoisonError::into_inner);
        match counted {
            Some(Ok(stuck)) => {
                all.insert(query.clone(), *stuck);
            }
            Some(Err(_)) => {
                all.remove(query);
            }
            None => {}
        }
    }

    /// Sets the metrics to what is known now.
    pub fn tell(&self) {
        self.tell_uploads();
        self.tell_stuck();
    }

    fn tell_uploads(&self) {
        self.success.clear();
        self.seconds.clear();
        self.result.clear();
        for (query, state) in self.uploads.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let Key { namespace, name } = query.horizon.clone();
            let region = query.region.clone().unwrap_or_default();
            let labels = CanaryLabels { namespace, name, region };
            if let Some(success) = state.success {
                self.success.get_or_create(&labels).set(success);
            }
            self.seconds.get_or_create(&labels).set(state.took.as_secs_f64());
            let CanaryLabels { namespace, name, region } = labels;
            let labels = CanaryResultLabels { namespace, name, region, result: state.result };
            self.result.get_or_create(&labels).set(state.since);
        }
    }

    fn tell_stuck(&self) {
        self.stuck_images.clear();
        for (query, stuck) in self.images.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            for (status, count) in [("queued", stuck.queued), ("saving", stuck.saving)] {
                let Key { namespace, name } = query.horizon.clone();
                let region = query.region.clone().unwrap_or_default();
                let labels = StuckLabels { namespace, name, region, status };
                self.stuck_images.get_or_create(&labels).set(i64::from(count));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use direct_upload_api::Panel;
    use direct_upload_api::web::{Endpoint, Origin};

    use super::*;
    use crate::report::Metrics;

    fn query(region: Option<&str>) -> CanaryQuery {
        CanaryQuery {
            horizon: Key::new("openstack", "horizon"),
            uid: "uid".into(),
            region: region.map(str::to_owned),
            secret: Key::new("openstack", "canary"),
            origin: Origin::parse("https://horizon.example.com").unwrap(),
            panel: Panel::Angular,
            size: 1,
            pace: Duration::ZERO,
            interval: Duration::ZERO,
            stuck_secret: None,
            stuck_after: Duration::ZERO,
            hosts: BTreeMap::new(),
        }
    }

    /// The lines of canaries, without what changes with the clock.
    fn canaries(metrics: &Metrics) -> Vec<String> {
        let text = metrics.text();
        let lines = text.lines().filter(|line| line.starts_with("direct_upload_canary_"));
        lines.map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect()
    }

    #[test]
    fn what_is_told_of_stuck_images() {
        let metrics = Metrics::default();
        let told = |metrics: &Metrics| {
            let text = metrics.text();
            let mut lines: Vec<_> = text
                .lines()
                .filter(|line| line.starts_with("direct_upload_stuck_images{"))
                .map(str::to_owned)
                .collect();
            lines.sort();
            lines
        };
        assert!(told(&metrics).is_empty());
        let counted = StuckImages { queued: 3, saving: 1, ..StuckImages::default() };
        metrics.stuck(&query(None), Some(&Ok(counted)));
        let line = |status: &str, count: u32| {
            format!(
                r#"direct_upload_stuck_images{{namespace="openstack",name="horizon",region="",status="{status}"}} {count}"#
            )
        };
        assert_eq!(told(&metrics), [line("queued", 3), line("saving", 1)]);
        metrics.stuck(&query(None), None);
        assert_eq!(told(&metrics).len(), 2, "an upload that was not made takes nothing away");
        metrics.stuck(&query(None), Some(&Err("no".into())));
        assert!(told(&metrics).is_empty(), "what cannot be counted is not told");
        metrics.stuck(&query(None), Some(&Ok(counted)));
        metrics.canary(&query(None), None);
        assert!(told(&metrics).is_empty(), "nobody asks any more");
    }

    #[test]
    fn what_is_told_of_canaries() {
        let metrics = Metrics::default();
        assert!(canaries(&metrics).is_empty());
        let passed = CanaryOutcome::Passed(Endpoint::parse("https://glance.example.com").unwrap());
        let took = Duration::from_secs(3);
        metrics.canary(&query(None), Some((&CanaryOutcome::Unknown("away".into()), took)));
        let labels = r#"{namespace="openstack",name="horizon",region=""}"#;
        let result = |word: &str| {
            format!(
                r#"direct_upload_canary_result_timestamp_seconds{{namespace="openstack",name="horizon",region="",result="{word}"}}"#
            )
        };
        let seconds = format!("direct_upload_canary_seconds{labels}");
        assert_eq!(canaries(&metrics), [seconds.clone(), result("unknown")]);
        metrics.canary(&query(None), Some((&passed, took)));
        let success = format!("direct_upload_canary_success_timestamp_seconds{labels}");
        assert_eq!(canaries(&metrics), [success.clone(), seconds.clone(), result("passed")]);
        // A failure does not remove the last success.
        metrics.canary(&query(None), Some((&CanaryOutcome::Unknown("away".into()), took)));
        assert_eq!(canaries(&metrics), [success, seconds, result("unknown")]);
        assert!(
            metrics
                .text()
                .contains("direct_upload_canary_seconds{namespace=\"openstack\",name=\"horizon\",region=\"\"} 3.0")
        );
        metrics.canary(&query(Some("One")), Some((&passed, took)));
        assert_eq!(canaries(&metrics).iter().filter(|line| line.contains(r#"region="One""#)).count(), 3);
        for region in [None, Some("One")] {
            metrics.canary(&query(region), None);
        }
        assert!(canaries(&metrics).is_empty(), "{:?}", canaries(&metrics));
    }
}
