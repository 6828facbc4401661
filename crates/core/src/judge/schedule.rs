//! The probe scheduler: what many answers to the same requests mean, and when to ask again. Pure: time
//! comes in.
//!
//! One answer decides nothing. A verdict is a run of answers that agree. A verdict that may change a mode
//! in effect is a run that has lasted. An answer that contradicts starts a new run.
//!
//! If requests pass and are refused by turns, as with several servers of which one is wrong, that is a
//! verdict, too: refused, because uploads fail by turns. It never lasts, so it changes no mode in effect.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::model::{Epoch, Observation, ProbeAnswer, ProbeRecord, ProbeTarget, UploadCheck};
use direct_upload_api::web::Endpoint;

/// This many answers in a row that agree are a verdict.
pub(crate) const VERDICT: u32 = 3;

/// This many in a row, over [`Pace::patience`], make it firm.
pub(crate) const FIRM: u32 = 5;

/// This many changes between passed and refused within [`TURNS_COUNT`] mean that requests pass by turns. Somebody
/// who breaks and fixes something makes two.
const TURNS: usize = 3;

/// For so long a change between passed and refused counts.
const TURNS_COUNT: Duration = Duration::from_secs(600);

/// Time between the answers of a run that will become a verdict.
const SOON: Duration = Duration::from_secs(1);

/// The most requests per second. With more targets, each gets fewer.
const RATE: u32 = 10;

/// After a verdict, the least time between two of the additional checks at one endpoint. An upload without
/// a token costs Glance a 401, and some firewalls count those.
const PARTS: Duration = Duration::from_secs(900);

/// The same if one was refused, because somebody may be fixing it.
const REFUSED_PARTS: Duration = Duration::from_secs(180);

/// How long a check that passed counts if later requests got no answer.
const SEEN: Duration = Duration::from_secs(3600);

/// How often questions are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Between two requests to an endpoint that grants.
    pub interval: Duration,
    /// How long all answers must agree before a mode in effect changes.
    pub patience: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { interval: Duration::from_secs(60), patience: Duration::from_secs(300) }
    }
}

/// Targets by the time at which to ask them.
type Agenda = BTreeSet<(Duration, Arc<ProbeTarget>)>;

/// All targets and their answers.
#[derive(Clone, Debug)]
pub struct ProbeScheduler {
    pace: Pace,
    entries: BTreeMap<Arc<ProbeTarget>, Entry>,
    /// What to ask next: each entry's [`Entry::next`]. Nobody looks for it among all entries, because they are many.
    agenda: Agenda,
    /// When each endpoint last got more than the preflight.
    checks: BTreeMap<Endpoint, Duration>,
}

/// A target whose time has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    pub target: Arc<ProbeTarget>,
    /// The state of the server to which the answer will belong.
    pub epoch: String,
    /// Whether to ask for more than the preflight.
    pub checks: bool,
}

#[derive(Clone, Debug)]
struct Entry {
    epoch: Epoch,
    /// When to ask; none while an answer is awaited.
    due: Option<Duration>,
    /// The latest answer, and how many before it agree.
    run: Option<(Observation, u32)>,
    /// The results of the checks, and when they were requested.
    checks: Option<(Duration, Observation)>,
    /// When each check last passed.
    passed: BTreeMap<UploadCheck, Duration>,
    /// Since when, and how often, answers have had the same kind as the latest, whatever their reasons.
    lasting: (Duration, u32),
    /// Answers since the last verdict.
    undecided: u32,
    turns: Turns,
    record: Option<ProbeRecord>,
}

/// Requests that pass, and requests that are refused, by turns.
#[derive(Clone, Debug, Default)]
struct Turns {
    /// Whether the latest request with an answer passed.
    passed: Option<bool>,
    /// When that changed.
    at: Vec<Duration>,
    /// The latest refusal.
    refused: Option<Observation>,
    /// Whether the record says that requests pass by turns.
    told: bool,
}

