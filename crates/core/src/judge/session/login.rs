//! The login: which form the dashboard shows, what to send, and what the answer means.
//!
//! Sources: openstack_auth/{forms,views}.py and horizon/templates/auth/_login_form.html. This is the login
//! of a user with a password of Keystone itself. Users with a single sign-on elsewhere cannot be simulated.

use direct_upload_api::web::{Origin, PublicUrl};

use super::{Break, Reply};
use crate::judge::explain_status::{challenges, scheme};
use crate::judge::headers::{get, shown};
use crate::judge::html::{Field, Form, forms, tags, text, texts};

/// Who logs in.
#[derive(Clone, Debug)]
pub struct Person {
    pub user: String,
    pub domain: Option<String>,
    pub region: Option<String>,
}

/// What to do after an answer of the dashboard's own pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Horizon's login form.
    Form(LoginForm),
    /// Request this page.
    Redirect(RequestUrl),
    /// A page without a login.
    NoForm,
}

/// Where a request goes: origin, and path with query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestUrl {
    pub origin: Origin,
    pub path: String,
}

/// The form, and the page to which it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginForm {
    pub to: RequestUrl,
    form: Form,
}

const LOCAL_ONLY: &str = "verify logs in as a local user of Keystone, with a password: let the dashboard offer that (WEBSSO_CHOICES with \"credentials\", no WEBSSO_DEFAULT_REDIRECT), give an address that bypasses the login in front of it, or upload an image in a browser by hand";

/// Which page a user sees during the login.
///
/// # Errors
/// No Horizon, or one where nobody can log in with a password.
pub fn page(at: &RequestUrl, reply: &Reply) -> Result<Next, Break> {
    let status = reply.head.status;
    match status {
        301 | 302 | 303 | 307 | 308 => return redirect(at, reply).map(Next::Redirect),
        401 | 407 => {
            let scheme = challenges(&reply.head).next().map(|c| shown(scheme(c))).unwrap_or_default();
            return Err(Break::new(
                format!("status {status}, WWW-Authenticate: {scheme}"),
                "there is a login in front of the dashboard",
                LOCAL_ONLY,
            ));
        }
        404 | 410 => return Ok(Next::NoForm),
        500.. => {
            return Err(Break::new(
                format!("status {status}"),
                "the dashboard, or a proxy in front of it, fails on its own login page",
                "look at Horizon's log, and whether its pods are ready",
            ));
        }
        _ => {}
    }
    let page = reply.text();
    if tags(&page)
        .iter()
        .any(|tag| tag.starts("input") && matches!(tag.get("name"), Some("SAMLRequest" | "SAMLResponse")))
    {
        return Err(single_sign_on("a SAML page"));
    }
    let Some(form) = forms(&page).into_iter().find(|form| form.has("username") && form.has("password")) else {
        return Ok(Next::NoForm);
    };
    // Every release's form names the region (openstack_auth/forms.py, `Login`).
    if !form.has("region") || !form.has("csrfmiddlewaretoken") {
        return Err(Break::new(
            format!("status {status}, a form with user name and password, and without region and csrfmiddlewaretoken"),
            "a login page, but not Horizon's",
            LOCAL_ONLY,
        ));
    }
    let offered = form.field("auth_type").map(|field| &field.options);
    if offered.is_some_and(|options| !options.is_empty() && options.iter().all(|(value, _)| value != "credentials")) {
        return Err(single_sign_on("the login form, whose choices lack \"credentials\" (Keystone Credentials)"));
    }
    let to = if form.action.is_empty() { Some(at.clone()) } else { at.join(&form.action) };
    let to = to.filter(|to| to.origin == at.origin).ok_or_else(|| {
        Break::new(
            format!("the form's action is {}", shown(&form.action)),
            "the login form would be sent to a different site than the one it came from",
            "compare WEBROOT and LOGIN_URL of Horizon's settings with the URL of the dashboard",
        )
    })?;
    Ok(Next::Form(LoginForm { to, form }))
}

fn single_sign_on(found: &str) -> Break {
    Break::new(found.to_owned(), "the dashboard offers only single sign-on", LOCAL_ONLY)
}

/// Where a redirect of the dashboard's pages leads.
///
/// # Errors
/// To another site: a browser goes there, `verify` does not.
fn redirect(at: &RequestUrl, reply: &Reply) -> Result<RequestUrl, Break> {
    let location = get(&reply.head.headers, "Location").unwrap_or_default();
    let received = format!("status {}, Location: {}", reply.head.status, shown(bare(&location)));
    let Some(to) = at.join(&location) else {
        return Err(Break::new(received, "a redirect that leads nowhere", "correct the redirect"));
    };
    let path = to.path.split('?').next().unwrap_or_default();
    if path.contains("/websso") || path.contains("OS-FEDERATION") {
        return Err(single_sign_on(&received));
    }
    let upgraded = to.origin.host() == at.origin.host() && to.origin.is_https() && !at.origin.is_https();
    if to.origin == at.origin || upgraded {
        return Ok(to);
    }
    if to.origin.host() == at.origin.host() || path.trim_end_matches('/').ends_with("/auth/login") {
        return Err(Break::new(
            received,
            "the dashboard redirects users to another origin",
            format!("give that URL: --dashboard {}", to.origin),
        ));
    }
    Err(Break::new(received, "the dashboard redirects users to another site to log in", LOCAL_ONLY))
}

