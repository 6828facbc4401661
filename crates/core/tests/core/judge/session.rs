//! A person's upload, judged: pages, settings, images and answers, as Horizon and Glance give them.

use direct_upload_api::web::{Endpoint, Origin, PublicUrl};
use direct_upload_api::{Panel, Rule};
use direct_upload_core::judge::catalog::TokenScope;
use direct_upload_core::judge::session::canary::{self, Stop};
use direct_upload_core::judge::session::encode::{multipart, urlencoded};
use direct_upload_core::judge::session::image::{self, Compared, State};
use direct_upload_core::judge::session::login::{self, Next};
use direct_upload_core::judge::session::panel::{PanelPage, carries_csrf, create_form, strips_csrf, worth_reading};
use direct_upload_core::judge::session::put::{self, Progress};
use direct_upload_core::judge::session::{
    Break, Content, Jar, LoginForm, Mode, Person, Reply, RequestUrl, Secret, Settings,
};
use direct_upload_core::judge::{Preflight, Response, Unreachable, UnreachableKind, Wire, html};
use direct_upload_core::model::{CanaryClass, StuckImages};
use jiff::Timestamp;
use proptest::prelude::*;
use rstest::rstest;
use serde_json::json;

fn reply(status: u16, headers: &[(&str, &str)], body: &str) -> Reply {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Reply { head: Response { status, headers }, body: body.as_bytes().to_vec() }
}

fn dashboard() -> RequestUrl {
    RequestUrl::at(&PublicUrl::parse("https://horizon.example.com/horizon").unwrap(), "/auth/login/?next=/horizon/")
}

/// horizon/templates/auth/_login_form.html, as Horizon 23.0.0 renders it with several domains.
const LOGIN: &str = r#"<!DOCTYPE html><html><head><title>Login - OpenStack Dashboard</title>
<script>var a = "<form><input name='username'><input name='password'></form>";</script></head><body>
<!-- <form action="/elsewhere/"><input name="username"><input name="password"></form> -->
<form id="" class="ng-pristine ng-valid ng-scope"
      method="POST"
      action="/horizon/auth/login/"
      autocomplete="off"
      ng-controller="hzLoginController">
  <input type="hidden" name="csrfmiddlewaretoken" value="abc&amp;def">
  <input type="text" name="fake_email" value="" autocomplete="new-password"/>
  <select name="auth_type" id="id_auth_type"><option value="oidc">Company</option>
  <option value="credentials" selected>Keystone Credentials</option></select>
  <input type="hidden" name="next" value="/horizon/" />
  <input type="text" name="username" autofocus="autofocus" class="form-control" id="id_username">
  <input type="password" name="password" class="form-control" id="id_password">
  <select name="domain"><option value="default">Default</option><option value="users">Users</option></select>
  <select name="region"><option value="0">One</option><option value="1" selected>Two</option></select>
  <button id="loginBtn" type="submit" class="btn"><span>Sign In</span></button>
</form></body></html>"#;

fn form(page: &str) -> LoginForm {
    match login::page(&dashboard(), &reply(200, &[], page)) {
        Ok(Next::Form(form)) => form,
        other => panic!("no form: {other:?}"),
    }
}

fn person(domain: Option<&str>, region: Option<&str>) -> Person {
    Person { user: "dämon".into(), domain: domain.map(str::to_owned), region: region.map(str::to_owned) }
}

#[test]
fn the_login_form_is_filled_in_as_a_person_does() {
    let form = form(LOGIN);
    assert_eq!(form.webroot().as_deref(), Some("/horizon/"));
    assert_eq!(form.to.clone(), RequestUrl { path: "/horizon/auth/login/".into(), ..dashboard() });
    let fields = form.filled(&person(Some("Users"), Some("One"))).unwrap();
    let get =
        |name: &str| fields.iter().filter(|(found, _)| found == name).map(|(_, v)| v.as_str()).collect::<Vec<_>>();
    assert_eq!(get("csrfmiddlewaretoken"), ["abc&def"]);
    assert_eq!((get("username"), get("domain"), get("region")), (vec!["dämon"], vec!["users"], vec!["0"]));
    assert_eq!((get("auth_type"), get("next"), get("password")), (vec!["credentials"], vec!["/horizon/"], vec![]));
    let body = urlencoded(&fields, ("password", "a&b=ü"));
    assert!(body.ends_with("&password=a%26b%3D%C3%BC") && body.contains("username=d%C3%A4mon"), "{body}");
    // Nothing said: the form's own choice, or the domain that most clouds have.
    let fields = form.filled(&person(None, None)).unwrap();
    assert!(fields.contains(&("domain".into(), "default".into())) && fields.contains(&("region".into(), "1".into())));
    let refused = form.filled(&person(Some("third"), None)).unwrap_err();
    assert!(refused.received.contains("default, users"), "{refused:?}");
    assert_eq!(form.advice(&person(Some("Users"), None)), None);
}