impl Turns {
    fn count(&mut self, observation: &Observation, now: Duration) {
        let passes = match observation.verdict() {
            ProbeAnswer::Granted(_) => true,
            ProbeAnswer::Refused(_) => false,
            ProbeAnswer::Unknown(_) => return,
        };
        if self.passed.replace(passes).is_some_and(|before| before != passes) {
            self.at.push(now);
        }
        self.at.retain(|at| now.saturating_sub(*at) < TURNS_COUNT);
        if !passes {
            self.refused = Some(observation.clone());
        }
    }

    /// The refusal, if requests pass by turns.
    fn refusal(&self) -> Option<&Observation> {
        self.refused.as_ref().filter(|_| self.at.len() >= TURNS)
    }
}

impl ProbeScheduler {
    /// An empty scheduler.
    pub fn new(pace: Pace) -> Self {
        Self { pace, entries: BTreeMap::new(), agenda: BTreeSet::new(), checks: BTreeMap::new() }
    }

    /// Sets the targets to those that are needed. Returns those that are not needed any more.
    pub fn want(&mut self, wanted: &BTreeMap<Arc<ProbeTarget>, Epoch>, now: Duration) -> Vec<Arc<ProbeTarget>> {
        let (mut gone, mut new) = (Vec::new(), Vec::new());
        let mut entries = self.entries.iter_mut().peekable();
        for (target, epoch) in wanted {
            // Nearly always it is the same one, and nothing is compared.
            while let Some((old, _)) = entries.next_if(|(old, _)| !Arc::ptr_eq(old, target) && *old < target) {
                gone.push(old.clone());
            }
            if let Some((_, entry)) = entries.next_if(|(old, _)| Arc::ptr_eq(old, target) || *old == target) {
                change(&mut self.agenda, target, entry, |entry| entry.belong_to(epoch, now));
            } else {
                let mut entry = Entry::new(now);
                change(&mut self.agenda, target, &mut entry, |entry| entry.belong_to(epoch, now));
                new.push((target.clone(), entry));
            }
        }
        gone.extend(entries.map(|(old, _)| old.clone()));
        for target in &gone {
            if let Some(next) = self.entries.remove(target).and_then(|entry| entry.next()) {
                self.agenda.remove(&(next, target.clone()));
            }
        }
        self.entries.extend(new);
        if !gone.is_empty() {
            let endpoints: BTreeSet<_> = self.entries.keys().map(|target| &target.endpoint).collect();
            self.checks.retain(|endpoint, _| endpoints.contains(endpoint));
        }
        gone
    }

    /// The targets whose time has come, at most this many. Each then waits for its answer.
    pub fn take(&mut self, now: Duration, most: usize) -> Vec<Due> {
        let mut taken = Vec::new();
        while taken.len() < most && self.next().is_some_and(|next| next <= now) {
            let Some((_, target)) = self.agenda.pop_first() else { break };
            let Some(entry) = self.entries.get_mut(&target) else { continue };
            entry.due = None;
            let checks = target.has_checks() && entry.asks_for_checks(now, self.checks.get(&target.endpoint));
            if checks {
                self.checks.insert(target.endpoint.clone(), now);
            }
            taken.push(Due { target, epoch: entry.epoch.clone().unwrap_or_default(), checks });
        }
        taken
    }

    /// When the next target is due.
    pub fn next(&self) -> Option<Duration> {
        self.agenda.first().map(|(next, _)| *next)
    }

    /// Records an answer. Returns what is known now, if that changed. `jitter` is from 0 to 1.
    pub fn record(
        &mut self,
        target: &Arc<ProbeTarget>,
        epoch: &str,
        observation: Observation,
        now: Duration,
        jitter: f64,
    ) -> Option<ProbeRecord> {
        let pace = self.pace(jitter);
        let entry = self.entries.get_mut(target)?;
        if entry.epoch.as_deref() != Some(epoch) {
            // The server has another state since the request.
            change(&mut self.agenda, target, entry, |entry| entry.due = Some(now));
            return None;
        }
        let before = entry.record.clone();
        let observation = entry.complete(observation, now);
        entry.count(observation, epoch, now, self.pace.patience);
        let next = now + entry.wait(&pace);
        change(&mut self.agenda, target, entry, |entry| entry.due = Some(next));
        (entry.record != before).then(|| entry.record.clone()).flatten()
    }

