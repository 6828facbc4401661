//! The steps of the image: create, request permission, send, wait.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use direct_upload_api::Panel;
use direct_upload_api::web::Origin;
use direct_upload_core::judge::browser::Fetch;
use direct_upload_core::judge::session::encode::multipart;
use direct_upload_core::judge::session::image::{self, Created, State};
use direct_upload_core::judge::session::panel::{self, PanelPage, carries_csrf};
use direct_upload_core::judge::session::put::{self, Progress};
use direct_upload_core::judge::session::report::StepResult;
use direct_upload_core::judge::session::{Break, Mode, Reply, RequestUrl, Secret, Settings, VerifyStep};
use direct_upload_core::judge::{
    CheckVerdict, HttpRequest, Preflight, PreflightOutcome, Wire, address_space, user_agent,
};
use tokio::time::sleep;

use super::attempt::{Attempt, Event, Made};
use super::send::{Data, send};
use crate::probe::{Depth, Gate, Probe, http, preflight};

/// How many scripts of the page to read for Horizon's framework.
const SCRIPTS: usize = 40;

/// The longest pause between two requests for the image's state.
const PAUSE: Duration = Duration::from_secs(5);

impl Attempt<'_> {
    pub(super) async fn direct(&mut self, settings: &Settings, page: &PanelPage, sent: Panel) -> Result<String, Break> {
        self.begin(VerifyStep::Create);
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
        let asked = Preflight {
            origin: self.at.origin.clone(),
            endpoint,
            image: created.id.clone(),
            uploads: vec![upload],
            refers: true,
        };
        self.account.upload_url = Some(asked.url());
        self.passed(format!("image {}; its data goes to {}", created.id, asked.url()));
        self.begin(VerifyStep::Policy);
        self.policy(page, &asked)?;
        self.begin(VerifyStep::Preflight);
        self.preflight(&asked).await?;
        self.begin(VerifyStep::Upload);
        self.put(&asked, &token).await?;
        Ok(created.id)
    }

    pub(super) async fn create(&mut self, settings: &Settings, page: &PanelPage) -> Result<Created, Break> {
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
    pub(super) fn below(&self, action: &str) -> String {
        let place = self.place("project/images/create/").join(action);
        let path = place.map(|place| place.path).unwrap_or_default();
        path.strip_prefix(&self.webroot).filter(|path| !path.is_empty()).unwrap_or("project/images/create/").to_owned()
    }

    pub(super) fn note_image(&mut self, reply: &Reply) {
        self.made = match image::id_in(reply) {
            Some(id) => Made::Image(id),
            // A refusal created nothing; any other answer may have.
            None if (400..=499).contains(&reply.head.status) => Made::Nothing,
            None => Made::Perhaps,
        };
    }

    /// Whether the page's scripts remove X-CSRFToken from uploads.
    pub(super) async fn strips(&mut self, page: &PanelPage) -> Option<bool> {
        let base = self.place("project/images/");
        let mut headers = vec![("Accept", "*/*")];
        headers.extend(Fetch::Script.metadata(&base.origin));
        for script in panel::worth_reading(&page.scripts).into_iter().take(SCRIPTS) {
            let Some(place) = base.join(script).filter(|place| place.origin == base.origin) else { continue };
            let Ok(reply) = self.client.ask("GET", &place, &headers, String::new()).await else { continue };
            if let Some(strips) = panel::strips_csrf(&reply.text()) {
                return Some(strips);
            }
        }
        self.account.advice.push(
            "the page's scripts do not show whether uploads have X-CSRFToken; the preflight assumed that they do"
                .to_owned(),
        );
        None
    }

    /// Why the browser sends nothing, before Glance gets a request.
    pub(super) fn policy(&mut self, page: &PanelPage, asked: &Preflight) -> Result<(), Break> {
        if let Some(broken) = page.forbids(asked) {
            return Err(broken);
        }
        let to = asked.endpoint.origin();
        self.passed(match page.policies.len() {
            0 => "the page has no Content-Security-Policy for connections".to_owned(),
            _ => format!("the page's Content-Security-Policy lets it connect to {to}"),
        });
        Ok(())
    }

    pub(super) async fn preflight(&mut self, asked: &Preflight) -> Result<(), Break> {
        let probe = Probe {
            origin: asked.origin.clone(),
            endpoint: asked.endpoint.clone(),
            panel: asked.panel(),
            hosts: self.asked.hosts.clone(),
            trust: self.asked.trust.clone(),
            gate: Gate::default(),
            uploads: None,
            page: None,
            address_spaces: false,
            depth: Depth::Checks,
        };
        if asked.same_origin() {
            if let Some(failure) = asked.objection(true) {
                return Err(failure.into());
            }
            self.ended(StepResult::Skipped, "dashboard and Glance have the same origin: browsers send none".to_owned());
            return Ok(());
        }
        match preflight::preflight(&probe, asked).await {
            PreflightOutcome::Objection(failure) => Err((*failure).into()),
            PreflightOutcome::Unreachable(why) => Err(why.into()),
            PreflightOutcome::Judged { address, answer, verdict } => {
                if let Some(failure) = verdict.failure {
                    return Err(failure.into());
                }
                self.account.advice.extend(verdict.advice.iter().map(ToString::to_string));
                self.address_spaces(asked, address.ip())?;
                let headers = asked.headers().join(", ");
                self.passed(format!("granted for {headers}: status {} from {address}", answer.status));
                Ok(())
            }
        }
    }

    /// Whether the browser asks its user for permission first; unknown if an address was given for a name.
    fn address_spaces(&mut self, asked: &Preflight, glance: IpAddr) -> Result<(), Break> {
        let is_given =
            |origin: &Origin| self.asked.hosts.iter().any(|host| host.name.eq_ignore_ascii_case(origin.host()));
        let Some(dashboard) = self.client.address.filter(|_| !is_given(&asked.origin)) else { return Ok(()) };
        if is_given(asked.endpoint.origin()) {
            return Ok(());
        }
        match address_space::judge(&[dashboard.ip()], &[glance], false) {
            CheckVerdict::Refused(failure) => return Err((*failure).into()),
            CheckVerdict::Passed(advice) => self.account.advice.extend(advice.iter().map(ToString::to_string)),
            CheckVerdict::Unknown(_) => {}
        }
        Ok(())
    }

    pub(super) async fn put(&mut self, asked: &Preflight, token: &Secret) -> Result<(), Break> {
        let mut request = put::request(asked, self.asked.size);
        request.lines.push(("X-Auth-Token", token.expose().to_owned()));
        let carries = asked.uploads.iter().any(carries_csrf);
        if let Some(csrf) = self.csrf.as_ref().filter(|_| carries) {
            request.lines.push(("X-CSRFToken", csrf.expose().to_owned()));
        }
        let to = RequestUrl { origin: asked.endpoint.origin().clone(), path: request.path.clone() };
        let data = Data { before: String::new(), content: self.content, after: String::new(), pace: Duration::ZERO };
        // Cookies do not depend on ports. With credentials, they go to everything on the dashboard's host.
        let with_cookies =
            asked.same_origin() || (asked.panel() == Panel::Django && to.origin.host() == asked.origin.host());
        let (wire, progress) = self.send(&to, request, data, with_cookies).await?;
        put::judge(asked, &wire, progress)?;
        self.passed(format!("{} bytes in {} s, and the page may read the answer", progress.sent, progress.seconds));
        Ok(())
    }

    pub(super) async fn send(
        &self,
        to: &RequestUrl,
        mut request: HttpRequest,
        data: Data,
        with_cookies: bool,
    ) -> Result<(Wire, Progress), Break> {
        if let Some(cookies) = self.client.cookies(to).filter(|_| with_cookies) {
            request.lines.push(("Cookie", cookies.expose().to_owned()));
        }
        let began = Instant::now();
        let (stream, address, host) = self.client.open(&to.origin).await?;
        let text = Secret::new(http::request(&to.origin, &request, None));
        // Each value leaves its scope as a secret.
        request.lines.into_iter().for_each(|(_, value)| drop(Secret::new(value)));
        let told = |bytes| (self.told)(Event::Sent { bytes, of: data.content.size });
        let (wire, sent) = send(stream, (&host, address), &text, &data, self.asked.patience, told).await;
        Ok((wire, Progress { sent, size: data.content.size, seconds: began.elapsed().as_secs() }))
    }

    /// The file goes to Horizon, which forwards it itself.
    pub(super) async fn legacy(&mut self, settings: &Settings, page: &PanelPage) -> Result<String, Break> {
        let file = format!("{}.img", self.name);
        self.begin(VerifyStep::Upload);
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
            ("User-Agent", user_agent()),
            ("X-Requested-With", "XMLHttpRequest".to_owned()),
        ];
        lines.extend(self.csrf.as_ref().map(|token| ("X-CSRFToken", token.expose().to_owned())));
        let request = HttpRequest { method: "POST", path: to.path.clone(), lines };
        let data = Data { before: body.before, content: self.content, after: body.after, pace: Duration::ZERO };
        self.made = Made::Perhaps;
        let (wire, progress) = self.send(&to, request, data, true).await?;
        put::judge_legacy(&wire, progress)?;
        let Some(id) = self.look_up().await? else {
            return Err(Break::new(
                format!("no image {} in the list", self.name),
                "Horizon accepted the file but created no image: it refused a field of the form, or Glance refused the image",
                "look at Horizon's log; quotas and policy (add_image) are the usual causes",
            ));
        };
        self.made = Made::Image(id.clone());
        self.passed(format!("{} bytes in {} s, through Horizon; image {id}", progress.sent, progress.seconds));
        Ok(id)
    }

    pub(super) async fn look_up(&mut self) -> Result<Option<String>, Break> {
        let path = format!("api/glance/images/?name={}", self.name);
        let reply = self.script("GET", &path, &[], String::new()).await?;
        Ok(image::listed(&reply, &self.name))
    }

    pub(super) async fn wait(&mut self, id: &str, mode: Mode) -> Result<State, Break> {
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
}

fn boundary() -> String {
    format!("----direct-upload-{}", uuid::Uuid::new_v4().simple())
}
