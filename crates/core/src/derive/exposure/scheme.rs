//! Plain http counts for a dashboard only if somebody requested it. Its users' tokens would travel
//! unencrypted, and anyone between browser and dashboard could use Glance from its origin.

use direct_upload_api::{ExposedBy, Reason, Scheme};

use crate::derive::exposure::{Exposures, Notes, Stated, key_of};
use crate::model::{Advice, Key, Problem};

/// Keeps the URLs of the scheme that `exposedBy` says, if it says one.
pub fn only(found: &mut Exposures, named: &ExposedBy, key: &Key, notes: &mut Notes) {
    let Some(scheme) = named.scheme.filter(|_| !found.urls.is_empty()) else { return };
    found.urls.retain(|e| e.url.origin().is_https() == (scheme == Scheme::HTTPS));
    if found.urls.is_empty() {
        notes.add(format!("{} {key} has no URL of scheme {scheme:?}", named.kind));
    }
}

/// Leaves out plain http, unless `publicURL` or `exposedBy` requests it.
///
/// # Errors
/// [`Reason::PlainHttp`] if nothing is left.
pub fn asked_for(mut found: Exposures, stated: Stated<'_>, namespace: &str) -> Result<Exposures, Problem> {
    if stated.public_url.is_some() {
        return Ok(found);
    }
    let named = stated.exposed_by.into_iter().flatten().filter(|named| named.scheme == Some(Scheme::HTTP));
    let asked: Vec<_> = named.map(|named| format!("{} {}", named.kind, key_of(named, namespace))).collect();
    let counts = |source: &String, https: bool| https || asked.contains(source);
    let (kept, plain): (Vec<_>, Vec<_>) =
        found.urls.into_iter().partition(|e| counts(&e.source, e.url.origin().is_https()));
    found.urls = kept;
    if let (true, Some(first)) = (found.urls.is_empty(), plain.first()) {
        let all: Vec<_> = plain.iter().map(|e| format!("{} ({})", e.url.origin(), e.source)).collect();
        let mut message = format!(
            "browsers load the dashboard over plain http only: {}; give it TLS, or request http with spec.publicURL: {}",
            all.join(", "),
            first.url
        );
        for note in &found.notes {
            message.push_str("; ");
            message.push_str(&note.to_string());
        }
        return Err(Problem::new(Reason::PlainHttp, message));
    }
    let left_out = |e: &crate::derive::exposure::Exposure| {
        let found = format!("{} is left out: plain http counts only if exposedBy requests it", e.url.origin());
        Advice::new(found).object(&e.source)
    };
    found.notes.extend(plain.iter().map(left_out));
    Ok(found)
}