    /// The pace for this number of targets, plus or minus a fifth.
    fn pace(&self, jitter: f64) -> Pace {
        let count = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        let interval = self.pace.interval.max(Duration::from_secs(1) * (count / RATE));
        Pace { interval: interval.mul_f64(0.8 + 0.4 * jitter.clamp(0.0, 1.0)), ..self.pace }
    }
}

/// Changes an entry, and the agenda with it.
fn change(agenda: &mut Agenda, target: &Arc<ProbeTarget>, entry: &mut Entry, change: impl FnOnce(&mut Entry)) {
    let before = entry.next();
    change(entry);
    let after = entry.next();
    if before != after {
        if let Some(next) = before {
            agenda.remove(&(next, target.clone()));
        }
        agenda.extend(after.map(|next| (next, target.clone())));
    }
}

impl Entry {
    fn new(now: Duration) -> Self {
        Self {
            epoch: None,
            due: Some(now),
            run: None,
            checks: None,
            passed: BTreeMap::new(),
            lasting: (now, 0),
            undecided: 0,
            turns: Turns::default(),
            record: None,
        }
    }

    /// Answers about another state of the server prove nothing any more.
    fn belong_to(&mut self, epoch: &Epoch, now: Duration) {
        if self.epoch != *epoch {
            self.epoch.clone_from(epoch);
            self.run = None;
            self.checks = None;
            self.undecided = 0;
            self.turns = Turns { told: self.turns.told, ..Turns::default() };
            self.due = self.due.map(|due| due.min(now));
        }
    }

    /// When to ask next: never while nobody knows the state of the server, or while an answer is awaited.
    fn next(&self) -> Option<Duration> {
        self.due.filter(|_| self.epoch.is_some())
    }

    /// Whether to request the checks as well. `last`: when this endpoint last got them, from any target.
    fn asks_for_checks(&self, now: Duration, last: Option<&Duration>) -> bool {
        let is_past = |since: Duration, wait: Duration| now.saturating_sub(since) >= wait;
        match &self.checks {
            Some((since, seen)) if self.undecided == 0 && self.run.is_some() => {
                if let Some((Some(_), _)) = seen.refusal() {
                    is_past(*since, REFUSED_PARTS)
                } else {
                    is_past(*since, PARTS) && last.is_none_or(|last| is_past(*last, PARTS))
                }
            }
            _ => true,
        }
    }

    /// An observation with the checks' last results, if they were not requested this time.
    fn complete(&mut self, mut observation: Observation, now: Duration) -> Observation {
        if !observation.checks.is_empty() {
            for (check, answer) in &mut observation.checks {
                let since = self.passed.get(check).copied();
                match answer {
                    ProbeAnswer::Granted(_) => {
                        self.passed.insert(*check, now);
                    }
                    // For a while, an unknown result does not replace a known one.
                    ProbeAnswer::Unknown(_) if since.is_some_and(|since| now.saturating_sub(since) < SEEN) => {
                        *answer = ProbeAnswer::Granted(vec![]);
                    }
                    ProbeAnswer::Refused(_) | ProbeAnswer::Unknown(_) => {}
                }
            }
            self.checks = Some((now, observation.clone()));
        } else if let (ProbeAnswer::Granted(_), Some((_, seen))) = (&observation.preflight, &self.checks) {
            observation.checks.clone_from(&seen.checks);
        }
        observation
    }

