//! What a computation reads, so that it is made again only if that changed.
//!
//! Everything that is observed or derived has a [`Source`], and a place in it: a namespace, or a name where there
//! are no namespaces. The code that hands out a value notes both. [`recorded`] collects the notes of one computation;
//! [`Changes`] says whether one of them is out of date. So nobody has to list what a computation depends on.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::key::Key;
use super::kind::Kind;

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Objects of a kind.
    Kind(Kind),
    /// Whether all objects of a kind are known; the place is the kind's name.
    Known,
    /// The results of preflights; the place is the dashboard's origin.
    Answers,
    /// Anything else that is observed; it has no places.
    Observed(Observation),
    /// What a stage of the derivation has made.
    Stage(u8),
}

/// Observations that have no places, because they seldom change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observation {
    Catalogs,
    Canaries,
    RefusedWrites,
    Unread,
    Unwatched,
}

impl Source {
    fn bit(self) -> u128 {
        /// After the kinds, of which there are fewer.
        const OTHERS: u32 = 96;
        const STAGES: u32 = 104;
        const { assert!(Kind::ALL.len() <= OTHERS as usize, "each kind has a bit") };
        let number = match self {
            Self::Kind(kind) => kind as u32,
            Self::Known => OTHERS,
            Self::Answers => OTHERS + 1,
            Self::Observed(what) => OTHERS + 2 + what as u32,
            Self::Stage(number) => STAGES + u32::from(number),
        };
        1 << number
    }
}

/// What a computation has read.
#[derive(Clone, Debug, Default)]
pub struct Reads {
    /// Sources by place. There are few.
    places: Vec<(Box<str>, u128)>,
    /// Sources of which it has read all places.
    whole: u128,
}

thread_local! {
    /// The notes of the computation that runs, if one does.
    static NOTES: RefCell<Option<Reads>> = const { RefCell::new(None) };
}

/// Where a change of a value counts: its namespace, or its name if it has none.
pub(crate) fn place(key: &Key) -> &str {
    if key.namespace.is_empty() { &key.name } else { &key.namespace }
}

/// Notes that a value was read.
pub(crate) fn note(source: Source, place: &str) {
    with_notes(|notes| match notes.places.iter_mut().find(|(known, _)| **known == *place) {
        Some((_, sources)) => *sources |= source.bit(),
        None => notes.places.push((place.into(), source.bit())),
    });
}

/// Notes that all places of a source were read.
pub(crate) fn note_whole(source: Source) {
    with_notes(|notes| notes.whole |= source.bit());
}

fn with_notes(add: impl FnOnce(&mut Reads)) {
    NOTES.with_borrow_mut(|notes| notes.as_mut().map(add));
}

/// Computes something; returns what it has read, too.
pub(crate) fn recorded<T>(compute: impl FnOnce() -> T) -> (T, Reads) {
    /// Ends the notes even if the computation panics.
    struct Pause(Option<Reads>);
    impl Drop for Pause {
        fn drop(&mut self) {
            NOTES.set(self.0.take());
        }
    }
    let pause = Pause(NOTES.replace(Some(Reads::default())));
    let value = compute();
    let mut reads = NOTES.take().unwrap_or_default();
    reads.places.shrink_to_fit();
    drop(pause);
    (value, reads)
}

/// What has changed.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    places: BTreeMap<Box<str>, u128>,
    /// Sources of which every place may have changed.
    everywhere: u128,
    /// Sources of which anything has changed.
    any: u128,
}

impl Changes {
    /// A value of this place changed, came, or went.
    pub(crate) fn add(&mut self, source: Source, place: &str) {
        self.any |= source.bit();
        match self.places.get_mut(place) {
            Some(sources) => *sources |= source.bit(),
            None => drop(self.places.insert(place.into(), source.bit())),
        }
    }

    /// Every value of the source may have changed.
    pub(crate) fn add_everywhere(&mut self, source: Source) {
        self.any |= source.bit();
        self.everywhere |= source.bit();
    }

    /// Whether something that was read has changed.
    pub(crate) fn touch(&self, reads: &Reads) -> bool {
        let is_changed = |(place, sources): &(Box<str>, u128)| {
            sources & self.everywhere != 0 || self.places.get(place).is_some_and(|changed| sources & changed != 0)
        };
        self.any & reads.whole != 0 || reads.places.iter().any(is_changed)
    }
}

/// A value that has no places: to look at it is to read all of it.
#[derive(Clone, Debug)]
pub struct Tracked<T> {
    what: Observation,
    value: T,
}

impl<T> Tracked<T> {
    pub(crate) const fn new(what: Observation, value: T) -> Self {
        Self { what, value }
    }
}

impl<T: PartialEq> Tracked<T> {
    pub(crate) fn compare(&self, before: &Self, changes: &mut Changes) {
        if self.value != before.value {
            changes.add(Source::Observed(self.what), "");
        }
    }
}

impl<T> std::ops::Deref for Tracked<T> {
    type Target = T;

    fn deref(&self) -> &T {
        note(Source::Observed(self.what), "");
        &self.value
    }
}

impl<T> std::ops::DerefMut for Tracked<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PODS: Source = Source::Kind(Kind::Pod);
    const JOBS: Source = Source::Kind(Kind::Job);

    #[test]
    fn what_was_read_is_touched_by_its_own_changes_only() {
        let ((), reads) = recorded(|| {
            note(PODS, "cloud");
            note(JOBS, "cloud");
            note_whole(Source::Known);
        });
        let touched = |change: fn(&mut Changes)| {
            let mut changes = Changes::default();
            change(&mut changes);
            changes.touch(&reads)
        };
        assert!(!touched(|_| {}));
        assert!(touched(|c| c.add(PODS, "cloud")));
        assert!(touched(|c| c.add(JOBS, "cloud")));
        assert!(!touched(|c| c.add(PODS, "lab")));
        assert!(!touched(|c| c.add(Source::Answers, "cloud")));
        assert!(touched(|c| c.add_everywhere(JOBS)));
        assert!(!touched(|c| c.add_everywhere(Source::Answers)));
        assert!(touched(|c| c.add(Source::Known, "Pod")));
    }

    #[test]
    fn notes_are_of_one_computation() {
        let (((), inner), outer) = recorded(|| {
            note(PODS, "cloud");
            recorded(|| note(JOBS, "cloud"))
        });
        let mut jobs = Changes::default();
        jobs.add(JOBS, "cloud");
        assert!(jobs.touch(&inner) && !jobs.touch(&outer));
        let caught = std::panic::catch_unwind(|| recorded(|| panic!("an odd object")));
        assert!(caught.is_err());
        note(JOBS, "cloud");
        assert!(NOTES.take().is_none(), "nothing is noted outside");
    }
}
