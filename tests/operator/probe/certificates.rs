//! Chains that rustls accepts, and whether browsers do.

use std::path::Path;

use direct_upload_operator::probe::certificates::{CaFault, Fault, fault};
use rstest::rstest;
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, UnixTime};

use super::server::{ALWAYS, LEAF, PAST, issue, root};

const CA: &str = "basicConstraints=critical,CA:TRUE";

fn certificates(folder: &Path, names: &[&str]) -> Vec<CertificateDer<'static>> {
    let read = |name: &&str| CertificateDer::from_pem_file(folder.join(format!("{name}.pem"))).unwrap();
    names.iter().map(read).collect()
}

/// The fault of a chain, with roots that are given, or known.
fn judge(folder: &Path, sent: &[&str], given: &[&str], known: &[&str]) -> Option<Fault> {
    let given = certificates(folder, given);
    let mut roots = RootCertStore::empty();
    for root in given.iter().cloned().chain(certificates(folder, known)) {
        roots.add(root).unwrap();
    }
    let algorithms = ring::default_provider().signature_verification_algorithms;
    fault(&certificates(folder, sent), &roots, &given, algorithms, UnixTime::now())
}

fn ca(fault: CaFault) -> Fault {
    Fault::Given { name: "CN=ca".into(), fault }
}

const FUTURE: [&str; 2] = ["20900101000000Z", "20950101000000Z"];

#[rstest]
#[case::good(ALWAYS, CA, None)]
#[case::with_all_usages(
    ALWAYS,
    "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=keyCertSign,cRLSign\nextendedKeyUsage=clientAuth,serverAuth",
    None
)]
#[case::expired(PAST, CA, Some(ca(CaFault::Expired)))]
#[case::not_yet_valid(FUTURE, CA, Some(ca(CaFault::NotYetValid)))]
#[case::without_constraints(ALWAYS, "subjectKeyIdentifier=hash", Some(ca(CaFault::NotMarked)))]
#[case::no_ca(ALWAYS, "basicConstraints=CA:FALSE", Some(ca(CaFault::NotMarked)))]
#[case::may_not_issue(
    ALWAYS,
    "basicConstraints=CA:TRUE\nkeyUsage=digitalSignature,cRLSign",
    Some(ca(CaFault::KeyUsage))
)]
#[case::for_clients(ALWAYS, "basicConstraints=CA:TRUE\nextendedKeyUsage=clientAuth", Some(ca(CaFault::Purpose)))]
fn a_given_ca(#[case] valid: [&str; 2], #[case] extensions: &str, #[case] expected: Option<Fault>) {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    root(folder, "ca", "ca", valid, extensions);
    issue(folder, "ca", "leaf", "ec", LEAF);
    assert_eq!(judge(folder, &["leaf"], &["ca"], &[]), expected);
    assert_eq!(judge(folder, &["leaf", "ca"], &["ca"], &[]), expected, "the root is sent as well");
    assert_eq!(judge(folder, &["leaf"], &[], &["ca"]), None, "only what is given is judged");
}

#[rstest]
#[case::good(CA, CA, None)]
#[case::may_issue(CA, "basicConstraints=CA:TRUE\nkeyUsage=keyCertSign", None)]
#[case::long_enough("basicConstraints=CA:TRUE,pathlen:1", CA, None)]
#[case::too_long("basicConstraints=CA:TRUE,pathlen:0", CA, Some(ca(CaFault::PathLength { allowed: 0, sent: 1 })))]
#[case::may_not_issue(
    CA,
    "basicConstraints=CA:TRUE\nkeyUsage=digitalSignature",
    Some(Fault::IntermediateKeyUsage { name: "CN=between".into() })
)]
fn an_intermediate(#[case] above: &str, #[case] extensions: &str, #[case] expected: Option<Fault>) {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    root(folder, "ca", "ca", ALWAYS, above);
    issue(folder, "ca", "between", "ec", extensions);
    issue(folder, "between", "leaf", "ec", LEAF);
    assert_eq!(judge(folder, &["leaf", "between"], &["ca"], &[]), expected);
}

#[rstest]
#[case::none("", None)]
#[case::signs("keyUsage=digitalSignature", None)]
#[case::both("keyUsage=critical,digitalSignature,keyEncipherment", None)]
#[case::only_enciphers("keyUsage=critical,keyEncipherment", Some(Fault::ServerKeyUsage))]
#[case::only_agrees("keyUsage=keyAgreement", Some(Fault::ServerKeyUsage))]
#[case::only_issues("keyUsage=keyCertSign", Some(Fault::ServerKeyUsage))]
fn a_servers_key(#[case] usage: &str, #[case] expected: Option<Fault>, #[values("ec", "rsa")] key: &str) {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    root(folder, "ca", "ca", ALWAYS, CA);
    issue(folder, "ca", "leaf", key, &format!("{LEAF}\n{usage}"));
    assert_eq!(judge(folder, &["leaf"], &["ca"], &[]), expected);
    assert_eq!(judge(folder, &["leaf"], &[], &["ca"]), expected, "whoever issued it");
}

/// One good path is enough, and only what can be the issuer is judged.
#[test]
fn several_given() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    root(folder, "old", "ca", PAST, CA);
    // The same name and key, the same name with another key, and another name.
    std::fs::copy(folder.join("old.key"), folder.join("renewed.key")).unwrap();
    root(folder, "renewed", "ca", ALWAYS, CA);
    root(folder, "other-key", "ca", ALWAYS, CA);
    root(folder, "other", "other", PAST, CA);
    issue(folder, "renewed", "leaf", "ec", LEAF);
    assert_eq!(judge(folder, &["leaf"], &["old", "renewed"], &[]), None);
    assert_eq!(judge(folder, &["leaf"], &["other", "renewed"], &[]), None);
    assert_eq!(judge(folder, &["leaf"], &["other-key", "old"], &[]), Some(ca(CaFault::Expired)));
    issue(folder, "other-key", "leaf", "ec", LEAF);
    assert_eq!(judge(folder, &["leaf"], &["old", "other-key"], &[]), None);
}