/// Without the query, which may be private.
fn bare(location: &str) -> &str {
    location.split(['?', '#']).next().unwrap_or_default()
}

impl RequestUrl {
    /// A URL, as a link on this page means it; `None` if it is not http or https.
    pub fn join(&self, link: &str) -> Option<Self> {
        let base = url::Url::parse(&format!("{}{}", self.origin, self.path)).ok()?;
        let url = base.join(link).ok()?;
        let origin = Origin::parse(&url.origin().ascii_serialization()).ok()?;
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        Some(Self { origin, path: format!("{}{query}", url.path()) })
    }

    /// The page at this URL.
    pub fn at(url: &PublicUrl, path: &str) -> Self {
        Self { origin: url.origin().clone(), path: format!("{}{path}", url.path()) }
    }
}

impl LoginForm {
    /// The path of the dashboard: Horizon's WEBROOT, with a slash at its end; `None` if LOGIN_URL is not
    /// the usual one.
    pub fn webroot(&self) -> Option<String> {
        let path = self.to.path.split('?').next().unwrap_or_default();
        path.trim_end_matches('/').strip_suffix("auth/login").map(str::to_owned)
    }

    /// What a browser sends when this user has filled in the form; the password comes last.
    ///
    /// # Errors
    /// The form does not offer what was requested.
    pub fn filled(&self, person: &Person) -> Result<Vec<(String, String)>, Break> {
        let mut fields = self.form.sent();
        let mut set = |name: &str, value: String| {
            fields.retain(|(found, _)| found != name);
            fields.push((name.to_owned(), value));
        };
        set("username", person.user.clone());
        if self.form.has("auth_type") {
            set("auth_type", "credentials".to_owned());
        }
        match (self.form.field("domain"), &person.domain) {
            (Some(field), domain) if !field.options.is_empty() => {
                let wanted = domain.as_deref().unwrap_or("Default");
                set("domain", chosen(field, wanted, "domain", domain.is_some())?);
            }
            (Some(_), domain) => set("domain", domain.clone().unwrap_or_else(|| "Default".to_owned())),
            (None, _) => {}
        }
        // The choices are Keystones (AVAILABLE_REGIONS). A single one says nothing about services' regions.
        let region = self.form.field("region").zip(person.region.as_ref());
        let keystone = region.and_then(|(field, region)| field.options.iter().find(|(_, text)| text == region));
        if let Some((value, _)) = keystone {
            set("region", value.clone());
        }
        fields.retain(|(name, _)| name != "password");
        Ok(fields)
    }

    /// The form does not accept this value.
    pub fn advice(&self, person: &Person) -> Option<String> {
        let domain = person.domain.as_ref().filter(|_| !self.form.has("domain"))?;
        Some(format!(
            "the login form has no field for a domain, so that {domain:?} was not sent: Horizon uses OPENSTACK_KEYSTONE_DEFAULT_DOMAIN for every login unless OPENSTACK_KEYSTONE_MULTIDOMAIN_SUPPORT is True"
        ))
    }
}

fn chosen(field: &Field, wanted: &str, what: &str, was_asked: bool) -> Result<String, Break> {
    let found = field.options.iter().find(|(value, text)| value == wanted || text == wanted);
    let list = || field.options.iter().map(|(value, _)| shown(value)).collect::<Vec<_>>().join(", ");
    match found {
        Some((value, _)) => Ok(value.clone()),
        None if !was_asked => Ok(field.value.clone()),
        None => Err(Break::new(
            format!("the login form offers: {}", list()),
            format!("the login form does not offer the {what} {wanted:?}"),
            format!("choose one of them with --{what}"),
        )),
    }
}

/// What the answer to the filled form means; `Ok`: the user is logged in.
///
/// # Errors
/// Why not.
pub fn entered(form: &LoginForm, reply: &Reply) -> Result<(), Break> {
    let status = reply.head.status;
    let location = get(&reply.head.headers, "Location").unwrap_or_default();
    if (301..=308).contains(&status) {
        return match form.to.join(&location) {
            Some(to) => sent_on(form, &to, status),
            None => Err(Break::new(
                format!("status {status}, Location: {}", shown(bare(&location))),
                "a redirect that leads nowhere answered the login",
                "look at Horizon's log",
            )),
        };
    }
    let page = reply.text();
    if status == 403 {
        // Django's own page, if Horizon's CSRF_FAILURE_VIEW is not set.
        return Err(if page.contains("CSRF") {
            csrf("Django's page on CSRF failures", "")
        } else {
            Break::new(
                format!("status {status}{}", shown_title(&page)),
                "something in front of Horizon refused the login",
                "check what is in front of the dashboard: a firewall for web applications, a rate limit, an address filter",
            )
        });
    }
    if status == 429 {
        return Err(Break::new(format!("status {status}"), "too many logins", "wait, then run verify again"));
    }
    if !(200..=299).contains(&status) {
        return Err(Break::new(
            format!("status {status}{}", shown_title(&page)),
            "Horizon, or a proxy in front of it, failed on the login",
            "look at Horizon's log",
        ));
    }
    Err(refused(&page))
}

