//! What people do.

use direct_upload_api::DirectUpload;

use super::cloud::{Cloud, direct_upload, glance_spec, key};
use super::{GLANCES, NAMES, WIDE};

impl Cloud {
    pub fn delete(&mut self, who: usize) {
        let key = key(NAMES[who]);
        let now = self.now;
        let finalizer = if who < GLANCES.len() {
            let Some(object) = self.snapshot.glances.get(&key).unwrap().cloned() else { return };
            let mut object = (*object).clone();
            object.meta.deleting.get_or_insert(now);
            let finalizer = object.finalizer;
            self.snapshot.glances.insert(key.clone(), object);
            finalizer
        } else {
            let Some(object) = self.snapshot.horizons.get(&key).unwrap().cloned() else { return };
            let mut object = (*object).clone();
            object.meta.deleting.get_or_insert(now);
            let finalizer = object.finalizer;
            self.snapshot.horizons.insert(key.clone(), object);
            finalizer
        };
        if !finalizer {
            let _ = (self.snapshot.glances.remove(&key), self.snapshot.horizons.remove(&key));
        }
    }

    /// A field of its spec gets another type.
    pub fn unreadable(&mut self, horizon: &str) {
        let Some(object) = self.snapshot.horizons.get(&key(horizon)).unwrap().cloned() else { return };
        let mut object = (*object).clone();
        object.spec = Err("spec.directUpload.enabled: invalid type: map".to_owned());
        self.snapshot.horizons.insert(key(horizon), object);
    }

    pub fn enable(&mut self, who: usize, on: bool) {
        let key = key(NAMES[who]);
        let Some(object) = self.snapshot.horizons.get(&key).unwrap().cloned() else { return };
        let mut object = (*object).clone();
        if let Ok(spec) = &mut object.spec {
            spec.direct_upload.enabled = on;
        }
        object.meta.generation += 1;
        self.snapshot.horizons.insert(key, object);
    }

    pub fn import(&mut self, glance: &str, required: bool, by_hand: bool) {
        let Some(object) = self.snapshot.glances.get(&key(glance)).unwrap().cloned() else { return };
        let mut object = (*object).clone();
        object.spec = Ok(glance_spec(required, by_hand));
        object.meta.generation += 1;
        self.snapshot.glances.insert(key(glance), object);
    }

    pub fn region(&mut self, second: bool) {
        self.second = second;
        let Some(object) = self.snapshot.horizons.get(&key(WIDE)).unwrap().cloned() else { return };
        let mut object = (*object).clone();
        if let Ok(spec) = &mut object.spec {
            let enabled = spec.direct_upload.enabled;
            spec.direct_upload = DirectUpload { enabled, ..direct_upload(WIDE, second) };
        }
        object.meta.generation += 1;
        self.snapshot.horizons.insert(key(WIDE), object);
    }
}
