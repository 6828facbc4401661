//! What browsers check in a certificate chain, and webpki does not: what keys may be used for, and whether a
//! given certificate authority may issue here.
//!
//! In: the chain that a server sent, and that rustls accepted; the certificates given. Out: what browsers
//! refuse it for. Both browsers judge the authorities that a user adds like all others
//! (Firefox: mozilla::pkix, pkixcheck.cpp, `CheckIssuerIndependentProperties`; Chromium: BoringSSL,
//! verify_certificate_chain.cc, `ApplyTrustAnchorConstraints`, enforced since Chrome 112).

use std::cell::RefCell;
use std::time::Duration;

use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::crypto::WebPkiSupportedAlgorithms;
use tokio_rustls::rustls::pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, VerifiedPath, anchor_from_trusted_cert};
use x509_cert::certificate::{CertificateInner, Raw, TbsCertificateInner};
use x509_cert::der::Decode;
use x509_cert::der::oid::db::rfc5280::ID_KP_SERVER_AUTH;
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage};
use x509_cert::{Version, name::Name};

/// How much of a certificate's name a message shows.
const NAME: usize = 100;

/// Which certificate browsers refuse, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The server's key may not sign, but TLS 1.3 and the key exchanges with ECDHE need its signature. Firefox
    /// also takes keyEncipherment or keyAgreement (CertVerifier.cpp, `BuildCertChainForOneKeyUsage`).
    ServerKeyUsage,
    /// An intermediate certificate may not issue others.
    IntermediateKeyUsage {
        name: String,
    },
    Given {
        name: String,
        fault: CaFault,
    },
}

/// What is wrong with a given certificate authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaFault {
    Expired,
    NotYetValid,
    /// Firefox refuses a version 3 certificate without basicConstraints, too. Chromium on Linux does not.
    NotMarked,
    KeyUsage,
    Purpose,
    PathLength {
        allowed: u8,
        sent: usize,
    },
}

/// Judges each path to a root; one good path is enough. A root that was not given is not judged.
pub fn fault(
    sent: &[CertificateDer<'_>],
    roots: &RootCertStore,
    given: &[CertificateDer<'_>],
    algorithms: WebPkiSupportedAlgorithms,
    now: UnixTime,
) -> Option<Fault> {
    let (leaf, intermediates) = sent.split_first()?;
    if read(leaf).is_some_and(|leaf| key_usage(leaf.tbs_certificate(), |usage| !usage.digital_signature())) {
        return Some(Fault::ServerKeyUsage);
    }
    let leaf = EndEntityCert::try_from(leaf).ok()?;
    let found = RefCell::new(None);
    let judge = |path: &VerifiedPath<'_>| match of_path(path, given, now) {
        None => Ok(()),
        Some(fault) => {
            found.borrow_mut().get_or_insert(fault);
            Err(webpki::Error::UnknownIssuer)
        }
    };
    let usage = webpki::KeyUsage::server_auth();
    let good = leaf.verify_for_usage(algorithms.all, &roots.roots, intermediates, now, usage, None, Some(&judge));
    if good.is_ok() { None } else { found.take() }
}

fn of_path(path: &VerifiedPath<'_>, given: &[CertificateDer<'_>], now: UnixTime) -> Option<Fault> {
    let mut intermediates = 0;
    for intermediate in path.intermediate_certificates() {
        intermediates += 1;
        let Some(certificate) = read(&intermediate.der()) else { continue };
        if key_usage(certificate.tbs_certificate(), |usage| !usage.key_cert_sign()) {
            return Some(Fault::IntermediateKeyUsage { name: shown(certificate.tbs_certificate().subject()) });
        }
    }
    // A renewed authority keeps its name and key: one good certificate of it is enough.
    let mut found = None;
    for certificate in given.iter().filter(|certificate| is_anchor(certificate, path.anchor())) {
        let certificate = read(certificate)?;
        let certificate = certificate.tbs_certificate();
        let fault = of_ca(certificate, intermediates, now)?;
        found.get_or_insert(Fault::Given { name: shown(certificate.subject()), fault });
    }
    found
}

fn of_ca(certificate: &TbsCertificateInner<Raw>, intermediates: usize, now: UnixTime) -> Option<CaFault> {
    let now = Duration::from_secs(now.as_secs());
    let validity = certificate.validity();
    if now > validity.not_after.to_unix_duration() {
        return Some(CaFault::Expired);
    }
    if now < validity.not_before.to_unix_duration() {
        return Some(CaFault::NotYetValid);
    }
    let path_length = match certificate.get_extension::<BasicConstraints>() {
        Ok(Some((_, constraints))) if !constraints.ca => return Some(CaFault::NotMarked),
        Ok(None) if certificate.version() == Version::V3 => return Some(CaFault::NotMarked),
        Ok(Some((_, constraints))) => constraints.path_len_constraint,
        Ok(None) | Err(_) => None,
    };
    if key_usage(certificate, |usage| !usage.key_cert_sign()) {
        return Some(CaFault::KeyUsage);
    }
    let purposes = certificate.get_extension::<ExtendedKeyUsage>();
    if matches!(purposes, Ok(Some((_, ExtendedKeyUsage(purposes)))) if !purposes.contains(&ID_KP_SERVER_AUTH)) {
        return Some(CaFault::Purpose);
    }
    path_length
        .filter(|&allowed| intermediates > usize::from(allowed))
        .map(|allowed| CaFault::PathLength { allowed, sent: intermediates })
}

/// A certificate that this reader cannot read is not judged. webpki has read it.
fn read(certificate: &CertificateDer<'_>) -> Option<CertificateInner<Raw>> {
    CertificateInner::from_der(certificate).ok()
}

/// Without this extension, a key may be used for anything.
fn key_usage(certificate: &TbsCertificateInner<Raw>, lacks: fn(&KeyUsage) -> bool) -> bool {
    matches!(certificate.get_extension::<KeyUsage>(), Ok(Some((_, usage))) if lacks(&usage))
}

fn is_anchor(certificate: &CertificateDer<'_>, anchor: &TrustAnchor<'_>) -> bool {
    anchor_from_trusted_cert(certificate).is_ok_and(|given| {
        given.subject == anchor.subject && given.subject_public_key_info == anchor.subject_public_key_info
    })
}

/// A server wrote the names of its intermediate certificates: no control characters.
fn shown(name: &Name) -> String {
    name.to_string().chars().filter(|c| !c.is_control()).take(NAME).collect()
}