fn sent_on(form: &LoginForm, to: &RequestUrl, status: u16) -> Result<(), Break> {
    let (path, query) = to.path.split_once('?').unwrap_or((&to.path, ""));
    let received = || format!("status {status}, Location: {}", shown(path));
    if let Some(reason) = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "csrf_failure") {
        return Err(csrf(&received(), &reason.1));
    }
    if path.contains("/auth/totp/") {
        return Err(Break::new(
            received(),
            "the user needs a one-time passcode (TOTP) in addition to the password",
            "use a Keystone user who logs in with a password only",
        ));
    }
    if path.contains("/auth/password/") {
        return Err(Break::new(received(), "the password has expired", "set a new one, then run verify again"));
    }
    if path.contains("/websso") || path.contains("OS-FEDERATION") || to.origin != form.to.origin {
        return Err(single_sign_on(&received()));
    }
    if path.trim_end_matches('/').ends_with("/auth/login") {
        return Err(Break::new(
            received(),
            "Horizon sends the user back to the login",
            "read Horizon's log; lost sessions look like this (SESSION_ENGINE, or a cache that each pod has for itself)",
        ));
    }
    Ok(())
}

/// Why Django refused the form: `django.middleware.csrf`, whose reasons `csrf_failure` shows.
fn csrf(received: &str, reason: &str) -> Break {
    let fix = if reason.contains("Origin checking failed") {
        "behind a proxy that ends TLS, Django takes the dashboard for http: set SECURE_PROXY_SSL_HEADER, and let the proxy set that header; or list the dashboard's origin in CSRF_TRUSTED_ORIGINS; see also USE_X_FORWARDED_HOST"
    } else if reason.contains("Referer") {
        "list the dashboard's host in CSRF_TRUSTED_ORIGINS, and let the proxy pass Host on"
    } else if reason.contains("cookie") {
        "Django did not get its CSRF cookie back: with CSRF_COOKIE_SECURE the dashboard must be https, and no proxy may remove cookies"
    } else {
        "look at CSRF_TRUSTED_ORIGINS, SECURE_PROXY_SSL_HEADER and CSRF_COOKIE_SECURE of Horizon's settings, and whether the proxy forwards Host and cookies"
    };
    let reason = if reason.is_empty() { "no reason given".to_owned() } else { shown(reason) };
    Break::new(
        format!("{received}: {reason}"),
        "Django's check against forged requests (CSRF) refused the login form, and would refuse every user's",
        fix,
    )
}

/// Horizon shows the form again, with its message (openstack_auth/plugin/base.py).
fn refused(page: &str) -> Break {
    let said = texts(page, &["alert-danger", "has-error", "errorlist", "help-block"]);
    let all = said.join("; ");
    let has = |text: &str| all.contains(text);
    let (message, fix) = if has("Invalid credentials") {
        (
            "Keystone refused user name, password or domain; a user who is locked or disabled looks the same from here",
            "check all three with `openstack --os-username … --os-user-domain-name … token issue`; Keystone's log says which it was",
        )
    } else if has("not authorized for any projects") {
        ("the user has no role in any project", "give the user a role, e.g. member, in a project")
    } else if has("Unable to establish connection to keystone") {
        (
            "Horizon does not reach Keystone",
            "look at OPENSTACK_KEYSTONE_URL of Horizon's settings, and whether Keystone answers there",
        )
    } else if has("xpired") {
        ("the password has expired", "set a new one, then run verify again")
    } else if has("TOTP") {
        (
            "the user needs a one-time passcode (TOTP) in addition to the password",
            "use a Keystone user who logs in with a password only",
        )
    } else if has("required") {
        ("Horizon requires another field of the form", "give --domain, if the form has a field for it")
    } else if has("error occurred authenticating") {
        (
            "Keystone failed, or refused for a reason that Horizon does not show",
            "look at Keystone's log and at Horizon's",
        )
    } else {
        ("Horizon shows the login again", "look at Horizon's log")
    };
    let received = if said.is_empty() { "the login form again, without a message".to_owned() } else { shown(&all) };
    Break::new(received, message, fix)
}

fn shown_title(page: &str) -> String {
    title(page).map(|title| format!(", {}", shown(&title))).unwrap_or_default()
}

/// The page's own title.
pub fn title(page: &str) -> Option<String> {
    let tags = tags(page);
    let nth = tags.iter().position(|tag| tag.starts("title"))?;
    Some(text(page, &tags, nth)).filter(|title| !title.is_empty())
}
