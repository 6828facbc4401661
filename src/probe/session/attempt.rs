//! One attempt: its steps in order, their messages, and the clean-up after them.

use std::time::{Duration, Instant};

use direct_upload_api::Panel;
use direct_upload_api::web::PublicUrl;
use direct_upload_core::judge::session::encode::urlencoded;
use direct_upload_core::judge::session::image::{self, Compared};
use direct_upload_core::judge::session::report::{AttemptVerdict, BreakReport, Leftover, StepReport, StepResult};
use direct_upload_core::judge::session::{Account, Break, Content, Mode, Person, RequestUrl, Secret, VerifyStep};

use super::client::{Client, Reach};
use crate::probe::Gate;
use crate::probe::connect::Trust;
use crate::probe::host::Host;

/// What to do.
#[derive(Clone, Debug)]
pub struct Verify {
    pub dashboard: PublicUrl,
    pub person: Person,
    pub password: Secret,
    /// Name or id; none: the project that Horizon chooses.
    pub project: Option<String>,
    /// The panel whose upload is sent; none: the dashboard's own.
    pub panel: Option<Panel>,
    /// The upload mode that the dashboard must have.
    pub mode: Option<Mode>,
    pub size: u64,
    /// Keep the image.
    pub keep: bool,
    /// The longest silence while data is sent, and the longest wait until the image is active.
    pub patience: Duration,
    pub hosts: Vec<Host>,
    pub trust: Trust,
}

/// The messages during the attempt.
pub enum Event<'a> {
    Step(&'a StepReport),
    Sent { bytes: u64, of: u64 },
}

/// Acts like the user. It ends early when `stop` does, and then also removes what it made.
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
pub(super) enum Made {
    Nothing,
    /// It was requested, but no answer was seen.
    Perhaps,
    Image(String),
}

pub(super) struct Attempt<'a> {
    pub(super) asked: &'a Verify,
    pub(super) told: &'a (dyn Fn(Event<'_>) + Sync),
    pub(super) client: Client,
    pub(super) account: Account,
    pub(super) step: VerifyStep,
    pub(super) since: Instant,
    /// The page with the login form.
    pub(super) at: RequestUrl,
    pub(super) webroot: String,
    pub(super) is_logged_in: bool,
    pub(super) csrf: Option<Secret>,
    pub(super) content: Content,
    pub(super) name: String,
    pub(super) made: Made,
}

impl<'a> Attempt<'a> {
    fn new(asked: &'a Verify, told: &'a (dyn Fn(Event<'_>) + Sync)) -> Self {
        let id = uuid::Uuid::new_v4();
        let (high, low) = id.as_u64_pair();
        Self {
            asked,
            told,
            client: Client::new(Reach {
                hosts: asked.hosts.clone(),
                trust: asked.trust.clone(),
                gate: Gate::default(),
            }),
            account: Account {
                verdict: AttemptVerdict::Works,
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
            step: VerifyStep::Dashboard,
            since: Instant::now(),
            at: RequestUrl::at(&asked.dashboard, "/"),
            webroot: format!("{}/", asked.dashboard.path()),
            is_logged_in: false,
            csrf: None,
            content: Content { size: asked.size, seed: high ^ low },
            name: format!("{}{id}", image::PREFIX),
            made: Made::Nothing,
        }
    }

    async fn run(&mut self) -> Result<(), Break> {
        self.begin(VerifyStep::Dashboard);
        let form = self.find().await?;
        self.begin(VerifyStep::Login);
        self.log_in(&form).await?;
        self.begin(VerifyStep::Settings);
        let settings = self.settings().await?;
        self.begin(VerifyStep::Panel);
        let page = self.panel().await?;
        let sent = self.asked.panel.unwrap_or(page.panel);
        self.account.panel = Some(sent);
        let id = match settings.mode {
            Mode::Direct => self.direct(&settings, &page, sent).await?,
            Mode::Legacy | Mode::Off => self.legacy(&settings, &page).await?,
        };
        self.begin(VerifyStep::Active);
        let state = self.wait(&id, settings.mode).await?;
        self.begin(VerifyStep::Content);
        let message = match image::compare(self.content, &state)? {
            Compared::Whole(algorithm) => format!("size and {algorithm} are those of what was sent"),
            Compared::SizeOnly => {
                "the size is that of what was sent; no checksum is shown that can be compared".to_owned()
            }
        };
        self.passed(message);
        Ok(())
    }

    pub(super) fn begin(&mut self, step: VerifyStep) {
        (self.step, self.since) = (step, Instant::now());
    }

    pub(super) fn passed(&mut self, message: impl Into<String>) {
        self.ended(StepResult::Passed, message.into());
    }

    pub(super) fn ended(&mut self, result: StepResult, message: String) {
        let milliseconds = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        let step = StepReport { step: self.step, result, message, milliseconds };
        (self.told)(Event::Step(&step));
        self.account.steps.push(step);
    }

    fn failed(&mut self, broken: Break) {
        self.ended(StepResult::Failed, broken.message.clone());
        self.account.verdict = AttemptVerdict::Broken;
        if self.account.failure.is_none() {
            self.account.failure = Some(BreakReport::new(self.step, broken));
        }
    }

    async fn take_away(&mut self) {
        if let Made::Perhaps = self.made
            && let Ok(found) = self.look_up().await
        {
            self.made = found.map_or(Made::Nothing, Made::Image);
        }
        let id = match &self.made {
            Made::Nothing => return,
            Made::Perhaps => None,
            Made::Image(id) => Some(id.clone()),
        };
        let leftover = Leftover { id: id.clone(), name: self.name.clone() };
        self.begin(VerifyStep::Delete);
        if self.asked.keep {
            self.ended(StepResult::Skipped, format!("the image stays, as requested: {}", self.name));
            self.account.leftover = Some(leftover);
            return;
        }
        let ended = match id {
            Some(id) => self.delete(&id).await,
            None => Err(Break::new(
                "no answer",
                "it is unknown whether Horizon created an image",
                "look for it by its name",
            )),
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

    /// Ends the session. Its success changes nothing.
    async fn log_out(&mut self) {
        if self.is_logged_in {
            let token = self.csrf.clone();
            let body = urlencoded(&[], ("csrfmiddlewaretoken", token.as_ref().map_or("", Secret::expose)));
            let form = [("Content-Type", "application/x-www-form-urlencoded")];
            let _ = self.script("POST", "auth/logout/", &form, body).await;
        }
    }
}
