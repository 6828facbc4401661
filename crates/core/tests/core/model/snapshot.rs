//! What is known of a namespace.

use direct_upload_core::model::{Ingress, Key, Kind, Snapshot, Unknown};

/// Back from one watch of the whole cluster to narrow ones: until those have listed, a namespace
/// that was known once is not known to be empty.
#[test]
fn a_wide_watch_that_ends_leaves_nothing_known() {
    let mut store = Snapshot::unseen().ingresses;
    store.set_known("a", Ok(()));
    store.set_known("", Ok(()));
    assert_eq!(store.known("b"), Ok(()));
    store.set_known("", Err(Unknown { why: "not watched".into(), pending: true }));
    assert!(store.known("a").is_err_and(|unknown| unknown.pending));
    store.set_known("a", Ok(()));
    assert_eq!(store.known("a"), Ok(()));
    assert!(store.known("b").is_err());
}

/// An object that is there and cannot be read is neither absent nor as it was: what depends on it is
/// unknown, and names it. Others of the namespace can be looked up.
#[test]
fn an_unreadable_object_makes_answers_unknown() {
    let (odd, other) = (Key::new("a", "odd"), Key::new("a", "other"));
    let mut snapshot = Snapshot::unseen();
    snapshot.set_known(Kind::Ingress, &[String::new()], &Ok(()));
    snapshot.ingresses.insert(odd.clone(), Ingress::default());
    snapshot.ingresses.insert(other.clone(), Ingress::default());
    assert!(snapshot.take_unreadable(Kind::Ingress, odd.clone(), "spec.rules: invalid type".to_owned()));

    let why = "Ingress a/odd cannot be read: spec.rules: invalid type; correct or delete it";
    let unknown = Unknown { why: why.to_owned(), pending: false };
    assert_eq!(snapshot.ingresses.get(&odd).unwrap_err(), unknown);
    assert_eq!(snapshot.ingresses.list("a").map(|_| ()).unwrap_err(), unknown);
    assert_eq!(snapshot.ingresses.known("a").unwrap_err(), unknown);
    assert_eq!(snapshot.ingresses.complete().unwrap_err(), unknown);
    assert!(snapshot.ingresses.get(&other).unwrap().is_some());
    assert_eq!(snapshot.ingresses.list("b").unwrap().count(), 0);
    assert_eq!(snapshot.unreadable().collect::<Vec<_>>(), [(Kind::Ingress, 1)]);

    let mut corrected = snapshot.clone();
    assert!(corrected.ingresses.insert(odd.clone(), Ingress::default()), "that is a change, although it is as before");
    assert_eq!(corrected.ingresses.list("a").unwrap().count(), 2);

    assert!(snapshot.remove(Kind::Ingress, &odd));
    assert_eq!(snapshot.ingresses.list("a").unwrap().count(), 1);
}

/// All is known only when each scope that is watched is.
#[test]
fn a_kind_is_complete_when_all_its_scopes_are() {
    let refused = || Err(Unknown { why: "refused".into(), pending: false });
    let mut store = Snapshot::unseen().horizons;
    assert!(store.complete().is_err_and(|unknown| unknown.pending));
    store.set_known("", refused());
    assert!(store.complete().is_err());
    store.set_known("a", Ok(()));
    assert_eq!(store.complete(), Ok(()), "an operator for one namespace sees no other");
    store.set_known("b", refused());
    assert!(store.complete().is_err());
    store.set_known("", Ok(()));
    assert_eq!(store.complete(), Ok(()));
}
