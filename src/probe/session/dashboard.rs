//! The steps at the dashboard before the image: its page, the login, what it says about itself.

use direct_upload_core::judge::browser::Fetch;
use direct_upload_core::judge::session::encode::urlencoded;
use direct_upload_core::judge::session::login::{self, Next};
use direct_upload_core::judge::session::panel::PanelPage;
use direct_upload_core::judge::session::settings::Identity;
use direct_upload_core::judge::session::{Break, LoginForm, Reply, RequestUrl, Settings};

use super::attempt::Attempt;

/// How many redirects to follow before the login form.
const REDIRECTS: usize = 6;

impl Attempt<'_> {
    /// A page below the dashboard.
    pub(super) fn place(&self, path: &str) -> RequestUrl {
        RequestUrl { origin: self.at.origin.clone(), path: format!("{}{path}", self.webroot) }
    }

    /// Sends the headers of a page's script: `X-Requested-With`, the CSRF token, and what browsers add.
    pub(super) async fn script(
        &mut self,
        method: &str,
        path: &str,
        more: &[(&str, &str)],
        body: String,
    ) -> Result<Reply, Break> {
        let place = self.place(path);
        let origin = place.origin.to_string();
        let referer = format!("{origin}{}", self.webroot);
        let csrf = self.csrf.clone();
        let mut headers = vec![
            ("Accept", "application/json, text/plain, */*"),
            ("X-Requested-With", "XMLHttpRequest"),
            ("Referer", referer.as_str()),
        ];
        if method != "GET" {
            headers.push(("Origin", origin.as_str()));
            headers.extend(csrf.as_ref().map(|token| ("X-CSRFToken", token.expose())));
        }
        headers.extend(Fetch::Call.metadata(&place.origin));
        headers.extend(more);
        Ok(self.client.ask(method, &place, &headers, body).await?)
    }

    pub(super) async fn page(&mut self, place: &RequestUrl) -> Result<Reply, Break> {
        let mut html = vec![("Accept", "text/html,application/xhtml+xml")];
        html.extend(Fetch::Page.metadata(&place.origin));
        Ok(self.client.ask("GET", place, &html, String::new()).await?)
    }

    pub(super) async fn find(&mut self) -> Result<LoginForm, Break> {
        let mut title = None;
        for path in ["/", "/auth/login/"] {
            let mut place = RequestUrl::at(&self.asked.dashboard, path);
            for _ in 0..REDIRECTS {
                let reply = self.page(&place).await?;
                match login::page(&place, &reply)? {
                    Next::Redirect(to) => place = to,
                    Next::NoForm => {
                        title = title.or_else(|| login::title(&reply.text()));
                        break;
                    }
                    Next::Form(form) => {
                        self.found(place, &form);
                        return Ok(form);
                    }
                }
            }
        }
        let title = title.map(|title| format!("; the page is called {title:?}")).unwrap_or_default();
        Err(Break::new(
            format!(
                "neither {}/ nor its auth/login/ shows a form with user name and password{title}",
                self.asked.dashboard
            ),
            "no Horizon is there",
            "give the dashboard's URL as users type it, with its path if it has one (Debian: /horizon)",
        ))
    }

    pub(super) fn found(&mut self, place: RequestUrl, form: &LoginForm) {
        self.account.origin = Some(place.origin.to_string());
        if let Some(webroot) = form.webroot() {
            self.webroot = webroot;
        }
        if !place.origin.is_https() {
            self.account.advice.push("the dashboard is http: password and token travel unencrypted".to_owned());
        }
        let from = self.client.address.map(|address| format!(", from {address}")).unwrap_or_default();
        self.at = place;
        self.passed(format!("Horizon's login at {}{}{from}", self.at.origin, self.webroot));
    }

    pub(super) async fn log_in(&mut self, form: &LoginForm) -> Result<(), Break> {
        let person = &self.asked.person;
        let fields = form.filled(person)?;
        self.account.advice.extend(form.advice(person));
        let body = urlencoded(&fields, ("password", self.asked.password.expose()));
        let (origin, referer) = (self.at.origin.to_string(), format!("{}{}", self.at.origin, self.at.path));
        let mut headers = vec![
            ("Accept", "text/html,application/xhtml+xml"),
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Origin", origin.as_str()),
            ("Referer", referer.as_str()),
        ];
        headers.extend(Fetch::Form.metadata(&form.to.origin));
        let reply = self.client.ask("POST", &form.to, &headers, body).await?;
        login::entered(form, &reply)?;
        self.is_logged_in = true;
        self.csrf = self.client.jar().get("csrftoken").cloned();
        let mut identity = self.identity().await?;
        if let Some(project) = self.asked.project.as_ref() {
            identity = self.switch_project(identity, project).await?;
        }
        if let Some(region) = self.asked.person.region.as_ref() {
            identity = self.switch_region(identity, region).await?;
        }
        let named =
            |name: &str, value: &Option<String>| value.as_ref().map(|v| format!(", {name} {v}")).unwrap_or_default();
        let message = format!(
            "as {}{}{}{}",
            identity.user.as_ref().unwrap_or(&person.user),
            named("domain", &identity.domain),
            named("project", &identity.project),
            named("region", &identity.region)
        );
        self.account.identity = Some(identity);
        self.passed(message);
        Ok(())
    }

    pub(super) async fn identity(&mut self) -> Result<Identity, Break> {
        Ok(Identity::read(&self.script("GET", "api/keystone/user-session/", &[], String::new()).await?))
    }

    pub(super) async fn switch_project(&mut self, identity: Identity, wanted: &str) -> Result<Identity, Break> {
        let is = |identity: &Identity| {
            [&identity.project, &identity.project_id].iter().any(|v| v.as_deref() == Some(wanted))
        };
        if is(&identity) {
            return Ok(identity);
        }
        let page = self.page(&self.place("project/images/")).await?;
        let projects = PanelPage::read(&page)?.projects;
        let Some(project) = projects.iter().find(|project| project.id == wanted || project.name == wanted) else {
            let names: Vec<_> = projects.into_iter().map(|project| project.name).collect();
            return Err(Break::new(
                format!(
                    "the dashboard offers: {}",
                    if names.is_empty() { "no other project".to_owned() } else { names.join(", ") }
                ),
                format!("the user cannot work in the project {wanted:?}"),
                "name one of them with --project, by name or id, or give the user a role in that project",
            ));
        };
        if let Some(place) = self.place("").join(&project.link).filter(|place| place.origin == self.at.origin) {
            self.page(&place).await?;
        }
        let identity = self.identity().await?;
        if is(&identity) {
            return Ok(identity);
        }
        Err(Break::new(
            format!("project {}", identity.project.as_deref().unwrap_or("unknown")),
            format!("Horizon did not switch to the project {wanted:?}"),
            "look at Horizon's log",
        ))
    }

    pub(super) async fn switch_region(&mut self, identity: Identity, wanted: &str) -> Result<Identity, Break> {
        if identity.region.as_deref() == Some(wanted) {
            return Ok(identity);
        }
        let name: String = url_path(wanted);
        self.page(&self.place(&format!("auth/switch_services_region/{name}/"))).await?;
        let identity = self.identity().await?;
        if identity.region.as_deref() == Some(wanted) {
            return Ok(identity);
        }
        Err(Break::new(
            format!("regions: {}", identity.regions.join(", ")),
            format!("Horizon has no region {wanted:?} for this user's project"),
            "choose one of them with --region",
        ))
    }

    pub(super) async fn settings(&mut self) -> Result<Settings, Break> {
        let reply = self.script("GET", "api/settings/", &[], String::new()).await?;
        let settings = Settings::read(&reply, self.at.origin.is_https(), self.client.jar().has_secure())?;
        self.account.mode = Some(settings.mode);
        settings.is_fit(self.asked.mode)?;
        self.passed(format!("upload mode {}; the image will be {}", settings.mode, settings.format()));
        Ok(settings)
    }

    pub(super) async fn panel(&mut self) -> Result<PanelPage, Break> {
        let reply = self.page(&self.place("project/images/")).await?;
        let page = PanelPage::read(&reply)?;
        if let Some(token) = &page.csrf {
            self.csrf = Some(token.clone());
        }
        let asked = self.asked.panel.filter(|asked| *asked != page.panel);
        let more = asked
            .map(|asked| format!("; the upload is sent as the {} sends it, as requested", asked.name()))
            .unwrap_or_default();
        self.passed(format!("{}{more}", page.panel.name()));
        Ok(page)
    }
}

/// A name as one segment of a path.
fn url_path(name: &str) -> String {
    name.bytes().fold(String::new(), |all, byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
            all + char::from(byte).encode_utf8(&mut [0; 4])
        }
        _ => all + &format!("%{byte:02X}"),
    })
}