    fn count(&mut self, observation: Observation, epoch: &str, now: Duration, patience: Duration) {
        let kind = |observation: &Observation| std::mem::discriminant(&observation.verdict());
        let same_kind = self.run.as_ref().is_some_and(|(last, _)| kind(last) == kind(&observation));
        self.lasting = if same_kind { (self.lasting.0, self.lasting.1 + 1) } else { (now, 1) };
        let times = match &self.run {
            Some((last, times)) if last.agrees(&observation) => times.saturating_add(1),
            _ => 1,
        };
        self.undecided = self.undecided.saturating_add(1);
        self.turns.count(&observation, now);
        if times >= FIRM {
            self.turns.at.clear();
        }
        let by_turns = self.turns.refusal();
        let passed = || self.passed.keys().copied().collect::<BTreeSet<UploadCheck>>();
        let is_granted = |known: &ProbeRecord| matches!(known.observation.verdict(), ProbeAnswer::Granted(_));
        if times >= VERDICT && (by_turns.is_none() || observation.refusal().is_some()) {
            self.undecided = 0;
            // A verdict keeps its words while it lasts, so only a change is written.
            let told = std::mem::take(&mut self.turns.told);
            let known = self.record.as_ref().filter(|_| !told).map(|record| &record.observation);
            let stays = known.filter(|known| known.agrees(&observation));
            let firm = self.lasting.1 >= FIRM && now.saturating_sub(self.lasting.0) >= patience;
            let reached = observation.reached;
            let observation = Observation { reached, ..stays.unwrap_or(&observation).clone() };
            self.record = Some(ProbeRecord { observation, epoch: epoch.to_owned(), firm, passed: passed() });
        } else if let Some(refusal) = by_turns.filter(|_| self.record.as_ref().is_none_or(is_granted)) {
            let observation = refusal.clone().by_turns();
            self.record = Some(ProbeRecord { observation, epoch: epoch.to_owned(), firm: false, passed: passed() });
            self.turns.told = true;
        } else if !same_kind && let Some(record) = &mut self.record {
            record.firm = false;
        }
        self.run = Some((observation, times));
    }

