//! Why there is no TLS connection, in words, and whether a browser would say the same.

use std::io;

use direct_upload_core::judge::{Unreachable, UnreachableKind};
use tokio_rustls::rustls::{AlertDescription, CertificateError, Error};

use super::connect::{Host, inner};

/// Distinguishes a certificate that nobody would accept from one that only we do not know.
pub fn unreachable(host: &Host, error: &io::Error) -> Unreachable {
    match inner::<Error>(error) {
        Some(Error::InvalidCertificate(error)) => certificate(host, error),
        Some(Error::InvalidMessage(_)) => Unreachable::new(
            UnreachableKind::Tls,
            format!("{}:{} does not speak TLS", host.name, host.port),
            "a browser fails here, too: serve https on this port, or correct the URL's scheme or port",
        ),
        Some(Error::AlertReceived(AlertDescription::CertificateRequired)) => Unreachable::new(
            UnreachableKind::Tls,
            format!("{}:{} requires a client certificate", host.name, host.port),
            "a preflight never has one: the server must not require one on /v2/images/",
        ),
        _ => Unreachable::new(
            UnreachableKind::Tls,
            format!("no TLS connection to {}:{}: {error}", host.name, host.port),
            "look at the TLS versions and ciphers of the server (TLS 1.2 or 1.3), whether its certificate has an RSA or ECDSA key (browsers take no Ed25519), and whether it knows this host name",
        ),
    }
}

fn certificate(host: &Host, error: &CertificateError) -> Unreachable {
    let (why, fix) = match error {
        CertificateError::UnknownIssuer => (
            "this program does not know its issuer".to_owned(),
            "if browsers do not know the issuer either, or the server does not send the intermediate certificates, they refuse the upload, too: correct the certificate; if browsers know a CA of your own, name it with --ca FILE, or spec.directUpload.probe.caConfigMap",
        ),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => (
            format!("it is not for the name {} (subjectAltName; the common name does not count)", host.name),
            "a browser refuses it too: issue it for this name, or correct the name in the Keystone catalog",
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            ("it has expired".to_owned(), "a browser refuses it too, unless the clock here is wrong: renew it")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            ("it is not valid yet".to_owned(), "a browser refuses it too, unless the clock here is wrong")
        }
        // rustls has no name for the cause (CaUsedAsEndEntity).
        CertificateError::Other(_) => return self_signed(host),
        other => (
            other.to_string(),
            "browsers refuse most such certificates too; if they trust a CA of your own, give it with --ca FILE, or spec.directUpload.probe.caConfigMap",
        ),
    };
    let message = format!("the certificate of {}:{} is not valid: {why}", host.name, host.port);
    Unreachable::new(UnreachableKind::Certificate, message, fix)
}

/// A self-signed certificate. If it is imported as trusted, Chromium accepts it if it is a CA's, and
/// Firefox if it is not. So both accept none.
pub fn self_signed(host: &Host) -> Unreachable {
    Unreachable::new(
        UnreachableKind::Certificate,
        format!("the certificate of {}:{} is not valid: it is a CA's own, or signed by itself", host.name, host.port),
        "Chromium or Firefox refuses it even where it is trusted: let a CA of your own issue the server's certificate, and give that CA with --ca FILE",
    )
}