#[rstest]
#[case::horizon(200, "", LOGIN, "form")]
#[case::without_keystone(200, "", &LOGIN.replace("\"credentials\"", "\"saml2\""), "only single sign-on")]
#[case::own_site(302, "/horizon/auth/login/?next=/", "", "redirect https://horizon.example.com")]
#[case::websso(302, "/v3/auth/OS-FEDERATION/websso/oidc?origin=x", "", "only single sign-on")]
#[case::elsewhere(303, "https://sso.example.com/auth?state=x", "", "another site to log in")]
#[case::other_horizon(301, "https://cloud.example.com/auth/login/", "", "--dashboard https://cloud.example.com")]
#[case::other_port(301, "https://horizon.example.com:8443/", "", "--dashboard https://horizon.example.com:8443")]
#[case::downgrade(301, "http://horizon.example.com/", "", "--dashboard http://horizon.example.com")]
#[case::nowhere(302, "", "", "redirect https://horizon.example.com")]
#[case::saml(200, "", "<form action='https://idp'><input name='SAMLRequest'></form>", "only single sign-on")]
#[case::basic(401, "", "", "there is a login in front")]
#[case::no_form(200, "", "<h1>It works</h1>", "no form")]
#[case::not_there(404, "", LOGIN, "no form")]
#[case::broken(502, "", "", "fails on its own login page")]
#[case::other_program(200, "", "<form><input name=username><input name=password></form>", "not Horizon's")]
#[case::sent_elsewhere(200, "", &LOGIN.replace("/horizon/auth", "https://evil.example/auth"), "a different site than the one it came from")]
fn what_a_page_is(#[case] status: u16, #[case] location: &str, #[case] body: &str, #[case] said: &str) {
    let page = login::page(&dashboard(), &reply(status, &[("location", location)], body));
    let found = match page {
        Ok(Next::Form(_)) => "form".to_owned(),
        Ok(Next::Redirect(to)) => format!("redirect {}", to.origin),
        Ok(Next::NoForm) => "no form".to_owned(),
        Err(Break { received, message, fix, .. }) => {
            assert!(!received.contains("state=") && !received.contains("origin="), "{received}");
            format!("{message}; {fix}")
        }
    };
    assert!(found.contains(said), "{found}");
}

#[rstest]
#[case::home(302, "/horizon/", "", "in")]
#[case::next(302, "/horizon/project/images/", "", "in")]
#[case::origin(
    302,
    "/horizon/auth/login/?csrf_failure=Origin%20checking%20failed%20-%20x",
    "",
    "SECURE_PROXY_SSL_HEADER"
)]
#[case::cookie(302, "/horizon/auth/login/?csrf_failure=CSRF%20cookie%20not%20set.", "", "CSRF_COOKIE_SECURE")]
#[case::djangos_own(403, "", "<h1>Forbidden</h1><p>CSRF verification failed.", "CSRF_TRUSTED_ORIGINS")]
#[case::firewall(403, "", "<title>Blocked</title>", "something in front of Horizon")]
#[case::totp(302, "/horizon/auth/totp/demo/", "", "one-time passcode")]
#[case::expired(302, "/horizon/auth/password/0123/", "", "expired")]
#[case::websso(302, "https://keystone.example.com/v3/auth/OS-FEDERATION/websso/x", "", "single sign-on")]
#[case::back(302, "/horizon/auth/login/", "", "back to the login")]
#[case::wrong(
    200,
    "",
    "<div class=\"alert alert-danger\"><p>Invalid credentials.</p></div>",
    "user name, password or domain"
)]
#[case::no_project(
    200,
    "",
    "<div class='x alert-danger'><p>You are not authorized for any projects or domains.</p>",
    "no role in any"
)]
#[case::keystone(
    200,
    "",
    "<div class='alert-danger'>Unable to establish connection to keystone endpoint.",
    "does not reach Keystone"
)]
#[case::silent(200, "", LOGIN, "without a message")]
#[case::many(429, "", "", "too many logins")]
#[case::broken(500, "", "<title>Server Error</title>", "Server Error")]
fn what_the_answer_to_the_login_means(
    #[case] status: u16,
    #[case] location: &str,
    #[case] body: &str,
    #[case] said: &str,
) {
    let entered = login::entered(&form(LOGIN), &reply(status, &[("Location", location)], body));
    let found = entered.map_or_else(|b| format!("{}; {}; {}", b.received, b.message, b.fix), |()| "in".to_owned());
    assert!(found.contains(said), "{found}");
}