    /// Soon while a verdict is forming, but with growing pauses if none comes. Then by the pace, and four
    /// times as often while it is not granted, because somebody may be fixing it.
    fn wait(&self, pace: &Pace) -> Duration {
        if self.undecided > 0 {
            let later = SOON.saturating_mul(1 << (self.undecided / (2 * VERDICT)).min(16));
            return later.min(pace.interval);
        }
        match self.record.as_ref().map(|record| record.observation.verdict()) {
            Some(ProbeAnswer::Granted(_)) => pace.interval,
            _ => (pace.interval / 4).max(SOON.min(pace.interval)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Cause;
    use crate::model::Reach;
    use direct_upload_api::web::Origin;
    use direct_upload_api::{Panel, Rule};
    use proptest::prelude::*;
    use rstest::rstest;

    fn question() -> ProbeTarget {
        ProbeTarget {
            origin: Origin::parse("https://horizon.example.com").unwrap(),
            endpoint: Endpoint::parse("https://glance.example.com").unwrap(),
            panel: Panel::Angular,
            uploads: None,
            page: None,
            address_spaces: false,
            call: None,
            reach: Reach::default().into(),
        }
    }

    fn reply(rule: Option<Rule>) -> Cause {
        let requirement = "status".to_owned();
        Cause { rule, requirement, message: String::new(), received: String::new(), fix: String::new() }
    }

    fn answer(letter: char) -> Observation {
        let preflight = match letter {
            'g' => ProbeAnswer::Granted(vec![]),
            'r' => ProbeAnswer::Refused(reply(Some(Rule::OriginMissing))),
            's' => ProbeAnswer::Refused(reply(Some(Rule::OptionsFiltered))),
            _ => ProbeAnswer::Unknown(reply(None)),
        };
        Observation::of_preflight(Panel::Angular, preflight)
    }

    fn letter(record: Option<&ProbeRecord>) -> String {
        let Some(record) = record else { return "-".into() };
        let letter = match &record.observation.verdict() {
            ProbeAnswer::Granted(_) => "g",
            ProbeAnswer::Refused(r) if r.rule == Some(Rule::OriginMissing) => "r",
            ProbeAnswer::Refused(_) => "s",
            ProbeAnswer::Unknown(_) => "u",
        };
        format!("{letter}{}", if record.firm { "!" } else { "" })
    }

    /// Answers come every minute; what is known after each.
    #[rstest]
    #[case::three_are_a_verdict("ggg", "- - g")]
    #[case::lasting_is_firm("rrrrrr", "- - r r r r!")]
    #[case::by_turns_is_refused("grgrgrgrgrgr", "- - - r r r r r r r r r")]
    #[case::what_was_known_too("gggrgrrgrrgr", "- - g g g r r r r r r r")]
    #[case::somebody_who_mends_it("gggrrrggg", "- - g g g r r r g")]
    #[case::one_exception("gggrgggg", "- - g g g g g g")]
    #[case::by_turns_until_five_pass("gggrgrggggg", "- - g g g r r r r r g")]
    #[case::by_turns_and_then_always("gggrgrrrrrrr", "- - g g g r r r r r r! r!")]
    #[case::silence_is_no_turn("gggugugugugu", "- - g g g g g g g g g g")]
    #[case::one_exception_ends_the_patience("rrrrrgrrrrr", "- - r r r r r r r r r")]
    #[case::firmness_ends_at_once("rrrrrrg", "- - r r r r! r")]
    #[case::another_reason_lasts_on("rrrsss", "- - r r r s!")]
    #[case::unknown_is_no_refusal("rruuurr", "- - - - u u u")]
    #[case::unknown_ends_the_patience("gggrrrruuurrrr", "- - g g g r r r r u u u r r")]
    fn verdicts(#[case] answers: &str, #[case] expected: &str) {
        let mut scheduler = ProbeScheduler::new(Pace::default());
        let q = Arc::new(question());
        let mut known = None;
        let mut seen = Vec::new();
        for (minute, letter_in) in (0u64..).zip(answers.chars()) {
            let now = Duration::from_secs(60 * minute);
            scheduler.want(&BTreeMap::from([(q.clone(), Some("one".into()))]), now);
            known = scheduler.record(&q, "one", answer(letter_in), now, 0.5).or(known);
            seen.push(letter(known.as_ref()));
        }
        assert_eq!(seen.join(" "), expected);
    }

    #[test]
    fn five_quick_answers_are_not_firm() {
        let mut scheduler = ProbeScheduler::new(Pace::default());
        let q = Arc::new(question());
        scheduler.want(&BTreeMap::from([(q.clone(), Some("one".into()))]), Duration::ZERO);
        for second in 0..299 {
            let record = scheduler.record(&q, "one", answer('r'), Duration::from_secs(second), 0.5);
            assert!(record.is_none_or(|s| !s.firm));
        }
        assert!(scheduler.record(&q, "one", answer('r'), Duration::from_secs(300), 0.5).is_some_and(|s| s.firm));
    }

    /// A grant before the server changed proves nothing after it.
    #[test]
    fn another_epoch_is_proven_anew() {
        let mut scheduler = ProbeScheduler::new(Pace::default());
        let q = Arc::new(question());
        let at = Duration::from_secs;
        let want = |epoch: &str| BTreeMap::from([(q.clone(), Some(epoch.to_owned()))]);
        scheduler.want(&want("one"), at(0));
        let standings: Vec<_> = (0..3).filter_map(|s| scheduler.record(&q, "one", answer('g'), at(s), 0.5)).collect();
        assert_eq!(standings.len(), 1);
        scheduler.want(&want("two"), at(10));
        assert_eq!(scheduler.next(), Some(at(10)), "it is asked at once");
        let due = scheduler.take(at(10), 9);
        assert_eq!(due, [Due { target: q.clone(), epoch: "two".to_owned(), checks: false }]);
        assert_eq!(scheduler.record(&q, "one", answer('g'), at(11), 0.5), None, "an answer to the old one");
        let epochs: Vec<_> = (11..14).map(|s| scheduler.record(&q, "two", answer('g'), at(s), 0.5)).collect();
        assert_eq!(epochs.iter().flatten().map(|s| s.epoch.as_str()).collect::<Vec<_>>(), ["two"]);
        assert!(epochs[2].is_some(), "only the third says so");
    }

    #[test]
    fn nothing_is_asked_while_pods_are_replaced() {
        let mut scheduler = ProbeScheduler::new(Pace::default());
        scheduler.want(&BTreeMap::from([(Arc::new(question()), None)]), Duration::ZERO);
        assert_eq!((scheduler.next(), scheduler.take(Duration::from_secs(9), 9).len()), (None, 0));
    }

    #[rstest]
    #[case::soon("g", 1, 1)]
    #[case::then_by_the_pace("ggg", 48, 72)]
    #[case::more_often_while_refused("rrr", 12, 18)]
    #[case::ever_later_without_a_verdict("grgrgrgrgrgrgrgrgrgrgrgrgrgrgr", 16, 60)]
    fn when_to_ask_again(#[case] answers: &str, #[case] least: u64, #[case] most: u64) {
        for jitter in [0.0, 0.5, 1.0] {
            let mut scheduler = ProbeScheduler::new(Pace::default());
            let q = Arc::new(question());
            scheduler.want(&BTreeMap::from([(q.clone(), Some(String::new()))]), Duration::ZERO);
            for a in answers.chars() {
                scheduler.record(&q, "", answer(a), Duration::ZERO, jitter);
            }
            let next = scheduler.next().unwrap().as_secs();
            assert!((least..=most).contains(&next), "{next}");
        }
    }

    fn observed(letters: &str) -> Observation {
        let check = |letter: char| match letter {
            'g' => Some(ProbeAnswer::Granted(vec![])),
            'r' => Some(ProbeAnswer::Refused(reply(Some(Rule::BodyLimit)))),
            'u' => Some(ProbeAnswer::Unknown(reply(None))),
            _ => None,
        };
        let mut answers = letters.chars().map(check);
        let preflight = answers.next().flatten().unwrap();
        let checks = [UploadCheck::Put, UploadCheck::Size, UploadCheck::Page, UploadCheck::AddressSpace]
            .into_iter()
            .zip(answers);
        let checks = checks.filter_map(|(check, answer)| Some((check, answer?))).collect();
        Observation { checks, ..Observation::of_preflight(Panel::Angular, preflight) }
    }

    /// Each answer of uploads at its second, and when they were requested until then.
    fn uploads_asked(course: &[(u64, &str)], until: u64) -> (Vec<u64>, ProbeScheduler, Arc<ProbeTarget>) {
        let mut scheduler = ProbeScheduler::new(Pace::default());
        let q = Arc::new(ProbeTarget { uploads: Some(1), ..question() });
        scheduler.want(&BTreeMap::from([(q.clone(), Some(String::new()))]), Duration::ZERO);
        let mut asked = Vec::new();
        for second in 0..until {
            let now = Duration::from_secs(second);
            for due in scheduler.take(now, 9) {
                let answers = course.iter().rev().find(|(from, _)| *from <= second).unwrap().1;
                let answers = if due.checks { answers } else { &answers[..1] };
                asked.extend(due.checks.then_some(second));
                scheduler.record(&due.target, &due.epoch, observed(answers), now, 0.5);
            }
        }
        (asked, scheduler, q)
    }

    #[test]
    fn uploads_are_asked_for_with_each_answer_of_a_verdict_and_then_every_quarter_of_an_hour() {
        let (asked, scheduler, q) = uploads_asked(&[(0, "ggggg")], 2000);
        assert_eq!(asked[..3], [0, 1, 2]);
        assert_eq!(asked.len(), 5, "{asked:?}");
        assert!(asked[3] - asked[2] >= 900 && asked[4] - asked[3] >= 900, "{asked:?}");
        assert!(scheduler.entries[&q].record.as_ref().unwrap().passed.contains(&UploadCheck::Put));
    }

    #[test]
    fn a_refused_upload_is_a_refusal_in_between_too_and_asked_for_again_soon() {
        let (asked, scheduler, q) = uploads_asked(&[(0, "ggr"), (400, "ggg")], 700);
        let record = scheduler.entries[&q].record.clone().unwrap();
        assert!(matches!(record.observation.verdict(), ProbeAnswer::Granted(_)), "{record:?}");
        let refused: Vec<_> = asked.iter().filter(|second| (3..400).contains(*second)).collect();
        assert!(refused.len() == 2, "{asked:?}");
        let (_, scheduler, q) = uploads_asked(&[(0, "ggr")], 170);
        let record = scheduler.entries[&q].record.clone().unwrap();
        assert_eq!(record.observation.refusal().unwrap().0, Some(UploadCheck::Size), "{record:?}");
    }

    #[test]
    fn an_upload_that_never_came_through_is_told_from_one_that_no_longer_does() {
        let (_, scheduler, q) = uploads_asked(&[(0, "grg")], 100);
        assert!(!scheduler.entries[&q].record.as_ref().unwrap().passed.contains(&UploadCheck::Put));
        let (_, scheduler, q) = uploads_asked(&[(0, "ggg"), (10, "grg")], 2000);
        let record = scheduler.entries[&q].record.clone().unwrap();
        assert_eq!(record.observation.refusal().unwrap().0, Some(UploadCheck::Put), "{record:?}");
        assert!(record.passed.contains(&UploadCheck::Put), "{record:?}");
    }

    #[test]
    fn an_upload_without_an_answer_does_not_replace_one_that_passed_for_an_hour() {
        let open = |until| {
            let (_, scheduler, q) = uploads_asked(&[(0, "ggggg"), (10, "ggugg")], until);
            scheduler.entries[&q].record.as_ref().unwrap().observation.assumptions().len()
        };
        assert_eq!((open(3000), open(6000)), (0, 1));
    }

    #[test]
    fn many_dashboards_of_one_endpoint_ask_it_for_uploads_in_turn() {
        let mut scheduler = ProbeScheduler::new(Pace::default());
        let origin = |n: usize| Origin::parse(&format!("https://h{n}.example.com")).unwrap();
        let questions = (0..20).map(|n| ProbeTarget { origin: origin(n), uploads: Some(1), ..question() });
        scheduler.want(&questions.map(|q| (Arc::new(q), Some(String::new()))).collect(), Duration::ZERO);
        let mut asked = 0;
        for second in 0..4000 {
            let now = Duration::from_secs(second);
            for due in scheduler.take(now, 99) {
                asked += usize::from(second > 60 && due.checks);
                let answers = if due.checks { "ggg" } else { "g" };
                scheduler.record(&due.target, &due.epoch, observed(answers), now, 0.5);
            }
        }
        assert_eq!(asked, 4);
    }

    proptest! {
        /// Whatever comes, goes, is asked and answers: the agenda is what the entries say, so nobody is forgotten.
        #[test]
        fn the_agenda_has_whoever_is_due(course in proptest::collection::vec((0u8..4, any::<[Option<bool>; 3]>()), 1..30)) {
            let mut scheduler = ProbeScheduler::new(Pace::default());
            let origin = |n| Origin::parse(&format!("https://h{n}.example.com")).unwrap();
            let all: Vec<_> = (0..3).map(|n| Arc::new(ProbeTarget { origin: origin(n), ..question() })).collect();
            let mut asked = Vec::new();
            for (second, (what, states)) in (0u64..).map(|n| n * 20).zip(course) {
                let now = Duration::from_secs(second);
                match what {
                    // Wanted, in one of two states of the server or in none that is known; or gone.
                    0 => {
                        let wanted = all.iter().zip(states).enumerate().filter(|(n, _)| (second / 20) % 3 != u64::try_from(*n).unwrap());
                        let epoch = |state: Option<bool>| state.map(|state| state.to_string());
                        scheduler.want(&wanted.map(|(_, (q, state))| (q.clone(), epoch(state))).collect(), now);
                    }
                    1 => asked.extend(scheduler.take(now, 2)),
                    _ => {
                        for due in asked.drain(..) {
                            let letter = if states[0].is_some() { 'g' } else { 'r' };
                            scheduler.record(&due.target, &due.epoch, answer(letter), now, 0.5);
                        }
                    }
                }
                let due = |(q, entry): (&Arc<ProbeTarget>, &Entry)| Some((entry.next()?, q.clone()));
                prop_assert_eq!(&scheduler.agenda, &scheduler.entries.iter().filter_map(due).collect::<Agenda>());
            }
        }
    }

    /// A thousand targets get at most ten requests a second.
    #[test]
    fn a_bounded_budget() {
        let mut scheduler = ProbeScheduler::new(Pace::default());
        let questions: Vec<_> = (0..1000)
            .map(|n| Origin::parse(&format!("https://h{n}.example.com")).unwrap())
            .map(|origin| Arc::new(ProbeTarget { origin, ..question() }))
            .collect();
        scheduler.want(&questions.iter().map(|q| (q.clone(), Some(String::new()))).collect(), Duration::ZERO);
        for q in &questions {
            for _ in 0..VERDICT {
                scheduler.record(q, "", answer('g'), Duration::ZERO, 0.0);
            }
        }
        assert!(scheduler.next().unwrap() >= Duration::from_secs(80));
    }
}
