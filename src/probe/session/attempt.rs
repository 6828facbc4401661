//! One attempt, step by step, and what is taken away after it.

use std::time::{Duration, Instant};

use direct_upload_api::Panel;
use direct_upload_api::web::PublicUrl;
use direct_upload_core::judge::session::encode::{multipart, urlencoded};
use direct_upload_core::judge::session::image::{self, Compared, Created, State};
use direct_upload_core::judge::session::login::{self, Next};
use direct_upload_core::judge::session::panel::{self, PanelPage, carries_csrf};
use direct_upload_core::judge::session::put::{self, Progress};
use direct_upload_core::judge::session::report::{
    BreakReport, Leftover, Outcome as Verdict, Result as Ended, StepReport,
};
use direct_upload_core::judge::session::settings::Identity;
use direct_upload_core::judge::session::{
    Account, Break, Content, LoginForm, Mode, Person, Place, Reply, Secret, Settings, Step,
};
use direct_upload_core::judge::{Outcome, Preflight, Request};
use tokio::time::sleep;

use super::client::{Client, Reach};
use super::send::{Data, send};
use crate::probe::connect::{Host, Trust};
use crate::probe::{Probe, Proxies, preflight};

/// How many redirects are followed before the login form.
const REDIRECTS: usize = 6;

/// How many scripts of the page are read for Horizon's framework.
const SCRIPTS: usize = 40;

/// The longest pause between two looks at the image.
const PAUSE: Duration = Duration::from_secs(5);

/// What is asked.
#[derive(Clone, Debug)]
pub struct Verify {
    pub dashboard: PublicUrl,
    pub person: Person,
    pub password: Secret,
    /// Name or id; none: the one that Horizon chooses.
    pub project: Option<String>,
    /// Whose upload is sent; none: that of the panel which the dashboard has.
    pub panel: Option<Panel>,
    /// The upload mode that the dashboard must have.
    pub mode: Option<Mode>,
    pub size: u64,
    /// Leave the image.
    pub keep: bool,
    /// How long nothing may happen while data is sent, and how long the image may take to become active.
    pub patience: Duration,
    pub hosts: Vec<Host>,
    pub trust: Trust,
}

/// What is told while it goes on.
pub enum Event<'a> {
    Step(&'a StepReport),
    Sent { bytes: u64, of: u64 },
}

/// Plays the person; ends early when `stop` does, and takes away what it made all the same.
pub async fn verify(asked: &Verify, told: &(dyn Fn(Event<'_>) + Sync), stop: impl Future<Output = ()>) -> Account {
    let mut attempt = Attempt::new(asked, told);
    let ended = tokio::select! {
        ended = attempt.run() => ended,
        () = stop => Err(Break::new("a signal", "interrupted", "run it again")),
    };
    if let Err(broken) = ended {
        attempt.failed(broken);
    }
    attempt.take_away().await;
    attempt.log_out().await;
    attempt.account
}

/// The image that may have to be deleted.
enum Made {
    Nothing,
    /// Asked for, and no answer seen.
    Perhaps,
    Image(String),
}

struct Attempt<'a> {
    asked: &'a Verify,
    told: &'a (dyn Fn(Event<'_>) + Sync),
    client: Client,
    account: Account,
    step: Step,
    since: Instant,
    /// The page that the login form came from.
    at: Place,
    webroot: String,
    is_logged_in: bool,
    csrf: Option<Secret>,
    content: Content,
    name: String,
    made: Made,
}

