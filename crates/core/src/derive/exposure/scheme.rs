//! Plain http counts for a dashboard only if somebody requested it. Its users' tokens would travel
//! unencrypted, and anyone between browser and dashboard could use Glance from its origin.

use direct_upload_api::{Reason, Scheme};

use super::exposing::{Exposure, Exposures, Stated, key_of};
use crate::model::{Advice, Id, Problem};

/// Keeps the URLs of a scheme, if one is stated. Returns it if it takes all of them away.
pub fn only(found: &mut Exposures, stated: Option<Scheme>) -> Option<Scheme> {
    let scheme = stated.filter(|_| !found.urls.is_empty())?;
    found.urls.retain(|e| e.url.origin().is_https() == (scheme == Scheme::HTTPS));
    found.urls.is_empty().then_some(scheme)
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
    let asked: Vec<_> = named.map(|named| Id { kind: named.kind.to_string(), key: key_of(named, namespace) }).collect();
    let is_asked = |e: &Exposure| e.source.object().is_some_and(|object| asked.contains(object));
    let (kept, plain): (Vec<_>, Vec<_>) =
        found.urls.into_iter().partition(|e| e.url.origin().is_https() || is_asked(e));
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
    let left_out = |e: &Exposure| {
        let found = format!("{} is left out: plain http counts only if exposedBy requests it", e.url.origin());
        e.source.advised(Advice::new(found))
    };
    found.notes.extend(plain.iter().map(left_out));
    Ok(found)
}