#[test]
fn settings_of_the_running_dashboard() {
    let json = json!({"HORIZON_IMAGES_UPLOAD_MODE": "direct", "OPENSTACK_IMAGE_FORMATS": ["iso", "raw"]}).to_string();
    let settings = Settings::read(&reply(200, &[], &json), true, false).unwrap();
    assert_eq!((settings.mode, settings.format()), (Mode::Direct, "raw"));
    assert!(settings.is_fit(Some(Mode::Legacy)).unwrap_err().message.contains("is direct, not legacy"));
    let only = Settings { formats: vec!["qcow2".into()], ..settings };
    assert_eq!(only.format(), "qcow2");
    for (status, body, has_secure, said) in [
        (401, "\"not logged in\"", false, "SESSION_ENGINE"),
        (401, "\"not logged in\"", true, "SESSION_COOKIE_SECURE"),
        (200, "<html>", false, "everything below api/"),
        (404, "", false, "everything below api/"),
        (200, "{}", false, "Pike"),
        (200, "{\"HORIZON_IMAGES_UPLOAD_MODE\": \"Direct\"}", false, "Pike"),
    ] {
        let broken = Settings::read(&reply(status, &[], body), false, has_secure).unwrap_err();
        assert!(broken.fix.contains(said), "{broken:?}");
    }
}

#[test]
fn panels_are_told_apart_by_their_pages() {
    let angular = reply(
        200,
        &[("Content-Security-Policy", "default-src 'self'")],
        r#"<meta http-equiv="Content-Security-Policy" content="connect-src *"><script src="/static/dashboard/js/a.js"></script>
        <a href="/auth/switch/0123abc/?next=/project/images/"><span></span> <span class="dropdown-title"> my project </span></a>
        <form method="post" action="/auth/logout/"><input type="hidden" name="csrfmiddlewaretoken" value="tok"></form><div ng-view></div>"#,
    );
    let page = PanelPage::read(&angular).unwrap();
    assert_eq!((page.panel, page.policies.len(), page.scripts.len()), (Panel::Angular, 2, 1));
    assert_eq!((page.projects[0].id.as_str(), page.projects[0].name.as_str()), ("0123abc", "my project"));
    assert_eq!(page.csrf.as_ref().map(Secret::expose), Some("tok"));
    // What the page's scripts send (app.module.js, framework.module.js).
    assert!(carries_csrf(&page.upload(Panel::Angular, Some(false))));
    assert!(carries_csrf(&page.upload(Panel::Angular, None)), "not known: the stricter counts");
    assert!(!carries_csrf(&page.upload(Panel::Angular, Some(true))));
    assert!(!carries_csrf(&page.upload(Panel::Django, None)));
    let bare = PanelPage { csrf: None, ..page };
    assert!(!carries_csrf(&bare.upload(Panel::Angular, Some(false))), "Horizon 2023.1 without CSRF_COOKIE_HTTPONLY");
    let django = reply(200, &[], "<table id='images' ng-controller='x'></table>");
    assert_eq!(PanelPage::read(&django).unwrap().panel, Panel::Django);
    for status in 100..=599 {
        let told = PanelPage::read(&reply(status, &[], "")).err().map(|broken| broken.message).unwrap_or_default();
        let expected = match status {
            200..=299 => "",
            301..=308 | 401 => "the dashboard redirects the user away from the image panel",
            403 | 404 => "the user has no image panel (project/images/)",
            _ => "the dashboard's image panel answers with an error",
        };
        assert_eq!(told, expected, "{status}");
    }
}

