//! The operator's own upload: its requests to Glance's API, and what the answers mean. Pure.
//!
//! In: answers to the canary's requests. Out: the next request, or a [`Stop`]. A stop means either that the
//! upload failed, and users' uploads with it, or that it says nothing about them. What Glance, or something
//! in front of it, does with the data itself is judged as for a user ([`put`](super::put)).

use direct_upload_api::Rule;
use direct_upload_api::web::Endpoint;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::image::{State, id_in};
use super::put::Progress;
use super::{Break, Mode, Reply, image};
use crate::judge::catalog::TokenScope;
use crate::judge::explain::signature;
use crate::judge::unreachable::{Unreachable, UnreachableKind};
use crate::judge::upload::{Answerer, Wire, who};
use crate::model::{CanaryClass, CanaryFailure, CanaryOutcome, Cause, StuckImages};

/// The image property that identifies our images. Its value is
/// [`CanaryQuery::mark`](crate::model::CanaryQuery::mark).
const PROPERTY: &str = "direct_upload_canary";

/// The prefix of our images' names.
pub const PREFIX: &str = "direct-upload-canary-";

/// If this many images cannot be deleted, the canary makes no further one.
pub const LEFT: usize = 3;

/// Why a canary ends before its image has what was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The upload failed, and so do those of users.
    Failed(CanaryClass, Break),
    /// The connection ended without an answer. If it ended in the middle of the data, one more upload shows
    /// why.
    Cut(Box<Break>, Progress),
    /// It says nothing about uploads.
    Unknown(String),
}

impl Stop {
    /// How the upload ended.
    pub fn outcome(self, endpoint: Endpoint) -> CanaryOutcome {
        let (class, broken) = match self {
            Self::Unknown(why) => return CanaryOutcome::Unknown(why),
            Self::Failed(class, broken) => (class, broken),
            Self::Cut(broken, _) => (CanaryClass::Time, *broken),
        };
        let Break { rule, received, message, fix, .. } = broken;
        let cause = Cause { rule, requirement: "canary".to_owned(), message, received, fix };
        CanaryOutcome::Failed(endpoint, CanaryFailure { class, cause })
    }
}

impl From<Unreachable> for Stop {
    fn from(why: Unreachable) -> Self {
        Self::Unknown(format!("{}; {}", why.message, why.fix))
    }
}

/// The new image: private, and marked as ours.
pub fn described(name: &str, mark: &str) -> Value {
    json!({
        "name": name,
        "disk_format": "raw",
        "container_format": "bare",
        "visibility": "private",
        PROPERTY: mark,
    })
}

/// The query of the list with our images.
pub fn listed(mark: &str) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .append_pair(PROPERTY, mark)
        .append_pair("visibility", "private")
        .append_pair("limit", "100")
        .finish()
}

/// The images of a list that are ours: by property, name and project, whatever the query was.
///
/// # Errors
/// There is no list.
pub fn leftovers(reply: &Reply, mark: &str, scope: &TokenScope) -> Result<Vec<String>, Stop> {
    if reply.head.status != 200 {
        return Err(refused(reply, "list images", scope));
    }
    let json = reply.json().unwrap_or_default();
    let Some(images) = json["images"].as_array() else {
        return Err(Stop::Unknown("the server at the public image endpoint is not Glance: it returns no list".into()));
    };
    let is_ours = |image: &&Value| {
        let is = |field: &str, value: Option<&str>| value.is_some() && image[field].as_str() == value;
        is(PROPERTY, Some(mark))
            && is("owner", scope.project.as_deref())
            && is("visibility", Some("private"))
            && image["name"].as_str().is_some_and(|name| name.starts_with(PREFIX))
    };
    let ids = images.iter().filter(is_ours).filter_map(|image| image["id"].as_str());
    Ok(ids.filter(|id| image::is_id(id)).map(str::to_owned).collect())
}

/// How many images one list may have at most.
const LISTED: usize = 100;

/// The states in which failed uploads leave an image.
pub const STUCK: [&str; 2] = ["queued", "saving"];

/// The query of the list of images that have been in this state since before that time (Image API v2: filters
/// `status` and `updated_at` with an operator).
pub fn listed_stuck(status: &str, before: Timestamp) -> String {
    let before = Timestamp::from_second(before.as_second()).unwrap_or(before);
    url::form_urlencoded::Serializer::new(String::new())
        .append_pair("status", status)
        .append_pair("updated_at", &format!("lt:{before}"))
        .append_pair("limit", &LISTED.to_string())
        .finish()
}

/// Counts the images of a list with that state and time, whatever the query was.
///
/// # Errors
/// There is no list, and why.
pub fn count_stuck(
    counted: &mut StuckImages,
    reply: &Reply,
    status: &str,
    before: Timestamp,
    scope: &TokenScope,
) -> Result<(), String> {
    let why = |stop: Stop| match stop {
        Stop::Unknown(why) => why,
        Stop::Failed(_, broken) => broken.message,
        Stop::Cut(broken, _) => broken.message,
    };
    if reply.head.status != 200 {
        return Err(why(refused(reply, "list images", scope)));
    }
    let json = reply.json().unwrap_or_default();
    let images =
        json["images"].as_array().ok_or("the server at the public image endpoint returns no list of images")?;
    let since = |image: &Value| image["updated_at"].as_str()?.parse::<Timestamp>().ok();
    let stuck = images.iter().filter(|image| image["status"] == status).filter_map(since).filter(|at| *at < before);
    for at in stuck {
        let count = if status == "queued" { &mut counted.queued } else { &mut counted.saving };
        *count = count.saturating_add(1);
        counted.oldest = Some(counted.oldest.map_or(at, |oldest| oldest.min(at)));
    }
    counted.more |= images.len() >= LISTED;
    Ok(())
}

