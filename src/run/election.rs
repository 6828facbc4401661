//! Who may lead, and until when. No clock and no network.
//!
//! In: what was requested for the Lease, when, and the result. Out: what to request next, and until when
//! this replica may start a write. All times come from one clock of this machine; no other replica's clock
//! is read. A lease has expired when this replica has seen it unchanged for the lease's whole duration.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::LeaseSpec;

/// How long a lease is valid after it was renewed.
pub(crate) const DURATION: Duration = Duration::from_secs(15);

/// How often it is renewed, and how often a standby looks at it.
const RENEWAL: Duration = Duration::from_secs(2);

/// How long one request about the Lease may take; a later answer does not count.
pub(crate) const ANSWER: Duration = Duration::from_secs(3);

/// When to try again after a failure.
const RETRY: Duration = Duration::from_secs(1);

/// The longest duration in an existing Lease that is believed. A longer one was edited by somebody.
const LONGEST: Duration = Duration::from_secs(60);

/// A moment, as the time since the machine was started.
type Time = Duration;

/// A request to the API server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LeaseRequest {
    /// Read the Lease.
    Look,
    /// Create the Lease without a holder. Only a Lease that exists has a version, and without a version two
    /// replicas could take it.
    Prepare,
    /// Write this replica into the Lease, if it still has this resourceVersion. Without one (only by its
    /// leader): create it.
    Take(Option<String>),
}

/// The result of a request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum LeaseResponse {
    /// The contents, with its resourceVersion.
    Seen(Option<(String, LeaseSpec)>),
    /// The Lease exists, and is held by nobody.
    Prepared,
    /// The Lease is this replica's, with this resourceVersion.
    Taken(String),
    /// The Lease has other contents than expected.
    Conflict,
    /// It is unknown whether the request had an effect.
    Failed,
}

/// The role of this replica.
#[derive(Clone, Debug, PartialEq)]
enum Role {
    Standby(Watched),
    /// The Lease is this replica's. The last successful renewal was sent at this time.
    Leader {
        renewed: Time,
    },
    /// It was this replica's, and another replica may lead now.
    Deposed(String),
}

/// One replica in the election.
#[derive(Clone, Debug)]
pub(crate) struct Election {
    identity: String,
    role: Role,
    next: (Time, LeaseRequest),
}

impl Election {
    /// A standby that knows nothing. No other process, past or present, has its identity.
    pub fn new(identity: String) -> Self {
        Self { identity, role: Role::Standby(Watched::default()), next: (Time::ZERO, LeaseRequest::Look) }
    }

    /// What to request, and when.
    pub fn next(&self) -> &(Time, LeaseRequest) {
        &self.next
    }

    /// When the last successful renewal was sent, if this replica leads.
    pub fn renewed(&self) -> Option<Time> {
        if let Role::Leader { renewed } = self.role { Some(renewed) } else { None }
    }

    /// Why this replica does not lead any more.
    pub(super) fn deposed(&self) -> Option<&str> {
        if let Role::Deposed(why) = &self.role { Some(why) } else { None }
    }

    /// Takes in the result of the request that [`next`](Self::next) named.
    pub fn answer(&mut self, sent: Time, now: Time, answer: LeaseResponse) {
        match answer {
            LeaseResponse::Seen(found) => self.see(now, found),
            LeaseResponse::Taken(version) => {
                self.role = Role::Leader { renewed: sent };
                self.next = (sent + RENEWAL, LeaseRequest::Take(Some(version)));
            }
            LeaseResponse::Prepared | LeaseResponse::Conflict => self.next = (now, LeaseRequest::Look),
            LeaseResponse::Failed => {
                let request = match &self.role {
                    Role::Leader { renewed } if now >= *renewed + DURATION => {
                        return self.depose("the Lease could not be renewed in time".to_owned());
                    }
                    Role::Leader { .. } => self.next.1.clone(),
                    Role::Standby(_) | Role::Deposed(_) => LeaseRequest::Look,
                };
                self.next = (now + RETRY, request);
            }
        }
    }