/// The interceptors of Horizon 25.7.3 and 27.0.0, as they are in the file and without spaces.
#[rstest]
#[case(
    "$httpProvider.defaults.xsrfHeaderName = 'X-CSRFToken';\n if ('X-Auth-Token' in config.headers) {\n delete config.headers['X-Requested-With'];\n }",
    Some(false)
)]
#[case(
    "$httpProvider.defaults.xsrfHeaderName = 'X-CSRFToken';\n if ('X-Auth-Token' in config.headers) {\n delete config.headers['X-Requested-With'];\n delete config.headers['X-CSRFToken'];\n }",
    Some(true)
)]
#[case(
    "a.defaults.xsrfHeaderName='X-CSRFToken';if('X-Auth-Token'in c.headers){delete c.headers['X-Requested-With'],delete c.headers['X-CSRFToken'];}",
    Some(true)
)]
#[case("$http.defaults.headers.common['X-CSRFToken'] = csrftoken;", None)]
fn scripts_that_strip_the_csrf_token(#[case] script: &str, #[case] strips: Option<bool>) {
    assert_eq!(strips_csrf(script), strips);
}

#[test]
fn the_django_panels_form() {
    let page = |file: &str| {
        format!(
            "<form action='/project/images/create/'><input type=hidden name=csrfmiddlewaretoken value=t>
            <input type=hidden name=image_file__hidden><input name=name><select name=source_type><option value=url selected>URL</option>
            <option value=file>File</option></select>{file}<select name=disk_format><option value=''>Select</option></select>
            <input type=checkbox name=protected><input type=checkbox name=is_copying checked><textarea name=description>\n</textarea></form>"
        )
    };
    let form = create_form(&reply(200, &[], &page("<input type=file name=image_file>")), "n", "raw", "n.img").unwrap();
    let mut fields: Vec<_> = form.fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    fields.sort();
    let expected = [
        "csrfmiddlewaretoken=t",
        "description=",
        "disk_format=raw",
        "image_file__hidden=n.img",
        "is_copying=on",
        "name=n",
        "source_type=file",
    ];
    assert_eq!((fields, form.is_external), (expected.map(str::to_owned).to_vec(), true));
    let hidden =
        create_form(&reply(200, &[], &page("<input type=hidden name=image_file>")), "n", "raw", "f").unwrap_err();
    assert!(hidden.message.contains("no upload"), "{hidden:?}");
    create_form(&reply(200, &[], "<p>no</p>"), "n", "raw", "f").unwrap_err();
}

#[test]
fn a_multipart_body() {
    let fields = image::as_fields(&image::described("n", "raw", Mode::Legacy, None));
    let body = multipart("B", &fields, Some(("data", "n\".img")));
    assert!(body.before.contains("--B\r\nContent-Disposition: form-data; name=\"min_disk\"\r\n\r\n0\r\n"));
    assert!(body.before.contains("name=\"source_type\"\r\n\r\nfile-legacy\r\n"));
    assert!(body.before.contains("name=\"$$originalJSON\"\r\n\r\n{"));
    assert!(
        body.before.ends_with("name=\"data\"; filename=\"n%22.img\"\r\nContent-Type: application/octet-stream\r\n\r\n")
    );
    assert_eq!(body.after, "\r\n--B--\r\n");
    let without = multipart("B", &[("a".into(), "b".into())], None);
    assert_eq!(
        without.before + &without.after,
        "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--B--\r\n"
    );
}

const ID: &str = "4ba0d5c4-52a6-4b1f-9d3e-b6a1f0d6c3aa";

#[rstest]
#[case("https://glance.example.com", "t", "https://glance.example.com")]
#[case("https://glance.example.com:9292/image/", "t", "https://glance.example.com:9292/image/")]
#[case("", "t", "DU011")]
#[case("javascript:x", "t", "DU011")]
#[case("https://glance.example.com", "", "lacks the token")]
fn a_new_image(#[case] base: &str, #[case] token: &str, #[case] said: &str) {
    let url = format!("{base}/v2/images/{ID}/file");
    let json = json!({"id": ID, "upload_url": url, "token_id": token}).to_string();
    let by_angular = image::by_angular(&reply(201, &[], &json));
    let headers = [("X-File-Upload-URL", url.as_str()), ("X-Auth-Token", token)];
    let by_django = image::by_django(&reply(200, &headers, ""));
    assert_eq!(by_angular, by_django);
    let found = match by_angular {
        Ok(created) => created.upload.unwrap().0.to_string(),
        Err(broken) => format!("{} {}", broken.rule.map_or("", Rule::id), broken.message),
    };
    assert!(found.contains(said), "{found}");
}

