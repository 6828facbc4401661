//! One resource: observe, plan, act, and report.

use std::sync::Arc;
use std::time::Duration;

use direct_upload_api::{ConditionType, Reason};
use direct_upload_core::model::{Kind, Meta, Problem, ResourceId, ResourceKind};
use direct_upload_core::plan::{self, Action, Options, OriginPlan, Plan, State, Step};
use jiff::Timestamp;
use kube::Client;
use serde::Serialize;
use tokio::sync::watch;

use super::contain::Failure;
use super::queue::Work;
use super::trouble::Troubles;
use crate::apply::{Applier, ApplyError};
use crate::observe::Live;
use crate::report::{Events, Metrics, status, verification};
use crate::run::Settings;

/// The name in events for the write of a status.
const STATUS: &str = "WriteStatus";

/// A plan that changes each time it is carried out would be a fault; this limits it.
const ROUNDS: usize = 8;

/// Reconciles resources.
pub(crate) struct Reconciler {
    live: Arc<Live>,
    metrics: Arc<Metrics>,
    options: Options,
    troubles: Troubles,
    /// Why nothing is written, if so.
    frozen: watch::Receiver<Option<String>>,
    horizons: (Applier, Events),
    glances: (Applier, Events),
    apis: (Applier, Events),
}

/// A resource as it is seen now, with its plan.
struct Planned {
    meta: Meta,
    plan: Plan,
    view: View,
}

/// What writing the status needs.
enum View {
    Horizon(Box<direct_upload_core::derive::HorizonView>),
    Glance(Box<direct_upload_core::derive::GlanceView>, Vec<OriginPlan>),
    Api(Box<direct_upload_core::derive::ApiView>, Vec<OriginPlan>),
}

impl Reconciler {
    /// A reconciler for all kinds. `events` are about Horizons, Glances and OpenStackAPIs.
    pub fn new(
        client: &Client,
        live: &Arc<Live>,
        metrics: &Arc<Metrics>,
        settings: &Settings,
        frozen: watch::Receiver<Option<String>>,
        [horizons, glances, apis]: [Events; 3],
    ) -> Self {
        let applier = |kind| Applier::new(client.clone(), live.clone(), kind, &settings.instance);
        Self {
            live: live.clone(),
            metrics: metrics.clone(),
            options: settings.options.clone(),
            troubles: Troubles::default(),
            frozen,
            horizons: (applier(Kind::Horizon), horizons),
            glances: (applier(Kind::Glance), glances),
            apis: (applier(Kind::OpenStackAPI), apis),
        }
    }

    fn writers(&self, kind: ResourceKind) -> &(Applier, Events) {
        match kind {
            ResourceKind::Horizon => &self.horizons,
            ResourceKind::OpenStackApi => &self.apis,
            ResourceKind::Glance => &self.glances,
        }
    }
}

impl Work for Reconciler {
    /// Failures are logged and counted here.
    async fn reconcile(&self, resource: &ResourceId) -> Result<Option<Duration>, ()> {
        let name = resource.kind.name();
        let (writer, events) = self.writers(resource.kind);
        if let Err(error) = writer.catch_up().await {
            tracing::warn!(kind = name, object = %resource.key, %error, "it is not known whether the last write arrived");
            self.metrics.reconciled(name, false);
            return Err(());
        }
        let mut before = Vec::new();
        for _ in 0..ROUNDS {
            let Some(mut planned) = self.plan(resource).await else {
                self.troubles.over(resource);
                self.metrics.standing(resource, None);
                match resource.kind {
                    ResourceKind::Horizon => self.metrics.horizon(&resource.key, None),
                    ResourceKind::OpenStackApi => self.metrics.api(&resource.key, None),
                    ResourceKind::Glance => {}
                }
                return Ok(None);
            };
            let steps: Vec<_> = planned.plan.steps.iter().take_while(|step| !step.action.waits()).cloned().collect();
            if steps.is_empty() {
                return self.settle(resource, planned).await;
            }
            if steps == before {
                planned.plan.state = State::Unmet(ConditionType::RolledOut, in_vain(&steps));
                return self.give_up(resource, &planned).await;
            }
            for step in &steps {
                if self.frozen.borrow().is_some() {
                    break;
                }
                match self.step(name, &planned.meta, step, writer, events).await {
                    Ok(()) => {}
                    // It is recorded, and the next plan does not include it.
                    Err(ApplyError::Left(_)) => break,
                    Err(ApplyError::Closed(_)) => return Err(()),
                    Err(error) => return self.fail(resource, planned, &step.action, &error).await,
                }
            }
            before = steps;
        }
        tracing::error!(kind = name, object = %resource.key, "the plan does not end; trying again later");
        self.metrics.reconciled(name, false);
        Err(())
    }

