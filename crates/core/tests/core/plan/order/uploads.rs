//! Who uploads where, and what each Glance accepts.

use std::collections::BTreeSet;
use std::sync::Arc;

use direct_upload_api::web::Origin;
use direct_upload_core::derive::World;
use direct_upload_core::model::{ConfigMap, Pod, ProbeAnswer, ProbeTarget};
use direct_upload_core::workload::{Mount, annotations};
use test_support::manifests::origins_in;

use super::cloud::{Cloud, key};
use super::{BY_HAND, GLANCES, HORIZONS, WIDE};

/// Whether a config map of ours says to refuse every upload.
pub fn upload_refused(text: &str) -> bool {
    text.contains(r#""upload_image": "!""#)
}

impl Cloud {
    /// Whether a Glance that is there is to refuse uploads, and which origins it accepts in any case.
    pub fn asked(&self, glance: &str) -> (bool, BTreeSet<Origin>) {
        let object = self.snapshot.glances.get(&key(glance)).unwrap();
        let Some(spec) = object.as_ref().and_then(|o| o.spec.as_ref().ok()) else { return (false, BTreeSet::new()) };
        let by_hand = spec.cors.allowed_origins.iter().map(|_| Origin::parse(BY_HAND).unwrap()).collect();
        (spec.image_import.is_some(), by_hand)
    }

    /// Whether a dashboard is to upload directly.
    pub fn wants(&self, horizon: &str) -> bool {
        let object = self.snapshot.horizons.get(&key(horizon)).unwrap();
        let living = object.as_ref().filter(|object| object.meta.deleting.is_none());
        living.and_then(|object| object.spec.as_ref().ok()).is_some_and(|spec| spec.direct_upload.enabled)
    }

    /// The Glances that a dashboard's users upload to.
    pub fn served(&self, horizon: &str) -> &'static [&'static str] {
        if horizon == WIDE && self.second { &GLANCES } else { &GLANCES[..1] }
    }

    /// What a config map of ours says, as the program that reads it would take it.
    pub fn text(&self, config_map: Option<&String>) -> String {
        let found = config_map.and_then(|name| self.snapshot.config_maps.get(&key(name)).unwrap());
        found.map(|c| c.data.values().cloned().collect::<String>()).unwrap_or_default()
    }

    /// Origins that every pod of a Glance accepts.
    pub fn accepted(&self, glance: &str) -> BTreeSet<Origin> {
        let of = |pod: &Pod| origins_in(&self.text(pod.config_map.as_ref()));
        let all: Vec<_> = self.pods(glance).iter().map(of).collect();
        let mut accepted = all[0].clone();
        accepted.retain(|origin| all.iter().all(|pod| pod.contains(origin)));
        accepted
    }

    /// Those, and its own.
    pub fn takes(&self, glance: &str) -> BTreeSet<Origin> {
        &self.accepted(glance) | &self.origins(glance)
    }

    /// Since when a dashboard does not upload directly because preflights were refused, as its ConfigMaps say.
    pub fn fallen(&self, horizon: &str) -> Option<String> {
        let of = |config_map: &&Arc<ConfigMap>| config_map.meta.key.name.starts_with(&format!("{horizon}-"));
        let mut noted = self.snapshot.config_maps.seen("cloud").filter(of);
        noted.find_map(|config_map| config_map.meta.ours.get(annotations::BACKED_OUT)).cloned()
    }

    /// Whether a pod of a Glance refuses every upload.
    pub fn refuses(&self, glance: &str) -> bool {
        self.pods(glance).iter().any(|pod| upload_refused(&self.text(pod.config_map.as_ref())))
    }

    pub fn is_bare(&self, glance: &str) -> bool {
        Mount::observed(&self.workload(glance)).is_none() || self.pods(glance).iter().any(|p| p.config_map.is_none())
    }

    pub fn origins(&self, horizon: &str) -> BTreeSet<Origin> {
        let ingress = self.snapshot.ingresses.get(&key(horizon)).unwrap().unwrap();
        let hosts = ingress.rules.iter().filter_map(|r| r.host.as_deref());
        hosts.map(|host| Origin::from_parts(true, host, None).unwrap()).collect()
    }

    pub fn direct_pods(&self, horizon: &str) -> usize {
        self.pods(horizon).iter().filter(|p| self.text(p.config_map.as_ref()).contains("'direct'")).count()
    }

    /// Whether its workload or a pod sets `direct`.
    pub fn is_direct(&self, horizon: &str) -> bool {
        let mounted = Mount::observed(&self.workload(horizon)).map(|m| m.config_map);
        self.text(mounted.as_ref()).contains("'direct'") || self.direct_pods(horizon) > 0
    }

    /// What a Glance's template mounts of ours, without the list of origins: with that, each of them gets its answer.
    pub fn besides_origins(&self, glance: &str) -> String {
        let mounted = Mount::observed(&self.workload(glance)).map(|m| m.config_map);
        let text = self.text(mounted.as_ref());
        text.lines().filter(|line| !line.starts_with("allowed_origin")).collect()
    }

    /// Whether preflights pass for each of its origins, against each Glance as it is configured now. Which other
    /// origins it accepts does not matter.
    pub fn is_proven(&self, horizon: &str) -> bool {
        let view = &World::of(&self.snapshot).horizons[&key(horizon)];
        let granted = |name: &&str, q: &ProbeTarget| {
            let standing = self.snapshot.answers.get(q, &None);
            let same = self.answered.get(q) == Some(&self.besides_origins(name));
            standing.is_some_and(|s| same && matches!(s.observation.verdict(), ProbeAnswer::Granted(_)))
        };
        let proven = |name: &&str| {
            let host = format!("{name}0.example.com");
            let at = |q: &&Arc<ProbeTarget>| q.endpoint.origin().host() == host;
            let questions: Vec<_> = view.proof.destinations.iter().flat_map(|d| &d.questions).filter(at).collect();
            !questions.is_empty() && questions.iter().all(|q| granted(name, q))
        };
        self.served(horizon).iter().all(proven)
    }

    /// Dashboards with a direct pod that uploads to a Glance.
    pub fn direct_at<'a>(&'a self, glance: &'a str) -> impl Iterator<Item = &'static str> + 'a {
        HORIZONS.into_iter().filter(move |h| self.served(h).contains(&glance) && self.direct_pods(h) > 0)
    }

    /// Origins from which such a one is loaded now; but for the Glance's own, which need no leave.
    pub fn in_need(&self, glance: &str) -> BTreeSet<Origin> {
        let origins: BTreeSet<_> = self.direct_at(glance).flat_map(|h| self.origins(h)).collect();
        &origins - &self.origins(glance)
    }
}
