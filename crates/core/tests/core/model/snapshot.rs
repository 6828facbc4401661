//! What is known of a namespace.

use direct_upload_core::model::{Snapshot, Unknown};

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