    fn failed(&self, resource: &ResourceId, failure: &Failure) {
        let kind = resource.kind.name();
        tracing::error!(kind, object = %resource.key, "a reconcile {failure}; it is tried again later");
        self.metrics.reconciled(kind, false);
        self.metrics.gave_up("reconcile", failure.cause());
    }
}

impl Reconciler {
    /// The plan of a resource as it is now, without steps while writes are frozen; none if the resource is gone.
    async fn plan(&self, resource: &ResourceId) -> Option<Planned> {
        let mut planned = self.plan_unfrozen(resource).await?;
        if let Some(why) = &*self.frozen.borrow() {
            planned.plan = planned.plan.withhold(Reason::Frozen, why);
        }
        Some(planned)
    }

    async fn plan_unfrozen(&self, resource: &ResourceId) -> Option<Planned> {
        let world = self.live.world().await;
        let now = Timestamp::now();
        match resource.kind {
            ResourceKind::Horizon => {
                let view = world.horizons.get(&resource.key)?;
                let plan = plan::horizon(view, now, &self.options);
                let meta = view.dashboard.object.meta.clone();
                Some(Planned { meta, plan, view: View::Horizon(Box::new(view.clone())) })
            }
            ResourceKind::OpenStackApi => {
                let view = world.apis.get(&resource.key)?;
                let (plan, origins) = plan::api(view, now, &self.options);
                let meta = view.api.resource.meta.clone();
                Some(Planned { meta, plan, view: View::Api(Box::new(view.clone()), origins) })
            }
            ResourceKind::Glance => {
                let view = world.glances.get(&resource.key)?;
                let (plan, origins) = plan::glance(view, now, &self.options);
                let meta = view.service.object.meta.clone();
                Some(Planned { meta, plan, view: View::Glance(Box::new(view.clone()), origins) })
            }
        }
    }

    async fn step(
        &self,
        kind: &'static str,
        meta: &Meta,
        step: &Step,
        writer: &Applier,
        events: &Events,
    ) -> Result<(), ApplyError> {
        match writer.carry_out(meta, &step.action).await {
            Ok(()) => {
                tracing::info!(
                    kind,
                    namespace = meta.key.namespace,
                    name = meta.key.name,
                    step = step.action.name(),
                    "{step}"
                );
                self.metrics.step(kind, step.action.name());
                events.step(meta, step);
                Ok(())
            }
            Err(error @ ApplyError::Closed(_)) => Err(error),
            Err(error) => {
                tracing::warn!(kind, namespace = meta.key.namespace, name = meta.key.name, step = step.action.name(), %error, "step failed");
                Err(error)
            }
        }
    }

    /// Nothing is left to do now, so the status says what was reached.
    async fn settle(&self, resource: &ResourceId, planned: Planned) -> Result<Option<Duration>, ()> {
        let written = self.write_status(resource, &planned).await;
        self.metrics.reconciled(resource.kind.name(), written.is_ok());
        written?;
        self.troubles.over(resource);
        Ok(planned.plan.wake.map(|time| until(time, Timestamp::now())))
    }

    /// A write failed. If the failure stays, or a person must act, the status says so. The write is tried
    /// again.
    async fn fail(
        &self,
        resource: &ResourceId,
        mut planned: Planned,
        action: &Action,
        error: &ApplyError,
    ) -> Result<Option<Duration>, ()> {
        let Some((problem, is_new)) = self.troubles.failed(resource, action.name(), error) else {
            self.metrics.reconciled(resource.kind.name(), false);
            return Err(());
        };
        if is_new {
            let (_, events) = self.writers(resource.kind);
            events.failure(&planned.meta, (action.name(), action.object()), &error.to_string());
        }
        planned.plan.state = State::Unmet(place(&problem, error, action), problem);
        self.give_up(resource, &planned).await
    }

