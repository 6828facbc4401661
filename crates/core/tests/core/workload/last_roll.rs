//! What the annotation of the last roll says.

use direct_upload_core::workload::LastRoll;

#[test]
fn what_is_written_is_read() {
    let at = "2026-06-01T00:00:00Z".parse().unwrap();
    for instead_of in [None, Some("glance-direct-upload-0123456789".to_owned())] {
        let rolled = LastRoll { at, generation: 3, pod: "00ff".into(), instead_of };
        assert_eq!(LastRoll::parse(&rolled.text()), Some(rolled));
    }
}

#[test]
fn what_an_older_release_wrote_is_read() {
    let rolled = LastRoll::parse("2026-06-01T00:00:00Z generation=7").unwrap();
    assert_eq!((rolled.generation, rolled.pod.as_str(), rolled.instead_of), (7, "", None));
    assert_eq!(LastRoll::parse("yesterday"), None);
}