/// Horizon returns Glance's status with Glance's words, so an answer without words comes from before Glance.
#[rstest]
#[case::session(401, "\"\"", "", "the session ended")]
#[case::csrf(403, "\"CSRF Failed: Origin checking failed\"", "", "forged requests")]
#[case::no_words(403, "", "", "forged requests")]
#[case::policy(
    403,
    "\"You are not authorized to complete add_image action.\"",
    "",
    "does not let this user create images"
)]
#[case::method(405, "", "", "does not let the method pass")]
#[case::limit(413, "<html>", "DU014", "body limit in front of Horizon")]
#[case::quota(413, "\"Quota exceeded\"", "", "quota or limit of Glance")]
fn an_image_that_was_not_created(#[case] status: u16, #[case] body: &str, #[case] rule: &str, #[case] said: &str) {
    let broken = image::by_angular(&reply(status, &[], body)).unwrap_err();
    assert_eq!(broken.rule.map_or("", Rule::id), rule);
    assert!(broken.message.contains(said) && broken.received.contains(&status.to_string()), "{broken:?}");
}

#[test]
fn an_image_is_deleted_by_its_id_whatever_else_is_wrong() {
    let id = |json: &str| image::id_in(&reply(201, &[], json));
    assert_eq!(id(&json!({"id": ID}).to_string()).as_deref(), Some(ID));
    assert_eq!(id("{\"id\": \"../../x\"}"), None, "fit for a path");
    assert_eq!(id("[]"), None);
    let list = json!({"items": [{"name": "other", "id": "1"}, {"name": "mine", "id": ID}]}).to_string();
    assert_eq!(image::listed(&reply(200, &[], &list), "mine").as_deref(), Some(ID));
    assert_eq!(image::listed(&reply(200, &[], "nothing"), "mine"), None);
}

#[test]
fn the_image_is_compared_with_what_was_sent() {
    let content = Content { size: 100_000, seed: 7 };
    let state = |json: serde_json::Value| State::read(&reply(200, &[], &json.to_string())).unwrap();
    let hash = content.checksum("sha512").unwrap();
    // As Horizon shows it: what it does not know by name is a property.
    let good = state(
        json!({"status": "active", "size": 100_000, "properties": {"os_hash_algo": "sha512", "os_hash_value": hash}}),
    );
    assert!(good.is_active());
    assert_eq!(image::compare(content, &good), Ok(Compared::Whole("sha512".into())));
    let other = Content { seed: 8, ..content };
    assert!(image::compare(other, &good).unwrap_err().message.contains("does not contain the data"));
    let short = Content { size: 99_999, ..content };
    assert!(image::compare(short, &good).unwrap_err().received.contains("100000 bytes, sent 99999"));
    for more in [json!({}), json!({"os_hash_algo": "md5", "os_hash_value": "0"})] {
        let shown = state(json!({"status": "active", "size": 100_000, "properties": more}));
        assert_eq!(image::compare(content, &shown), Ok(Compared::SizeOnly));
    }
    assert_eq!(State::read(&reply(404, &[], "")).unwrap().status, "deleted");
    assert_eq!(State::read(&reply(503, &[], "{}")), None);
    assert!(State::read(&reply(200, &[], "{\"status\": \"killed\"}")).is_some_and(|state| !state.is_under_way()));
}

fn asked(panel: Panel) -> Preflight {
    let origin = Origin::parse("https://horizon.example.com").unwrap();
    Preflight::upload(origin, Endpoint::parse("https://glance.example.com").unwrap(), ID, panel)
}

const CORS: (&str, &str) = ("Access-Control-Allow-Origin", "https://horizon.example.com");
const CREDENTIALS: (&str, &str) = ("Access-Control-Allow-Credentials", "true");
const BY_GLANCE: (&str, &str) = ("X-OpenStack-Request-ID", "req-1");

