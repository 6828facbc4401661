//! Why there is no TLS connection, in words, and whether a browser would say the same.

use std::io;

use direct_upload_core::judge::{Unreachable, UnreachableKind};
use tokio_rustls::rustls::{AlertDescription, CertificateError, Error, OtherError};

use super::certificates::{CaFault, Fault};
use super::host::Host;

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
        // rustls has no name for these.
        CertificateError::Other(OtherError(error)) => match error.downcast_ref() {
            Some(webpki::Error::CaUsedAsEndEntity) => (
                "it is marked as a CA (basicConstraints CA:TRUE), as one that is signed by itself often is".to_owned(),
                "Firefox refuses it even where it or its CA is trusted, and Chromium accepts it there: let a CA of your own issue the server's certificate with basicConstraints CA:FALSE, and give that CA with --ca FILE",
            ),
            _ => (
                format!("a rule of its chain is broken ({error})"),
                "browsers refuse most such certificates too: correct it, or the CA's certificates above it",
            ),
        },
        other => (
            other.to_string(),
            "browsers refuse most such certificates too; if they trust a CA of your own, give it with --ca FILE, or spec.directUpload.probe.caConfigMap",
        ),
    };
    let message = format!("the certificate of {}:{} is not valid: {why}", host.name, host.port);
    Unreachable::new(UnreachableKind::Certificate, message, fix)
}

/// What browsers refuse in a chain that rustls accepts.
pub fn fault(host: &Host, fault: &Fault) -> Unreachable {
    let Host { name: server, port, .. } = host;
    let (message, fix) = match fault {
        // Chromium: ERR_SSL_KEY_USAGE_INCOMPATIBLE.
        Fault::ServerKeyUsage => (
            format!(
                "the certificate of {server}:{port} is not valid: its keyUsage lacks digitalSignature, which TLS needs"
            ),
            "Chromium refuses it, and Firefox in some cases: issue it with keyUsage digitalSignature (for RSA keys: digitalSignature and keyEncipherment), or without keyUsage",
        ),
        Fault::IntermediateKeyUsage { name } => (
            format!(
                "the intermediate certificate {name} of {server}:{port} may not issue certificates: its keyUsage lacks keyCertSign"
            ),
            "a browser refuses it too: let its CA issue it again with keyUsage keyCertSign and cRLSign, and let the server send the new one",
        ),
        Fault::Given { name, fault } => {
            let (why, fix) = ca(*fault);
            (format!("the given CA {name}, which issued the certificate of {server}:{port}, {why}"), fix)
        }
    };
    Unreachable::new(UnreachableKind::Certificate, message, fix)
}

fn ca(fault: CaFault) -> (String, &'static str) {
    match fault {
        CaFault::Expired => (
            "has expired".to_owned(),
            "a browser that trusts it refuses it too, unless the clock here is wrong: renew the CA, and give the new certificate to browsers and with --ca FILE, or spec.directUpload.probe.caConfigMap",
        ),
        CaFault::NotYetValid => {
            ("is not valid yet".to_owned(), "a browser that trusts it refuses it too, unless the clock here is wrong")
        }
        CaFault::NotMarked => (
            "is not marked as a CA (basicConstraints CA:TRUE)".to_owned(),
            "Firefox refuses it even where it is trusted, and Chromium in some cases: make the CA's certificate again with basicConstraints CA:TRUE, and give it to browsers and with --ca FILE",
        ),
        CaFault::KeyUsage => (
            "may not issue certificates: its keyUsage lacks keyCertSign".to_owned(),
            "a browser that trusts it refuses it too: make the CA's certificate again with keyUsage keyCertSign and cRLSign, and give it to browsers and with --ca FILE",
        ),
        CaFault::Purpose => (
            "is not for servers: its extendedKeyUsage lacks serverAuth".to_owned(),
            "a browser that trusts it refuses it too: make the CA's certificate again without extendedKeyUsage, and give it to browsers and with --ca FILE",
        ),
        CaFault::PathLength { allowed, sent } => (
            format!("allows {allowed} intermediate certificates (pathlen:{allowed}), but the chain has {sent}"),
            "a browser that trusts it refuses it too: let the CA issue the server's certificate itself, or make the CA's certificate again with a larger pathlen",
        ),
    }
}

/// A self-signed certificate. If it is imported as trusted, Chromium accepts it if it is a CA's, and
/// Firefox if it is not. So both accept none.
pub fn self_signed(host: &Host) -> Unreachable {
    Unreachable::new(
        UnreachableKind::Certificate,
        format!(
            "the certificate of {}:{} is not valid: it is signed by itself, or given as if it were a CA",
            host.name, host.port
        ),
        "Chromium or Firefox refuses it even where it is trusted: let a CA of your own issue the server's certificate, and give that CA with --ca FILE",
    )
}

/// The inner error of an I/O error, if it has that type.
pub fn inner<E: std::error::Error + 'static>(error: &io::Error) -> Option<&E> {
    error.get_ref()?.downcast_ref()
}