    /// Reports why nothing more can be done now. It is tried again with growing pauses.
    async fn give_up(&self, resource: &ResourceId, planned: &Planned) -> Result<Option<Duration>, ()> {
        self.metrics.reconciled(resource.kind.name(), false);
        self.write_status(resource, planned).await?;
        Err(())
    }

    /// If no status can be written, an event says why.
    async fn write_status(&self, resource: &ResourceId, planned: &Planned) -> Result<(), ()> {
        let error = match self.send_status(resource, planned, &self.writers(resource.kind).0).await {
            Ok(()) => return Ok(()),
            Err(ApplyError::Closed(_)) => return Err(()),
            Err(error) => error,
        };
        tracing::warn!(kind = resource.kind.name(), object = %resource.key, %error, "status not written");
        if let Some((_, true)) = self.troubles.failed(resource, STATUS, &error) {
            let (_, events) = self.writers(resource.kind);
            events.failure(&planned.meta, (STATUS, None), &error.to_string());
        }
        Err(())
    }

    async fn send_status(&self, resource: &ResourceId, planned: &Planned, writer: &Applier) -> Result<(), ApplyError> {
        let state = &planned.plan.state;
        let standing = state.why().map(|why| (state.lacks().is_none(), why.reason));
        self.metrics.standing(resource, standing);
        let now = Timestamp::now();
        match &planned.view {
            View::Horizon(view) => {
                let status = status::horizon(view, &planned.plan, now);
                self.metrics.horizon(&planned.meta.key, status.as_ref());
                send(writer, &planned.meta, view.dashboard.object.status.as_deref(), status).await
            }
            View::Api(view, origins) => {
                let status = status::api(view, &planned.plan, origins, now);
                self.metrics.api(&resource.key, verification::of_calls(view, &planned.plan).zip(status.as_ref()));
                send(writer, &planned.meta, view.api.resource.status.as_deref(), status).await
            }
            View::Glance(view, origins) => {
                let status = status::glance(view, &planned.plan, origins, now);
                send(writer, &planned.meta, view.service.object.status.as_deref(), status).await
            }
        }
    }
}

/// Writes a status if it differs from the existing one.
async fn send<S: PartialEq + Serialize>(
    writer: &Applier,
    meta: &Meta,
    before: Option<&S>,
    status: Option<S>,
) -> Result<(), ApplyError> {
    let Some(status) = status.filter(|status| before != Some(status)) else { return Ok(()) };
    let value = serde_json::to_value(&status)
        .map_err(|e| ApplyError::Transport { object: meta.key.to_string(), source: kube::Error::SerdeError(e) })?;
    writer.status(meta, value).await
}

/// The API server accepted the steps, but they are still to be done. So what is there is not ours.
fn in_vain(steps: &[Step]) -> Problem {
    let steps: Vec<_> = steps.iter().map(|step| step.action.to_string()).collect();
    let message = format!(
        "{}: the API server accepts that, and nothing changes; another field manager owns the entry with the operator's name: remove it with that manager",
        steps.join("; ")
    );
    Problem::new(Reason::FieldConflict, message)
}

/// The condition that a failed write belongs to.
fn place(problem: &Problem, error: &ApplyError, action: &Action) -> ConditionType {
    let of_config_map = matches!(action, Action::ApplyConfigMap(_) | Action::Annotate { .. } | Action::Collect { .. });
    match error {
        ApplyError::FieldConflict { .. } | ApplyError::Rehearsal { .. } => problem.reason.condition(),
        _ if of_config_map => ConditionType::ConfigRendered,
        _ => problem.reason.condition(),
    }
}

fn until(time: Timestamp, now: Timestamp) -> Duration {
    // Both sides have whole seconds: a little later is right, earlier is useless.
    let wait = time.duration_since(now).max(jiff::SignedDuration::ZERO);
    wait.unsigned_abs() + Duration::from_millis(50)
}