#[rstest]
#[case::stored(204, &[CORS, CREDENTIALS, BY_GLANCE], "", "")]
#[case::as_glance_writes_it(204, &[CORS, CREDENTIALS, BY_GLANCE, ("Content-Type", "text/html; charset=UTF-8")], "", "")]
#[case::stored_without_a_sign_of_glance(204, &[CORS, CREDENTIALS], "", "")]
#[case::no_page(200, &[CORS, CREDENTIALS], "", "")]
#[case::a_page_of_glance(200, &[CORS, CREDENTIALS, BY_GLANCE, ("Content-Type", "text/html")], "", "")]
#[case::no_cors(204, &[BY_GLANCE], "DU012", "the page may not read the answer")]
#[case::html(200, &[CORS, CREDENTIALS, ("Content-Type", "text/html")], "DU020", "a page, such as a login, answered")]
#[case::token(401, &[CORS, ("WWW-Authenticate", "Keystone uri=\"x\"")], "", "does not accept the token")]
#[case::basic(401, &[("WWW-Authenticate", "Basic realm=x")], "DU020", "requires its own credentials")]
#[case::policy(403, &[BY_GLANCE], "", "let this user upload")]
#[case::filter(403, &[("Server", "nginx")], "DU020", "filter in front of Glance (Server: nginx)")]
#[case::method(405, &[], "DU020", "filter in front of Glance")]
#[case::quota(413, &[BY_GLANCE], "", "quota")]
#[case::limit(413, &[("Server", "nginx")], "DU014", "body limit")]
#[case::gone(404, &[BY_GLANCE], "DU011", "the image is not there")]
#[case::format(400, &[BY_GLANCE], "", "refuses the data itself")]
#[case::timeout(408, &[("Server", "Apache")], "DU015", "timeout")]
#[case::store(500, &[BY_GLANCE], "", "failed to store")]
#[case::gateway(502, &[("Server", "nginx")], "DU012", "lost its connection to Glance")]
#[case::redirect(307, &[CORS], "DU011", "redirect")]
#[case::teapot(418, &[], "DU012", "refused")]
fn what_the_answer_to_the_data_means(
    #[case] status: u16,
    #[case] headers: &[(&str, &str)],
    #[case] rule: &str,
    #[case] said: &str,
) {
    let progress = Progress { sent: 10, size: 10, seconds: 1 };
    let answer = reply(status, headers, "").head;
    let judged = put::judge(&asked(Panel::Angular), &Wire::Response(answer), progress);
    let found = judged.err().map(|broken| (broken.rule.map_or("", Rule::id), broken.message));
    let (found, message) = found.unwrap_or_default();
    assert_eq!(found, rule, "{message}");
    assert!(message.contains(said), "{message}");
}

#[test]
fn the_django_panels_answer_must_allow_credentials() {
    let progress = Progress { sent: 10, size: 10, seconds: 1 };
    let wire = Wire::Response(reply(204, &[CORS, BY_GLANCE], "").head);
    put::judge(&asked(Panel::Angular), &wire, progress).unwrap();
    let broken = put::judge(&asked(Panel::Django), &wire, progress).unwrap_err();
    assert_eq!(broken.rule, Some(Rule::CorsOnTheWay));
    assert!(broken.also.contains(&Rule::NoCredentials), "{broken:?}");
}

#[rstest]
#[case::middle(4, UnreachableKind::Http, "DU015", "in the middle of the data")]
#[case::end(10, UnreachableKind::Http, "DU015", "once all data was sent")]
#[case::no_connection(0, UnreachableKind::Connect, "", "said")]
fn no_answer_to_the_data(#[case] sent: u64, #[case] kind: UnreachableKind, #[case] rule: &str, #[case] said: &str) {
    let progress = Progress { sent, size: 10, seconds: 30 };
    let wire = Wire::Failed(Unreachable::new(kind, "said", "fix"));
    for broken in [put::judge(&asked(Panel::Angular), &wire, progress), put::judge_legacy(&wire, progress)] {
        let broken = broken.unwrap_err();
        assert_eq!(broken.rule.map_or("", Rule::id), rule);
        assert!(broken.message.contains(said) && broken.received.contains(&format!("{sent} of 10")), "{broken:?}");
    }
}

