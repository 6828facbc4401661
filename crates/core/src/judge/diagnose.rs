//! Glance's CORS filter refuses without a reason. Smaller requests, one change at a time, show the cause.
//! Pure: which requests, and what their answers mean.

use direct_upload_api::Rule;

use super::cors::{is_ok, origin_allowed};
use super::explain::is_filters_refusal;
use super::failure::{Failure, Requirement};
use super::headers::{ALLOW_ORIGIN, get};
use super::preflight::Preflight;
use super::response::Response;
use crate::openstack::upload::{Credentials, HEADERS, UploadRequest};

/// Whether more requests can say more than the verdict does.
pub fn is_worth_asking(asked: &Preflight, answer: &Response) -> bool {
    !asked.same_origin() && is_ok(answer.status) && get(&answer.headers, ALLOW_ORIGIN).is_none()
}

/// First the origin alone, with a method that is allowed whenever anything is; then the method; then each
/// header alone.
pub fn questions(asked: &Preflight) -> Vec<Preflight> {
    // The filter's decision does not depend on credentials, and a preflight does not mention them.
    let less = |method, headers: &[&'static str]| Preflight {
        uploads: vec![UploadRequest { credentials: Credentials::SameOrigin, method, headers: headers.to_vec() }],
        ..asked.clone()
    };
    let mut questions = vec![less("GET", &[]), less(asked.method(), &[])];
    questions.extend(asked.headers().into_iter().map(|name| less(asked.method(), &[name])));
    questions
}

/// Whether one of the [`questions`] was granted.
pub fn granted(question: &Preflight, answer: &Response) -> bool {
    origin_allowed(&question.origin, Credentials::SameOrigin, &answer.headers)
}

/// A more precise failure, from whether each of the [`questions`] was granted, in their order.
pub fn conclude(asked: &Preflight, answer: &Response, failure: &Failure, granted: &[bool]) -> Option<Failure> {
    let (&origin, &method, names) = match granted {
        [origin, method, names @ ..] if names.len() == asked.headers().len() => (origin, method, names),
        _ => return None,
    };
    let origin_name = &asked.origin;
    let by_glance = is_filters_refusal(answer);
    let also = if by_glance { vec![] } else { vec![Rule::CorsOnTheWay] };
    let found = Failure { also, ..failure.clone() };
    if method {
        let refused: Vec<_> =
            asked.headers().into_iter().zip(names).filter(|(_, ok)| !**ok).map(|(name, _)| name).collect();
        if refused.is_empty() {
            return None;
        }
        let refused = refused.join(", ");
        return Some(Failure {
            requirement: Requirement::AllowHeaders,
            rule: Rule::HeaderMissing,
            message: format!(
                "{origin_name} and {} are granted, but not with the header {refused}: a request with it gets no CORS header, and one without it is granted",
                asked.method()
            ),
            fix: format!(
                "add {} to [cors] allow_headers of Glance (the list replaces the default: keep the others), in a file that the filter reads, and restart it",
                names_as_written(&refused)
            ),
            ..found
        });
    }
    if origin {
        return Some(Failure {
            requirement: Requirement::AllowMethods,
            rule: Rule::MethodMissing,
            message: format!("{origin_name} is granted, but not with the method {}", asked.method()),
            fix: format!(
                "add {} to [cors] allow_methods of Glance, in a file that the filter reads, and restart it",
                asked.method()
            ),
            ..found
        });
    }
    by_glance.then(|| Failure {
        rule: Rule::OriginMissing,
        // An empty 200 to every OPTIONS looks the same.
        also: vec![Rule::OriginForm, Rule::NotRead, Rule::CorsOnTheWay],
        message: format!("Glance does not allow {origin_name}: it refuses this origin with GET and without any header, too; or something in front of Glance answers OPTIONS with an empty 200"),
        fix: format!("add {origin_name}, byte for byte, to [cors] allowed_origin in a file that the filter reads (/etc/glance/glance-api.conf.d/*.conf), and restart Glance"),
        ..found
    })
}

/// Header names in OpenStack's spelling.
fn names_as_written(names: &str) -> String {
    const WRITTEN: [&str; HEADERS.len()] = ["Content-Type", "X-Auth-Token", "X-CSRFToken"];
    HEADERS.iter().zip(WRITTEN).fold(names.to_owned(), |all, (sent, written)| all.replace(sent, written))
}
