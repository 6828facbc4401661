//! The snippet for `local_settings.d`.
//!
//! In: [`HorizonSettings`]. Out: Python that Horizon runs with `exec` among its settings, maybe twice (a
//! `ConfigMap` mounted as a folder is walked twice). It appends to lists and never replaces them, and
//! leaves no name behind.

use std::fmt::Write as _;
use std::net::Ipv6Addr;

use crate::render::error::{FormatLimit, RenderError, Unwritable};
use crate::render::file::HEADER;
use crate::render::python::Literal;
use crate::render::settings::{HorizonSettings, TlsTerminationSettings};

/// Accepts what users write (nothing, None, a string, a tuple, a list). A tuple stays a tuple and a list a
/// list, for a later `+=` of the user. With DEBUG and an empty list, Django allows the local names
/// (`HttpRequest.get_host`); a list that we fill must still allow them.
const APPEND: &str = "
def _direct_upload_append(name, wanted):
    value = globals().get(name)
    if value is None:
        value = []
    elif isinstance(value, str):
        value = [value]
    if name == 'ALLOWED_HOSTS' and not value and globals().get('DEBUG'):
        value = ['.localhost', '127.0.0.1', '[::1]']
    missing = [item for item in wanted if item not in value]
    kind = tuple if isinstance(value, tuple) else list
    globals()[name] = kind(value) + kind(missing)

";

/// Whether a rendered snippet of ours sets the direct mode.
pub fn is_direct(snippet: &str) -> bool {
    snippet.lines().any(|line| line == mode())
}

/// What a rendered snippet of ours sets in addition to the mode, as Python.
pub(in crate::render) fn beyond_mode(snippet: &str) -> String {
    let mode = mode();
    let rest: String =
        snippet.lines().filter(|line| *line != mode && !line.starts_with('#')).flat_map(|line| [line, "\n"]).collect();
    rest.trim_start_matches('\n').to_owned()
}

/// The setting of `openstack_dashboard/defaults.py`.
pub fn mode() -> String {
    format!("HORIZON_IMAGES_UPLOAD_MODE = {}", Literal::from("direct"))
}

/// Renders the snippet; none if it would set nothing.
pub fn snippet(settings: &HorizonSettings) -> Result<Option<String>, RenderError> {
    let mut code = String::new();
    if settings.direct {
        // It comes first, so that nothing below can prevent it.
        let _ = writeln!(code, "{}", mode());
    }
    if let Some(tls) = &settings.tls_termination {
        tls_termination(&mut code, tls)?;
    }
    if code.is_empty() {
        return Ok(None);
    }
    Ok(Some(format!("# {}\n{code}", HEADER.join("\n# "))))
}

fn tls_termination(code: &mut String, tls: &TlsTerminationSettings) -> Result<(), RenderError> {
    if let Some(header) = &tls.forwarded_proto_header {
        let trusted = Literal::Tuple(vec![Literal::from(environ_key(header)?.as_str()), "https".into()]);
        let _ = writeln!(code, "SECURE_PROXY_SSL_HEADER = {trusted}");
    }
    let origins: Vec<String> = tls.trusted_origins.iter().map(ToString::to_string).collect();
    let mut hosts = Vec::new();
    for host in &tls.allowed_hosts {
        let host = allowed_host(host)?;
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    if origins.is_empty() && hosts.is_empty() {
        return Ok(());
    }
    code.push_str(APPEND);
    for (name, items) in [("CSRF_TRUSTED_ORIGINS", origins), ("ALLOWED_HOSTS", hosts)] {
        if !items.is_empty() {
            let items = Literal::strings(items.iter().map(String::as_str));
            let _ = writeln!(code, "_direct_upload_append({}, {items})", Literal::from(name));
        }
    }
    code.push_str("del _direct_upload_append\n");
    Ok(())
}

/// The WSGI name of a request header.
fn environ_key(header: &str) -> Result<String, RenderError> {
    if header.is_empty() || !header.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return Err(Unwritable::new(header, FormatLimit::Token).in_setting("spec.tlsTermination.forwardedProtoHeader"));
    }
    Ok(format!("HTTP_{}", header.to_ascii_uppercase().replace('-', "_")))
}

/// Django compares hosts without port, and IPv6 addresses in brackets. `*` and a leading dot would allow
/// more than one host.
fn allowed_host(host: &str) -> Result<String, RenderError> {
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    if bare.parse::<Ipv6Addr>().is_ok() {
        return Ok(format!("[{bare}]"));
    }
    let fine = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    if host.is_empty() || host.starts_with('.') || !host.bytes().all(fine) {
        return Err(Unwritable::new(host, FormatLimit::Host).in_setting("spec.tlsTermination.allowHosts"));
    }
    Ok(host.to_owned())
}