/// What an upload through Horizon means depends on the status alone.
#[test]
fn the_answer_to_a_file_through_horizon() {
    let progress = Progress { sent: 10, size: 10, seconds: 1 };
    for status in 100..=599 {
        let judged = put::judge_legacy(&Wire::Response(reply(status, &[], "").head), progress);
        assert_eq!(judged.is_ok(), (200..=303).contains(&status), "{status}: {judged:?}");
        let rule = match status {
            411 | 413 => Some(Rule::BodyLimit),
            408 | 504 | 522 | 524 => Some(Rule::TooSlow),
            _ => None,
        };
        assert_eq!(judged.err().and_then(|broken| broken.rule), rule, "{status}");
    }
}

/// What the canary's upload shows when its data is not accepted: by whom, and with which status.
#[rstest]
#[case::token(401, true, None, Some(CanaryClass::Auth))]
#[case::policy(403, true, None, Some(CanaryClass::Policy))]
#[case::quota(413, true, None, Some(CanaryClass::Quota))]
#[case::data(400, true, None, Some(CanaryClass::Store))]
#[case::data_type(415, true, None, Some(CanaryClass::Store))]
#[case::store(500, true, None, Some(CanaryClass::Store))]
#[case::store_is_full(507, true, None, Some(CanaryClass::Store))]
#[case::image_is_gone(404, true, None, Some(CanaryClass::Path))]
#[case::limit(413, false, Some(Rule::BodyLimit), Some(CanaryClass::Size))]
#[case::timeout(408, false, Some(Rule::TooSlow), Some(CanaryClass::Time))]
#[case::login(401, false, Some(Rule::OptionsFiltered), Some(CanaryClass::Path))]
#[case::gateway(500, false, None, Some(CanaryClass::Path))]
fn whose_fault_a_canary_s_failure_is(
    #[case] status: u16,
    #[case] by_glance: bool,
    #[case] rule: Option<Rule>,
    #[case] class: Option<CanaryClass>,
) {
    let headers: &[_] = if by_glance { &[BY_GLANCE] } else { &[("Server", "nginx")] };
    let broken = Break { rule, ..Break::new("received", "message", "fix") };
    let progress = Progress { sent: 10, size: 10, seconds: 1 };
    let stop = canary::broken(&Wire::Response(reply(status, headers, "").head), progress, broken.clone());
    let Stop::Failed(found, told) = stop else { panic!("{stop:?}") };
    assert_eq!(Some(found), class);
    // Only a token's refusal has other words than a user's upload.
    assert_eq!(told == broken, class != Some(CanaryClass::Auth), "{told:?}");
}

/// Glance's API refuses a request before there is data: by whom, with which status, and whether the credential has access
/// rules. Only its refusal of a good token says something about users' uploads.
#[rstest]
#[case::token(401, true, false, "a token that Keystone has just issued", true)]
#[case::token_with_rules(401, true, true, "service_type = image", false)]
#[case::rights(403, true, false, "Glance does not let the credential", false)]
#[case::rights_with_rules(403, true, true, "Glance does not let the credential", false)]
#[case::quota(413, true, false, "a quota of the canary's project", false)]
#[case::broken(500, true, false, "status 500", false)]
#[case::login(401, false, false, "status 401 (Server: nginx)", false)]
#[case::filter(403, false, false, "status 403 (Server: nginx)", false)]
#[case::limit(413, false, false, "status 413 (Server: nginx)", false)]
fn what_a_refused_request_of_the_canary_means(
    #[case] status: u16,
    #[case] by_glance: bool,
    #[case] is_limited: bool,
    #[case] said: &str,
    #[case] fails: bool,
) {
    let headers: &[_] = if by_glance { &[BY_GLANCE] } else { &[("Server", "nginx")] };
    let (refused, scope) = (reply(status, headers, ""), TokenScope { is_limited, ..TokenScope::default() });
    let stops =
        [canary::leftovers(&refused, "mark", &scope).unwrap_err(), canary::created(&refused, &scope).unwrap_err()];
    for (stop, what) in stops.iter().zip(["list images", "make an image"]) {
        let (failed, why) = match stop {
            Stop::Failed(CanaryClass::Auth, broken) => (true, broken.message.as_str()),
            Stop::Unknown(why) => (false, why.as_str()),
            _ => panic!("{stop:?}"),
        };
        assert!(failed == fails && why.contains(said), "{stop:?}");
        assert!(status == 401 && by_glance || why.contains(what), "{why}");
    }
    let now = Timestamp::UNIX_EPOCH;
    let counted = canary::count_stuck(&mut StuckImages::default(), &refused, "queued", now, &scope);
    assert!(counted.is_err_and(|why| why.contains(said)));
}