impl<'a> Attempt<'a> {
    fn new(asked: &'a Verify, told: &'a (dyn Fn(Event<'_>) + Sync)) -> Self {
        let id = uuid::Uuid::new_v4();
        let (high, low) = id.as_u64_pair();
        Self {
            asked,
            told,
            client: Client::new(Reach { hosts: asked.hosts.clone(), trust: asked.trust.clone() }),
            account: Account {
                verdict: Verdict::Works,
                dashboard: asked.dashboard.to_string(),
                origin: None,
                identity: None,
                mode: None,
                panel: asked.panel,
                upload_url: None,
                bytes: asked.size,
                steps: vec![],
                failure: None,
                advice: vec![],
                leftover: None,
            },
            step: Step::Dashboard,
            since: Instant::now(),
            at: Place::at(&asked.dashboard, "/"),
            webroot: format!("{}/", asked.dashboard.path()),
            is_logged_in: false,
            csrf: None,
            content: Content { size: asked.size, seed: high ^ low },
            name: format!("{}{id}", image::PREFIX),
            made: Made::Nothing,
        }
    }

    async fn run(&mut self) -> Result<(), Break> {
        self.begin(Step::Dashboard);
        let form = self.find().await?;
        self.begin(Step::Login);
        self.log_in(&form).await?;
        self.begin(Step::Settings);
        let settings = self.settings().await?;
        self.begin(Step::Panel);
        let page = self.panel().await?;
        let sent = self.asked.panel.unwrap_or(page.panel);
        self.account.panel = Some(sent);
        let id = match settings.mode {
            Mode::Direct => self.direct(&settings, &page, sent).await?,
            Mode::Legacy | Mode::Off => self.legacy(&settings, &page).await?,
        };
        self.begin(Step::Active);
        let state = self.wait(&id, settings.mode).await?;
        self.begin(Step::Content);
        let message = match image::compare(self.content, &state)? {
            Compared::Whole(algorithm) => format!("size and {algorithm} are those of what was sent"),
            Compared::SizeOnly => {
                "the size is that of what was sent; no checksum is shown that can be compared".to_owned()
            }
        };
        self.passed(message);
        Ok(())
    }

    // --- Telling ---------------------------------------------------------------------------------

    fn begin(&mut self, step: Step) {
        (self.step, self.since) = (step, Instant::now());
    }

    fn passed(&mut self, message: impl Into<String>) {
        self.ended(Ended::Passed, message.into());
    }

    fn ended(&mut self, result: Ended, message: String) {
        let milliseconds = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        let step = StepReport { step: self.step, result, message, milliseconds };
        (self.told)(Event::Step(&step));
        self.account.steps.push(step);
    }

    fn failed(&mut self, broken: Break) {
        self.ended(Ended::Failed, broken.message.clone());
        self.account.verdict = Verdict::Broken;
        if self.account.failure.is_none() {
            self.account.failure = Some(BreakReport::new(self.step, broken));
        }
    }

    // --- The dashboard ---------------------------------------------------------------------------

    /// A page below the dashboard.
    fn place(&self, path: &str) -> Place {
        Place { origin: self.at.origin.clone(), path: format!("{}{path}", self.webroot) }
    }

    /// As a page's script asks: `X-Requested-With`, the CSRF token, and what browsers add of themselves.
    async fn script(&mut self, method: &str, path: &str, more: &[(&str, &str)], body: String) -> Result<Reply, Break> {
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
        headers.extend(more);
        Ok(self.client.ask(method, &place, &headers, body).await?)
    }

    async fn page(&mut self, place: &Place) -> Result<Reply, Break> {
        let html = [("Accept", "text/html,application/xhtml+xml")];
        Ok(self.client.ask("GET", place, &html, String::new()).await?)
    }

    async fn find(&mut self) -> Result<LoginForm, Break> {
        let mut title = None;
        for path in ["/", "/auth/login/"] {
            let mut place = Place::at(&self.asked.dashboard, path);
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
            "give the dashboard's URL as people type it, with its path where it has one (Debian: /horizon)",
        ))
    }

    fn found(&mut self, place: Place, form: &LoginForm) {
        self.account.origin = Some(place.origin.to_string());
        if let Some(webroot) = form.webroot() {
            self.webroot = webroot;
        }
        if !place.origin.is_https() {
            self.account
                .advice
                .push("the dashboard is http: password and token go over the network in the clear".to_owned());
        }
        let from = self.client.address.map(|address| format!(", from {address}")).unwrap_or_default();
        self.at = place;
        self.passed(format!("Horizon's login at {}{}{from}", self.at.origin, self.webroot));
    }

    async fn log_in(&mut self, form: &LoginForm) -> Result<(), Break> {
        let person = &self.asked.person;
        let fields = form.filled(person)?;
        self.account.advice.extend(form.advice(person));
        let body = urlencoded(&fields, ("password", self.asked.password.expose()));
        let (origin, referer) = (self.at.origin.to_string(), format!("{}{}", self.at.origin, self.at.path));
        let headers = [
            ("Accept", "text/html,application/xhtml+xml"),
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Origin", origin.as_str()),
            ("Referer", referer.as_str()),
        ];
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

    async fn identity(&mut self) -> Result<Identity, Break> {
        Ok(Identity::read(&self.script("GET", "api/keystone/user-session/", &[], String::new()).await?))
    }

    async fn switch_project(&mut self, identity: Identity, wanted: &str) -> Result<Identity, Break> {
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
                "give the name or id of one of them with --project, or the user a role in that project",
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

    async fn switch_region(&mut self, identity: Identity, wanted: &str) -> Result<Identity, Break> {
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
            "give one of them with --region",
        ))
    }

    async fn settings(&mut self) -> Result<Settings, Break> {
        let reply = self.script("GET", "api/settings/", &[], String::new()).await?;
        let settings = Settings::read(&reply, self.at.origin.is_https(), self.client.jar().has_secure())?;
        self.account.mode = Some(settings.mode);
        settings.is_fit(self.asked.mode)?;
        self.passed(format!("upload mode {}; the image will be {}", settings.mode, settings.format()));
        Ok(settings)
    }

    async fn panel(&mut self) -> Result<PanelPage, Break> {
        let reply = self.page(&self.place("project/images/")).await?;
        let page = PanelPage::read(&reply)?;
        if let Some(token) = &page.csrf {
            self.csrf = Some(token.clone());
        }
        let asked = self.asked.panel.filter(|asked| *asked != page.panel);
        let more = asked
            .map(|asked| format!("; the upload is sent as the {} does, as asked", asked.name()))
            .unwrap_or_default();
        self.passed(format!("{}{more}", page.panel.name()));
        Ok(page)
    }

    // --- The upload ------------------------------------------------------------------------------

    async fn direct(&mut self, settings: &Settings, page: &PanelPage, sent: Panel) -> Result<String, Break> {
        self.begin(Step::Create);
        let created = self.create(settings, page).await?;
        let Some((endpoint, token)) = created.upload else {
            return Err(Break::new(
                "no upload URL",
                "Horizon does not say where the data goes",
                "look at Horizon's log",
            ));
        };
        let strips = if sent == Panel::Angular && page.csrf.is_some() { self.strips(page).await } else { None };
        let upload = page.upload(sent, strips);
        let asked =
            Preflight { origin: self.at.origin.clone(), endpoint, image: created.id.clone(), uploads: vec![upload] };
        self.account.upload_url = Some(asked.url());
        self.passed(format!("image {}; its data goes to {}", created.id, asked.url()));
        self.begin(Step::Policy);
        self.policy(page, &asked)?;
        self.begin(Step::Preflight);
        self.preflight(&asked).await?;
        self.begin(Step::Upload);
        self.put(&asked, &token).await?;
        Ok(created.id)
    }

    async fn create(&mut self, settings: &Settings, page: &PanelPage) -> Result<Created, Break> {
        let file = format!("{}.img", self.name);
        if page.panel == Panel::Django {
            let form = self.script("GET", "project/images/create/", &[], String::new()).await?;
            let form = panel::create_form(&form, &self.name, settings.format(), &file)?;
            if form.is_external {
                let body = multipart(&boundary(), &form.fields, None);
                let path = self.below(&form.action);
                self.made = Made::Perhaps;
                let reply = self
                    .script("POST", &path, &[("Content-Type", &body.content_type)], body.before + &body.after)
                    .await?;
                self.note_image(&reply);
                return image::by_django(&reply);
            }
        }
        let image = image::described(&self.name, settings.format(), settings.mode, Some(&file));
        self.made = Made::Perhaps;
        let json = [("Content-Type", "application/json;charset=utf-8")];
        let reply = self.script("PUT", "api/glance/images/", &json, image.to_string()).await?;
        self.note_image(&reply);
        image::by_angular(&reply)
    }

    /// A form's action as a path below the dashboard.
    fn below(&self, action: &str) -> String {
        let place = self.place("project/images/create/").join(action);
        let path = place.map(|place| place.path).unwrap_or_default();
        path.strip_prefix(&self.webroot).filter(|path| !path.is_empty()).unwrap_or("project/images/create/").to_owned()
    }

    fn note_image(&mut self, reply: &Reply) {
        self.made = match image::id_in(reply) {
            Some(id) => Made::Image(id),
            // A refusal made nothing; what else came may have.
            None if (400..=499).contains(&reply.head.status) => Made::Nothing,
            None => Made::Perhaps,
        };
    }

    /// Whether the page's scripts take X-CSRFToken off uploads.
    async fn strips(&mut self, page: &PanelPage) -> Option<bool> {
        let base = self.place("project/images/");
        for script in panel::worth_reading(&page.scripts).into_iter().take(SCRIPTS) {
            let Some(place) = base.join(script).filter(|place| place.origin == base.origin) else { continue };
            let Ok(reply) = self.client.ask("GET", &place, &[("Accept", "*/*")], String::new()).await else { continue };
            if let Some(strips) = panel::strips_csrf(&reply.text()) {
                return Some(strips);
            }
        }
        self.account.advice.push(
            "the page's scripts do not tell whether uploads carry X-CSRFToken: it was asked as if they did".to_owned(),
        );
        None
    }

    /// What makes the browser send nothing, before Glance is asked.
    fn policy(&mut self, page: &PanelPage, asked: &Preflight) -> Result<(), Break> {
        let to = asked.endpoint.origin();
        let path = asked.endpoint.upload_path(&asked.image);
        if let Some(forbidden) = page.policies.iter().find_map(|policy| policy.forbids(&asked.origin, to, &path)) {
            return Err(forbidden.broken(to));
        }
        self.passed(match page.policies.len() {
            0 => "the page has no Content-Security-Policy".to_owned(),
            _ => format!("the page's Content-Security-Policy lets it connect to {to}"),
        });
        Ok(())
    }

    async fn preflight(&mut self, asked: &Preflight) -> Result<(), Break> {
        let probe = Probe {
            origin: asked.origin.clone(),
            endpoint: asked.endpoint.clone(),
            panel: asked.panel(),
            hosts: self.asked.hosts.clone(),
            trust: self.asked.trust.clone(),
            proxies: Proxies::default(),
            denied: vec![],
            narrow: true,
            uploads: None,
            panels: false,
        };
        if asked.same_origin() {
            if let Some(failure) = asked.objection(true) {
                return Err(failure.into());
            }
            self.ended(Ended::Skipped, "dashboard and Glance have the same origin: browsers send none".to_owned());
            return Ok(());
        }
        match preflight::preflight(&probe, asked).await {
            Outcome::Objection(failure) => Err((*failure).into()),
            Outcome::Unreachable(why) => Err(why.into()),
            Outcome::Judged { address, answer, verdict } => {
                if let Some(failure) = verdict.failure {
                    return Err(failure.into());
                }
                self.account.advice.extend(verdict.advice.iter().map(ToString::to_string));
                let headers = asked.headers().join(", ");
                self.passed(format!("granted for {headers}: status {} from {address}", answer.status));
                Ok(())
            }
        }
    }

    async fn put(&mut self, asked: &Preflight, token: &Secret) -> Result<(), Break> {
        let mut request = put::request(asked, self.asked.size);
        request.lines.push(("X-Auth-Token", token.expose().to_owned()));
        let carries = asked.uploads.iter().any(carries_csrf);
        if let Some(csrf) = self.csrf.as_ref().filter(|_| carries) {
            request.lines.push(("X-CSRFToken", csrf.expose().to_owned()));
        }
        let to = Place { origin: asked.endpoint.origin().clone(), path: request.path.clone() };
        let data = Data { before: String::new(), content: self.content, after: String::new() };
        // Cookies know no ports: with credentials they go to whatever is on the dashboard's host.
        let with_cookies =
            asked.same_origin() || (asked.panel() == Panel::Django && to.origin.host() == asked.origin.host());
        let (wire, progress) = self.send(&to, request, data, with_cookies).await?;
        put::judge(asked, &wire, progress)?;
        self.passed(format!("{} bytes in {} s, and the page may read the answer", progress.sent, progress.seconds));
        Ok(())
    }

    async fn send(
        &self,
        to: &Place,
        mut request: Request,
        data: Data,
        with_cookies: bool,
    ) -> Result<(direct_upload_core::judge::Wire, Progress), Break> {
        if let Some(cookies) = self.client.cookies(to).filter(|_| with_cookies) {
            request.lines.push(("Cookie", cookies.expose().to_owned()));
        }
        let began = Instant::now();
        let (stream, address, host) = self.client.open(&to.origin).await?;
        let text = Secret::new(preflight::request(&to.origin, &request, None));
        // Each value goes out of scope as a secret.
        request.lines.into_iter().for_each(|(_, value)| drop(Secret::new(value)));
        let told = |bytes| (self.told)(Event::Sent { bytes, of: data.content.size });
        let (wire, sent) = send(stream, (&host, address), &text, &data, self.asked.patience, told).await;
        Ok((wire, Progress { sent, size: data.content.size, seconds: began.elapsed().as_secs() }))
    }

    /// The file goes to Horizon, which passes it on by itself.
    async fn legacy(&mut self, settings: &Settings, page: &PanelPage) -> Result<String, Break> {
        let file = format!("{}.img", self.name);
        self.begin(Step::Upload);
        let (path, body) = if page.panel == Panel::Django {
            let form = self.script("GET", "project/images/create/", &[], String::new()).await?;
            let form = panel::create_form(&form, &self.name, settings.format(), &file)?;
            (self.below(&form.action), multipart(&boundary(), &form.fields, Some(("image_file", &file))))
        } else {
            let image = image::described(&self.name, settings.format(), settings.mode, None);
            let fields = image::as_fields(&image);
            ("api/glance/images/".to_owned(), multipart(&boundary(), &fields, Some(("data", &file))))
        };
        let to = self.place(&path);
        self.account.upload_url = Some(format!("{}{}", to.origin, to.path));
        let length = (body.before.len() + body.after.len()) as u64 + self.asked.size;
        let mut lines = vec![
            ("Content-Length", length.to_string()),
            ("Accept", "application/json, text/plain, */*".to_owned()),
            ("Accept-Language", "en".to_owned()),
            ("Content-Type", body.content_type),
            ("Origin", to.origin.to_string()),
            ("Referer", format!("{}{}", to.origin, self.webroot)),
            ("User-Agent", direct_upload_core::judge::user_agent()),
            ("X-Requested-With", "XMLHttpRequest".to_owned()),
        ];
        lines.extend(self.csrf.as_ref().map(|token| ("X-CSRFToken", token.expose().to_owned())));
        let request = Request { method: "POST", path: to.path.clone(), lines };
        let data = Data { before: body.before, content: self.content, after: body.after };
        self.made = Made::Perhaps;
        let (wire, progress) = self.send(&to, request, data, true).await?;
        put::judge_legacy(&wire, progress)?;
        let Some(id) = self.look_up().await? else {
            return Err(Break::new(
                format!("no image {} in the list", self.name),
                "Horizon took the file, and made no image",
                "look at Horizon's log",
            ));
        };
        self.made = Made::Image(id.clone());
        self.passed(format!("{} bytes in {} s, through Horizon; image {id}", progress.sent, progress.seconds));
        Ok(id)
    }

    async fn look_up(&mut self) -> Result<Option<String>, Break> {
        let path = format!("api/glance/images/?name={}", self.name);
        let reply = self.script("GET", &path, &[], String::new()).await?;
        Ok(image::listed(&reply, &self.name))
    }

    async fn wait(&mut self, id: &str, mode: Mode) -> Result<State, Break> {
        let began = Instant::now();
        let mut pause = Duration::from_millis(250);
        loop {
            let reply = self.script("GET", &format!("api/glance/images/{id}/"), &[], String::new()).await?;
            let state = State::read(&reply);
            let waited = began.elapsed();
            if let Some(state) = state.clone().filter(State::is_active) {
                self.passed(format!("after {} s", waited.as_secs()));
                return Ok(state);
            }
            let may_change = state.as_ref().is_none_or(State::is_under_way);
            if !may_change || waited >= self.asked.patience {
                return Err(image::not_active(state.as_ref(), mode, waited.as_secs()));
            }
            sleep(pause.min(self.asked.patience.saturating_sub(waited))).await;
            pause = (pause * 2).min(PAUSE);
        }
    }

    // --- Afterwards ------------------------------------------------------------------------------

    async fn take_away(&mut self) {
        if matches!(self.made, Made::Perhaps) {
            if let Ok(found) = self.look_up().await {
                self.made = found.map_or(Made::Nothing, Made::Image);
            }
        }
        let id = match &self.made {
            Made::Nothing => return,
            Made::Perhaps => None,
            Made::Image(id) => Some(id.clone()),
        };
        let leftover = Leftover { id: id.clone(), name: self.name.clone() };
        self.begin(Step::Delete);
        if self.asked.keep {
            self.ended(Ended::Skipped, format!("the image stays, as asked: {}", self.name));
            self.account.leftover = Some(leftover);
            return;
        }
        let ended = match id {
            Some(id) => self.delete(&id).await,
            None => {
                Err(Break::new("no answer", "whether Horizon made an image is not known", "look for it by its name"))
            }
        };
        match ended {
            Ok(()) => self.passed("the image is deleted"),
            Err(broken) => {
                self.account.leftover = Some(leftover);
                self.failed(broken);
            }
        }
    }

    async fn delete(&mut self, id: &str) -> Result<(), Break> {
        let reply = self.script("DELETE", &format!("api/glance/images/{id}/"), &[], String::new()).await?;
        image::deleted(&reply)
    }

    /// Ends the session; whether that succeeds changes nothing.
    async fn log_out(&mut self) {
        if self.is_logged_in {
            let token = self.csrf.clone();
            let body = urlencoded(&[], ("csrfmiddlewaretoken", token.as_ref().map_or("", Secret::expose)));
            let form = [("Content-Type", "application/x-www-form-urlencoded")];
            let _ = self.script("POST", "auth/logout/", &form, body).await;
        }
    }
}

fn boundary() -> String {
    format!("----direct-upload-{}", uuid::Uuid::new_v4().simple())
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