    fn see(&mut self, now: Time, found: Option<(String, LeaseSpec)>) {
        let (version, spec) = found.unzip();
        let holder = spec.as_ref().and_then(|spec| spec.holder_identity.clone()).filter(|holder| !holder.is_empty());
        match &mut self.role {
            Role::Leader { renewed } => match holder {
                Some(other) if other != self.identity => self.depose(format!("{other} leads now")),
                // Another replica may have come and gone, or may do so before this replica has created the
                // Lease again.
                None if now + ANSWER >= *renewed + DURATION => {
                    self.depose("the Lease was deleted or emptied".to_owned());
                }
                _ => self.next = (now, LeaseRequest::Take(version)),
            },
            Role::Standby(watched) => {
                let Some(spec) = spec else {
                    self.next = (now, LeaseRequest::Prepare);
                    return;
                };
                let end = watched.end(now, spec);
                // It is this replica's own; its answer was lost.
                let free = now >= end || holder.as_ref() == Some(&self.identity);
                self.next = if free {
                    (now, LeaseRequest::Take(version))
                } else {
                    (end.min(now + RENEWAL), LeaseRequest::Look)
                };
            }
            Role::Deposed(_) => {}
        }
    }

    fn depose(&mut self, why: String) {
        self.role = Role::Deposed(why);
    }
}

/// A Lease as an observer sees it: its last contents, and since when.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Watched(Option<(LeaseSpec, Time)>);

impl Watched {
    /// When the current contents expire if they do not change. A leader whose Lease was deleted or emptied
    /// still writes for a while, so a Lease without a holder must expire, too.
    pub fn end(&mut self, now: Time, seen: LeaseSpec) -> Time {
        let since = match self.0.take() {
            Some((before, since)) if before == seen => since,
            _ => now,
        };
        let end = since + duration(&seen);
        self.0 = Some((seen, since));
        end
    }
}

/// For how long the holder of a lease may act after each renewal.
fn duration(spec: &LeaseSpec) -> Duration {
    let seconds = spec.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or_default();
    match &spec.holder_identity {
        None if seconds == GIVEN_BACK => Duration::ZERO,
        _ => Duration::from_secs(seconds).clamp(DURATION, LONGEST),
    }
}