/// The id of the new image.
///
/// # Errors
/// There is none.
pub fn created(reply: &Reply, scope: &TokenScope) -> Result<String, Stop> {
    if reply.head.status != 201 {
        return Err(refused(reply, "make an image", scope));
    }
    id_in(reply).ok_or_else(|| Stop::Unknown("Glance's answer to the new image has no id".into()))
}

const TOKEN: &str = "Glance refuses a token that Keystone has just issued";

const TOKEN_FIX: &str = "look at [keystone_authtoken] of Glance and at its log: another Keystone, a clock that is wrong, a password that has changed";

const LIMITED: &str = "Glance refuses the token (401). The credential has access rules, and those need service_type = image in [keystone_authtoken] of Glance's configuration: set it, or make the credential without --access-rules";

/// Glance's API failed before there was any data. A browser sends no such request. Only the refusal of a
/// good token also says something about users' uploads.
fn refused(reply: &Reply, what: &str, scope: &TokenScope) -> Stop {
    let status = reply.head.status;
    let by_glance = who(&reply.head) == Answerer::Glance;
    match (status, by_glance) {
        (401, true) if scope.is_limited => Stop::Unknown(LIMITED.to_owned()),
        (401, true) => Stop::Failed(CanaryClass::Auth, Break::new("status 401", TOKEN, TOKEN_FIX)),
        (403, true) => Stop::Unknown(format!(
            "Glance does not let the credential {what} (403): look at its access rules, its roles and Glance's policy"
        )),
        (413, true) => Stop::Unknown(format!("a quota of the canary's project does not let it {what} (413): raise it")),
        _ => Stop::Unknown(format!(
            "it cannot {what}: status {status}{} at the public image endpoint",
            signature(&reply.head)
        )),
    }
}

/// The data was not accepted, or the page cannot read the answer.
pub fn broken(wire: &Wire, progress: Progress, broken: Break) -> Stop {
    match wire {
        // It is our own network.
        Wire::Failed(why) if why.kind != UnreachableKind::Http => why.clone().into(),
        Wire::Response(answer) if who(answer) == Answerer::Glance => match answer.status {
            401 => Stop::Failed(CanaryClass::Auth, Break { message: TOKEN.into(), fix: TOKEN_FIX.into(), ..broken }),
            403 => Stop::Failed(CanaryClass::Policy, broken),
            413 => Stop::Failed(CanaryClass::Quota, broken),
            400 | 415 | 422 | 500..=599 => Stop::Failed(CanaryClass::Store, broken),
            _ => Stop::Failed(CanaryClass::Path, broken),
        },
        Wire::Failed(_) => Stop::Cut(Box::new(broken), progress),
        _ => match broken.rule {
            Some(Rule::BodyLimit) => Stop::Failed(CanaryClass::Size, broken),
            Some(Rule::TooSlow) => Stop::Failed(CanaryClass::Time, broken),
            _ => Stop::Failed(CanaryClass::Path, broken),
        },
    }
}

/// What cut it. `faster`: whether the same upload without pauses passed or was cut as well.
pub fn cut(broken: Break, progress: Progress, faster: bool) -> Stop {
    let Progress { sent, size, seconds } = progress;
    if faster {
        let message = format!(
            "something in front of Glance cuts uploads by duration: after {seconds} s, while the same {size} bytes without pauses pass"
        );
        let fix = "lengthen that timeout: httpd RequestReadTimeout, nginx client_body_timeout, HAProxy timeout client and timeout server, uWSGI harakiri, a route's or load balancer's timeouts";
        let found = Break { message, fix: fix.to_owned(), ..broken };
        return Stop::Failed(CanaryClass::Time, found.by(&[Rule::TooSlow]));
    }
    let message =
        format!("something in front of Glance cuts uploads by size: after {sent} of {size} bytes, also without pauses");
    let fix = "lift that limit: httpd LimitRequestBody 0, nginx client_max_body_size 0, ingress-nginx proxy-body-size \"0\", a firewall's or load balancer's limit";
    let found = Break { message, fix: fix.to_owned(), ..broken };
    Stop::Failed(CanaryClass::Size, found.by(&[Rule::BodyLimit]))
}

/// The image did not become active after its data was accepted.
pub fn not_active(state: Option<&State>, waited: u64) -> Stop {
    let broken = image::not_active(state, Mode::Direct, waited);
    match state.map(|state| state.status.as_str()) {
        None => Stop::Unknown("Glance does not show the image's state".into()),
        Some("deleted") => Stop::Unknown("somebody else deleted the image".into()),
        Some("queued") => Stop::Failed(CanaryClass::Path, broken),
        Some("saving") => {
            let fix = "look at Glance's log and at its store".to_owned();
            Stop::Failed(CanaryClass::Store, Break { fix, ..broken })
        }
        Some(_) => Stop::Failed(CanaryClass::Store, broken),
    }
}

/// The image contains something else than what was sent.
pub fn differs(broken: Break) -> Stop {
    Stop::Failed(CanaryClass::Content, broken)
}