/// Without an answer, only a connection that HTTP has cut says something about uploads.
#[test]
fn a_canary_without_an_answer() {
    let progress = Progress { sent: 4, size: 10, seconds: 1 };
    let stop = |kind| {
        let wire = Wire::Failed(Unreachable::new(kind, "said", "fix"));
        canary::broken(&wire, progress, Break::new("received", "message", "fix"))
    };
    assert!(matches!(stop(UnreachableKind::Http), Stop::Cut(..)), "{:?}", stop(UnreachableKind::Http));
    assert!(matches!(stop(UnreachableKind::Connect), Stop::Unknown(why) if why.contains("said")));
}

/// All scripts are read, the likeliest first; equally likely ones stay in the page's order.
#[test]
fn the_order_in_which_scripts_are_read() {
    let scripts = [
        "/static/a.js",
        "/static/CACHE/js/b.js",
        "/static/c.js",
        "/static/dashboard/js/d.js",
        "/static/framework.module.js",
    ];
    let scripts = scripts.map(str::to_owned);
    let order = [4, 1, 3, 0, 2].map(|at| &scripts[at]);
    assert_eq!(worth_reading(&scripts), order);
}

#[test]
fn cookies_are_kept_as_browsers_do() {
    let mut jar = Jar::default();
    let set = |value: &str| vec![("set-cookie".to_owned(), value.to_owned())];
    jar.take(&set("csrftoken=a=b; expires=Thu, 27 Nov 2027 00:00:00 GMT; Path=/; SameSite=Lax"), "/x");
    jar.take(&set("sessionid=s; HttpOnly; Secure; Path=/horizon"), "/x");
    let line = |path: &str, https: bool, jar: &Jar| jar.line(path, https).map(|line| line.expose().to_owned());
    assert_eq!(line("/horizon/api/", true, &jar).as_deref(), Some("csrftoken=a=b; sessionid=s"));
    assert_eq!(line("/horizons", true, &jar).as_deref(), Some("csrftoken=a=b"));
    assert_eq!(line("/horizon", false, &jar).as_deref(), Some("csrftoken=a=b"), "secure cookies go by https");
    assert!(jar.has_secure() && !format!("{jar:?}").contains("a=b"));
    jar.take(&set("csrftoken=c; Path=/"), "/");
    assert_eq!(jar.get("csrftoken").map(Secret::expose), Some("c"));
    jar.take(&set("csrftoken=\"\"; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/"), "/");
    assert_eq!(jar.get("csrftoken"), None);
}

proptest! {
    /// Any page: no panic, and no form that the page does not have.
    #[test]
    fn any_page_is_read(page in "(<|>|/|=|\"|'|&|;|#|!--|-->|form|input|select|option|script|textarea| name=|username|password|class=alert-danger|é|\n|[ -~]){0,60}") {
        let forms = html::forms(&page);
        prop_assert!(forms.is_empty() || page.contains("form"));
        html::texts(&page, &["alert-danger"]);
        let _ = login::page(&dashboard(), &reply(200, &[], &page));
        let _ = PanelPage::read(&reply(200, &[], &page));
    }

    /// What Django escapes is read back.
    #[test]
    fn attributes_are_read_back(value in "[ -~éü]{0,40}") {
        let escaped = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#x27;");
        let forms = html::forms(&format!("<form><input name=\"a\" value=\"{escaped}\"></form>"));
        prop_assert_eq!(&forms[0].fields[0].value, &value);
    }

    /// However it is cut into pieces, it is the same data.
    #[test]
    fn content_does_not_depend_on_pieces(size in 0u64..5000, seed: u64, length in 1usize..2000) {
        let content = Content { size, seed };
        let whole: Vec<u8> = content.pieces(1 << 16).flatten().collect();
        prop_assert_eq!(whole.len() as u64, size);
        prop_assert_eq!(content.pieces(length).flatten().collect::<Vec<_>>(), whole);
    }
}
