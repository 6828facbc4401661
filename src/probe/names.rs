//! What names resolve to that a proxy resolves, too.
//!
//! Behind a proxy, a cluster's own DNS often knows no public names, and answers late or never. A probe sends some ten
//! requests to one name, and must not wait that often.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::time::{Instant, timeout};

/// Recent lookups by name.
#[derive(Clone, Debug)]
pub(super) struct NameCache {
    recent: Arc<Mutex<HashMap<String, Lookup>>>,
    /// How long to look up a name.
    patience: Duration,
    /// For so long the result serves, also if it is none.
    kept: Duration,
}

#[derive(Debug)]
struct Lookup {
    since: Instant,
    addresses: Arc<OnceCell<Vec<IpAddr>>>,
}

impl Default for NameCache {
    fn default() -> Self {
        Self { recent: Arc::default(), patience: Duration::from_secs(2), kept: Duration::from_secs(30) }
    }
}

impl NameCache {
    /// The addresses of a name; none if nobody tells them in time. Requests at the same time share one lookup.
    pub async fn addresses<E>(&self, name: &str, lookup: impl Future<Output = Result<Vec<IpAddr>, E>>) -> Vec<IpAddr> {
        let told = async { timeout(self.patience, lookup).await.ok().and_then(Result::ok).unwrap_or_default() };
        self.recent(name).get_or_init(|| told).await.clone()
    }

    fn recent(&self, name: &str) -> Arc<OnceCell<Vec<IpAddr>>> {
        let now = Instant::now();
        let mut all = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, lookup| now.duration_since(lookup.since) < self.kept);
        let lookup = || Lookup { since: now, addresses: Arc::default() };
        all.entry(name.to_owned()).or_insert_with(lookup).addresses.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::net::Ipv4Addr;

    use super::*;

    const KNOWN: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    /// What it resolves to, of how many lookups.
    async fn ask(names: &NameCache, name: &str, lookups: &Cell<u32>) -> (Vec<IpAddr>, u32) {
        let lookup = async {
            lookups.set(lookups.get() + 1);
            tokio::task::yield_now().await;
            Ok::<_, ()>(vec![KNOWN])
        };
        (names.addresses(name, lookup).await, lookups.get())
    }

    #[tokio::test]
    async fn requests_share_a_lookup() {
        let (names, lookups) = (NameCache::default(), Cell::new(0));
        let both = tokio::join!(ask(&names, "glance", &lookups), ask(&names, "glance", &lookups));
        assert_eq!(both, ((vec![KNOWN], 1), (vec![KNOWN], 1)));
        assert_eq!(ask(&names, "glance", &lookups).await, (vec![KNOWN], 1));
        assert_eq!(ask(&names, "horizon", &lookups).await, (vec![KNOWN], 2));
    }

    #[tokio::test]
    async fn what_is_old_is_looked_up_again_and_forgotten() {
        let (names, lookups) = (NameCache { kept: Duration::ZERO, ..NameCache::default() }, Cell::new(0));
        for (name, count) in [("glance", 1), ("glance", 2), ("horizon", 3)] {
            assert_eq!(ask(&names, name, &lookups).await, (vec![KNOWN], count));
        }
        assert_eq!(names.recent.lock().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn silence_and_failures_serve_as_well() {
        let (names, lookups) = (NameCache { patience: Duration::ZERO, ..NameCache::default() }, Cell::new(0));
        assert!(names.addresses::<()>("silent", std::future::pending()).await.is_empty());
        assert!(names.addresses("unknown", async { Err(()) }).await.is_empty());
        for name in ["silent", "unknown"] {
            assert_eq!(ask(&names, name, &lookups).await, (vec![], 0), "{name}");
        }
    }
}
