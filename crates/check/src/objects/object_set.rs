//! Objects with what is looked up in them for each other object: found once, because inputs have thousands of them.

use std::collections::BTreeMap;
use std::ops::Deref;

use direct_upload_core::model::Id;

use crate::objects::Object;

/// Kind, namespace and name.
type Named = (String, String, String);

/// The objects of an input.
#[derive(Debug, Default)]
pub struct ObjectSet {
    all: Vec<Object>,
    /// The first object of each name.
    named: BTreeMap<Named, usize>,
    kinds: BTreeMap<String, Vec<usize>>,
    namespaces: BTreeMap<String, Vec<usize>>,
    /// ConfigMaps of programs: by their own name, and by the label `app.kubernetes.io/name`.
    config_maps: BTreeMap<String, Vec<usize>>,
}

impl Deref for ObjectSet {
    type Target = [Object];

    fn deref(&self) -> &[Object] {
        &self.all
    }
}

impl ObjectSet {
    pub fn new(all: Vec<Object>) -> Self {
        let mut set = Self::default();
        for (at, object) in all.iter().enumerate() {
            let [kind, namespace, name] = [object.kind(), object.namespace(), object.name()].map(str::to_owned);
            if kind == "ConfigMap" {
                let label = object.value["metadata"]["labels"]["app.kubernetes.io/name"].as_str();
                for known in [Some(name.as_str()), label].into_iter().flatten() {
                    set.config_maps.entry(known.to_owned()).or_default().push(at);
                }
            }
            set.kinds.entry(kind.clone()).or_default().push(at);
            set.namespaces.entry(namespace.clone()).or_default().push(at);
            set.named.entry((kind, namespace, name)).or_insert(at);
        }
        Self { all, ..set }
    }

    /// The place of an object among all.
    pub fn position(&self, kind: &str, namespace: &str, name: &str) -> Option<usize> {
        self.named.get(&(kind.to_owned(), namespace.to_owned(), name.to_owned())).copied()
    }

    pub fn named(&self, kind: &str, namespace: &str, name: &str) -> Option<&Object> {
        self.all.get(self.position(kind, namespace, name)?)
    }

    pub fn of_id(&self, id: &Id) -> Option<&Object> {
        self.named(&id.kind, &id.key.namespace, &id.key.name)
    }

    pub fn of_kind(&self, kind: &str) -> impl Iterator<Item = &Object> + use<'_> {
        self.at(self.kinds.get(kind))
    }

    pub fn in_namespace(&self, namespace: &str) -> impl Iterator<Item = &Object> + Clone + use<'_> {
        self.at(self.namespaces.get(namespace))
    }

    /// The first ConfigMap of one of these names or of this label.
    pub fn config_map(&self, names: &[&str], label: &str) -> Option<&Object> {
        let known = names.iter().copied().chain([label]).filter_map(|known| self.config_maps.get(known));
        let is_it = |at: &&usize| {
            let object = &self.all[**at];
            names.contains(&object.name())
                || object.value["metadata"]["labels"]["app.kubernetes.io/name"].as_str() == Some(label)
        };
        known.flatten().filter(is_it).min().map(|at| &self.all[*at])
    }

    fn at<'s>(&'s self, places: Option<&'s Vec<usize>>) -> impl Iterator<Item = &'s Object> + Clone + use<'s> {
        places.into_iter().flatten().filter_map(|at| self.all.get(*at))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::{Text, check, manifests};

    thread_local! {
        static LOOKUPS: Cell<usize> = const { Cell::new(0) };
    }

    /// Notes that a name of an object is looked at.
    pub(crate) fn count() {
        LOOKUPS.with(|own| own.set(own.get() + 1));
    }

    /// A Glance and a dashboard with their routes.
    const CLOUD: &str = include_str!("../../tests/fixtures/cloud.yaml");

    fn lookups(namespaces: usize) -> usize {
        let all = (0..namespaces).map(|at| CLOUD.replace("NAMESPACE", &format!("n{at}")));
        let text = Text { name: "clouds.yaml".to_owned(), text: all.collect(), named: false };
        let (input, errors) = manifests::sort(vec![text], Some("2025.1".parse().unwrap()), jiff::Timestamp::UNIX_EPOCH);
        assert!(errors.is_empty(), "{errors:?}");
        let before = LOOKUPS.with(Cell::get);
        assert_eq!(check(input).verdict(), crate::Verdict::Fine);
        LOOKUPS.with(Cell::get) - before
    }

    /// The work for many namespaces is the work for one, as often as there are some.
    #[test]
    fn work_grows_with_the_namespaces() {
        let (few, many) = (lookups(20), lookups(60));
        assert!(many < few * 7 / 2, "{few} lookups for 20 namespaces, {many} for 60");
    }

    #[test]
    fn the_first_object_of_a_name_counts() {
        let object = |value: serde_json::Value| Object { value, file: None, node: None };
        let map = |name: &str, namespace: &str, data: &str, label: &str| {
            object(serde_json::json!({
                "kind": "ConfigMap",
                "metadata": {"name": name, "namespace": namespace, "labels": {"app.kubernetes.io/name": label}},
                "data": {"a": data},
            }))
        };
        let set = ObjectSet::new(vec![
            map("a", "x", "1", "l"),
            map("a", "x", "2", "l"),
            map("b", "y", "3", "m"),
            object(serde_json::json!({"kind": "Service", "metadata": {"name": "a", "namespace": "x"}})),
        ]);
        let data = |own: Option<&Object>| own.and_then(|own| own.value["data"]["a"].as_str().map(str::to_owned));
        assert_eq!(data(set.named("ConfigMap", "x", "a")), Some("1".to_owned()));
        assert_eq!(data(set.named("ConfigMap", "y", "a")), None);
        assert_eq!(data(set.config_map(&["b"], "l")), Some("1".to_owned()));
        assert_eq!(data(set.config_map(&["b"], "x")), Some("3".to_owned()));
        assert_eq!(set.in_namespace("x").count(), 3);
        assert_eq!(set.of_kind("Service").count(), 1);
    }
}