/// The duration, in seconds, of a lease that its holder released. If somebody removed a holder from the
/// Lease, that holder may still act.
pub(crate) const GIVEN_BACK: u64 = 1;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
    use proptest::prelude::*;

    use super::*;
    use crate::apply::fence::MARGIN;

    /// The steps of the model.
    const TICK: Duration = Duration::from_millis(50);

    /// An event for a replica or for the Lease.
    #[derive(Clone, Debug)]
    enum Event {
        /// It does nothing for some seconds, as with SIGSTOP or on a suspended machine.
        Pause(usize, u64),
        /// For some seconds, none of its requests about the Lease arrives, or none gets an answer.
        Cut(usize, u64, bool),
        /// It is killed, and another process starts in its place.
        Kill(usize),
        /// It ends as with SIGTERM, and another process starts in its place.
        Stop(usize),
        /// Somebody deletes the Lease.
        Delete,
        /// Somebody removes the holder from the Lease.
        Clear,
        /// Somebody changes the Lease, but not its spec.
        Touch,
    }

    fn event() -> impl Strategy<Value = Event> {
        let replica = 0..3usize;
        prop_oneof![
            3 => (replica.clone(), 1..40u64).prop_map(|(i, s)| Event::Pause(i, s)),
            3 => (replica.clone(), 1..40u64, any::<bool>()).prop_map(|(i, s, late)| Event::Cut(i, s, late)),
            1 => replica.clone().prop_map(Event::Kill),
            1 => replica.prop_map(Event::Stop),
            2 => Just(Event::Delete),
            1 => Just(Event::Clear),
            1 => Just(Event::Touch),
        ]
    }

    struct Pending {
        request: LeaseRequest,
        sent: Time,
        arrives: Time,
        returns: Option<Time>,
        answer: Option<LeaseResponse>,
    }

    struct Replica {
        identity: String,
        election: Election,
        /// Its machine started at another time.
        offset: Duration,
        paused: Time,
        cut: (Time, bool),
        stops: bool,
        pending: Option<Pending>,
    }

    /// The API server, three replicas, and the writes in transit.
    struct Model {
        now: Time,
        lease: Option<(u64, LeaseSpec)>,
        count: u64,
        replicas: Vec<Replica>,
        /// Requests of processes that do not wait for an answer any more.
        orphans: Vec<(String, Pending)>,
        /// Whose write it is, and when it takes effect at the latest.
        writes: Vec<(String, Time)>,
        /// Who last started to write as the leader.
        leader: Option<String>,
        random: u64,
        /// Who led, and when last.
        led: BTreeMap<String, Time>,
    }

    impl Model {
        fn new(random: u64) -> Self {
            let mut model = Self {
                now: Duration::ZERO,
                lease: None,
                count: 0,
                replicas: vec![],
                orphans: vec![],
                writes: vec![],
                leader: None,
                random,
                led: BTreeMap::new(),
            };
            model.replicas = (0..3).map(|_| model.process()).collect();
            model
        }

        /// From 0 to `below` - 1.
        fn chance(&mut self, below: u64) -> u64 {
            self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.random >> 33) % below
        }

        fn process(&mut self) -> Replica {
            self.count += 1;
            let identity = format!("pod_{}", self.count);
            let offset = Duration::from_secs(self.chance(100_000));
            let election = Election::new(identity.clone());
            Replica {
                identity,
                election,
                offset,
                paused: Duration::ZERO,
                cut: (Duration::ZERO, false),
                stops: false,
                pending: None,
            }
        }

        fn happen(&mut self, event: &Event) {
            match *event {
                Event::Pause(i, seconds) => self.replicas[i].paused = self.now + Duration::from_secs(seconds),
                Event::Cut(i, seconds, late) => {
                    self.replicas[i].cut = (self.now + Duration::from_secs(seconds), late);
                }
                Event::Kill(i) => self.replace(i),
                Event::Stop(i) => self.replicas[i].stops = true,
                Event::Delete => self.lease = None,
                Event::Clear => self.edit(|spec| spec.holder_identity = None),
                Event::Touch => self.edit(|_| {}),
            }
        }

        fn edit(&mut self, edit: impl FnOnce(&mut LeaseSpec)) {
            self.count += 1;
            if let Some((version, spec)) = &mut self.lease {
                *version = self.count;
                edit(spec);
            }
        }

        fn replace(&mut self, i: usize) {
            let process = self.process();
            let old = std::mem::replace(&mut self.replicas[i], process);
            if let Some(pending) = old.pending {
                self.orphans.push((old.identity, pending));
            }
        }

        /// The API server carries a request out.
        fn serve(&mut self, identity: &str, request: &LeaseRequest) -> LeaseResponse {
            let wanted = match request {
                LeaseRequest::Look => {
                    return LeaseResponse::Seen(self.lease.clone().map(|(version, spec)| (version.to_string(), spec)));
                }
                LeaseRequest::Prepare => &None,
                LeaseRequest::Take(version) => version,
            };
            if *wanted != self.lease.as_ref().map(|(version, _)| version.to_string()) {
                return LeaseResponse::Conflict;
            }
            self.count += 1;
            let renewed = jiff::Timestamp::from_second(i64::try_from(self.count).unwrap()).unwrap();
            let spec = LeaseSpec {
                holder_identity: (*request != LeaseRequest::Prepare).then(|| identity.to_owned()),
                lease_duration_seconds: Some(15),
                renew_time: Some(MicroTime(renewed)),
                ..LeaseSpec::default()
            };
            self.lease = Some((self.count, spec));
            if *request == LeaseRequest::Prepare {
                LeaseResponse::Prepared
            } else {
                LeaseResponse::Taken(self.count.to_string())
            }
        }

        fn tick(&mut self) {
            self.now += TICK;
            let now = self.now;
            let (due, later) = std::mem::take(&mut self.orphans).into_iter().partition(|(_, p)| p.arrives <= now);
            self.orphans = later;
            for (identity, pending) in due {
                if pending.answer.is_none() {
                    self.serve(&identity, &pending.request);
                }
            }
            for i in 0..self.replicas.len() {
                self.requests(i);
                if self.replicas[i].paused <= now {
                    self.act(i);
                }
            }
            for (writer, _) in self.writes.extract_if(.., |(_, effect)| *effect <= now).collect::<Vec<_>>() {
                assert_eq!(self.leader.as_ref(), Some(&writer), "at {now:?} a write of a deposed leader takes effect");
            }
        }

        fn requests(&mut self, i: usize) {
            let Some(mut pending) = self.replicas[i].pending.take() else { return };
            if pending.answer.is_none() && pending.arrives <= self.now {
                let identity = self.replicas[i].identity.clone();
                pending.answer = Some(self.serve(&identity, &pending.request));
            }
            self.replicas[i].pending = Some(pending);
        }

        /// What a process does that is not paused.
        fn act(&mut self, i: usize) {
            let now = self.now;
            let local = now + self.replicas[i].offset;
            if let Some(pending) = self.replicas[i].pending.take() {
                let replica = &mut self.replicas[i];
                if let (Some(answer), Some(returns)) = (&pending.answer, pending.returns)
                    && returns <= now
                    && local < pending.sent + ANSWER
                {
                    replica.election.answer(pending.sent, local, answer.clone());
                } else if local >= pending.sent + ANSWER {
                    replica.election.answer(pending.sent, local, LeaseResponse::Failed);
                    let identity = replica.identity.clone();
                    self.orphans.push((identity, pending));
                } else {
                    replica.pending = Some(pending);
                }
            }
            let (identity, stops) = (self.replicas[i].identity.clone(), self.replicas[i].stops);
            if self.replicas[i].election.deposed().is_some() {
                return self.replace(i);
            }
            if stops {
                // Writes in progress end first.
                if !self.writes.iter().any(|(writer, _)| *writer == identity) {
                    if self.lease.as_ref().is_some_and(|(_, spec)| spec.holder_identity.as_ref() == Some(&identity)) {
                        self.edit(|spec| {
                            spec.holder_identity = None;
                            spec.lease_duration_seconds = Some(1);
                        });
                    }
                    self.replace(i);
                }
                return;
            }
            if let Some(renewed) = self.replicas[i].election.renewed()
                && local < renewed + DURATION.saturating_sub(MARGIN)
            {
                self.led.insert(identity.clone(), now);
                self.leader = Some(identity.clone());
                let takes = if self.chance(2) == 0 { MARGIN } else { Duration::from_millis(self.chance(2000)) };
                // A time of the local clock is between two ticks of the other.
                self.writes.push((identity, now + takes.saturating_sub(TICK)));
            }
            let (when, request) = self.replicas[i].election.next().clone();
            if self.replicas[i].pending.is_none() && when <= local {
                let cut = self.replicas[i].cut;
                let there = Duration::from_millis(self.chance(400));
                let lost = now < cut.0;
                let arrives = now + if lost && cut.1 { Duration::from_secs(self.chance(60)) } else { there };
                let arrives = if lost && !cut.1 { Duration::MAX } else { arrives };
                let returns = (!lost).then(|| arrives + Duration::from_millis(self.chance(400)));
                self.replicas[i].pending = Some(Pending { request, sent: local, arrives, returns, answer: None });
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        /// Whatever happens to replicas, requests and the Lease: a write takes effect only while no other
        /// replica has become the leader. At the end, one replica leads.
        #[test]
        fn no_deposed_leader_writes(
            events in prop::collection::vec((0..2400usize, event()), 0..25),
            random in any::<u64>(),
        ) {
            let mut model = Model::new(random);
            for tick in 0..2400 {
                for (_, event) in events.iter().filter(|(when, _)| *when == tick) {
                    model.happen(event);
                }
                model.tick();
            }
            // The longest pause, the longest lease, and what is in transit.
            for _ in 0..2400 {
                model.tick();
            }
            let recent = model.now.saturating_sub(Duration::from_secs(5));
            let leaders: Vec<_> = model.led.iter().filter(|(_, last)| **last > recent).collect();
            prop_assert_eq!(leaders.len(), 1, "{:?}", leaders);
        }
    }

    #[test]
    fn a_lease_that_was_given_back_is_free_at_once() {
        let mut watched = Watched::default();
        let now = Duration::from_secs(100);
        let spec = |holder: Option<&str>, seconds| LeaseSpec {
            holder_identity: holder.map(Into::into),
            lease_duration_seconds: Some(seconds),
            ..LeaseSpec::default()
        };
        assert_eq!(watched.end(now, spec(None, 1)), now);
        assert_eq!(watched.end(now, spec(None, 15)), now + DURATION, "somebody took the holder out");
        assert_eq!(watched.end(now, spec(Some("a"), 1)), now + DURATION);
        assert_eq!(watched.end(now, spec(Some("a"), i32::MAX)), now + LONGEST);
        assert_eq!(watched.end(now, spec(Some("a"), -1)), now + DURATION);
        let later = now + Duration::from_secs(14);
        assert_eq!(watched.end(later, spec(Some("a"), -1)), now + DURATION, "unchanged since then");
    }
}
