//! What a computation reads, so that it is made again only if that changed.
//!
//! Everything that is observed or derived has a [`ReadSource`], and a [`ReadPlace`] in it. The code that hands out a value
//! notes both. [`recorded`] collects the notes of one computation; [`Changes`] says whether one of them is out of
//! date. So nobody has to list what a computation depends on.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use strum::EnumCount;

use super::key::Key;
use super::kind::Kind;
use super::lead::Lead;

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadSource {
    /// Objects of a kind.
    Kind(Kind),
    /// Which scopes of a kind are known, and whether all their objects can be read.
    Coverage(Kind),
    /// The results of preflights, by the dashboard's origin.
    Answers,
    /// Anything else that is observed; it has no places.
    Observed(SnapshotField),
    /// What a stage of the derivation has made. There are at most [`MOST_STAGES`](Self::MOST_STAGES).
    Stage(u8),
}

/// Observations that have no places, because they seldom change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumCount)]
pub enum SnapshotField {
    Catalogs,
    Canaries,
    RefusedWrites,
    Unread,
    Unwatched,
}

/// What of a source is read, or has changed.
#[derive(Clone, Copy, Debug, Hash)]
pub enum ReadPlace<'a> {
    /// One object, or the value of one resource.
    Item(&'a Key),
    /// The objects of a namespace; of a stage: which resources of a namespace have a value.
    Namespace(&'a str),
    /// The objects of a namespace that lead somewhere.
    Leading(&'a str, Lead<'a>),
    /// What has this name.
    Name(&'a str),
}

impl ReadSource {
    /// Each kind has two bits.
    const KINDS: usize = Kind::ALL.len();
    const OTHERS: usize = 2 * Self::KINDS;
    const FIRST_STAGE: usize = Self::OTHERS + 1 + SnapshotField::COUNT;

    /// How many stages have a bit of their own.
    pub const MOST_STAGES: usize = u128::BITS as usize - Self::FIRST_STAGE;

    const fn number(self) -> usize {
        match self {
            Self::Kind(kind) => kind as usize,
            Self::Coverage(kind) => Self::KINDS + kind as usize,
            Self::Answers => Self::OTHERS,
            Self::Observed(what) => Self::OTHERS + 1 + what as usize,
            Self::Stage(number) => Self::FIRST_STAGE + number as usize,
        }
    }

    const fn bit(self) -> u128 {
        1 << self.number()
    }

    /// A place of it, as a number. Where two have the same, something is computed once too often.
    fn at(self, place: ReadPlace<'_>) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.number(), place).hash(&mut hasher);
        hasher.finish()
    }
}

impl ReadPlace<'_> {
    /// What it belongs to, as a number: its namespace, if it has one. Nearly everything that one value is computed from
    /// belongs to the same one or two, and nearly all changes belong to others.
    fn area(self) -> u32 {
        let name = match self {
            Self::Item(key) if key.namespace.is_empty() => &key.name,
            Self::Item(key) => &key.namespace,
            Self::Namespace(name) | Self::Leading(name, _) | Self::Name(name) => name,
        };
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        // Half of it is enough; zero means none.
        u32::try_from(hasher.finish() >> 32).unwrap_or_default().max(1)
    }
}

/// Up to four areas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Areas {
    /// Zeros at the end mean none.
    few: [u32; 4],
    /// There are more.
    many: bool,
}

impl Areas {
    fn add(&mut self, area: u32) {
        match self.few.iter_mut().find(|known| **known == area || **known == 0) {
            Some(known) => *known = area,
            None => self.many = true,
        }
    }

    /// Whether any of them may be among these.
    fn meet(self, others: &BTreeSet<u32>) -> bool {
        self.many || self.few.iter().take_while(|area| **area != 0).any(|area| others.contains(area))
    }
}

/// What a computation has read.
#[derive(Clone, Debug, Default)]
pub struct Reads {
    /// Places, as numbers, in order and deduplicated.
    places: Vec<u64>,
    /// Where those places are.
    areas: Areas,
    /// Sources of those places.
    sources: u128,
    /// Sources of which it has read all places.
    whole: u128,
}

thread_local! {
    /// The notes of the computation that runs, if one does.
    static NOTES: RefCell<Option<Reads>> = const { RefCell::new(None) };
}

/// Notes that a value was read.
pub(crate) fn note(source: ReadSource, place: ReadPlace<'_>) {
    with_notes(|notes| {
        notes.places.push(source.at(place));
        notes.areas.add(place.area());
        notes.sources |= source.bit();
    });
}

/// Notes that all places of a source were read.
pub(crate) fn note_whole(source: ReadSource) {
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
    drop(pause);
    reads.places.sort_unstable();
    reads.places.dedup();
    reads.places.shrink_to_fit();
    (value, reads)
}

/// What has changed.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    places: BTreeSet<u64>,
    /// Where those places are.
    areas: BTreeSet<u32>,
    /// Sources of which every place may have changed.
    everywhere: u128,
    /// Sources of which anything has changed.
    any: u128,
}

impl Changes {
    /// A value of this place changed, came, or went.
    pub(crate) fn add(&mut self, source: ReadSource, place: ReadPlace<'_>) {
        self.any |= source.bit();
        self.places.insert(source.at(place));
        self.areas.insert(place.area());
    }

    /// Every value of the source may have changed.
    pub(crate) fn add_everywhere(&mut self, source: ReadSource) {
        self.any |= source.bit();
        self.everywhere |= source.bit();
    }

    /// Whether something that was read has changed.
    pub(crate) fn touch(&self, reads: &Reads) -> bool {
        let is_changed = || reads.places.iter().any(|place| self.places.contains(place));
        self.any & reads.whole != 0
            || self.everywhere & reads.sources != 0
            || (self.any & reads.sources != 0 && reads.areas.meet(&self.areas) && is_changed())
    }
}

/// A value that has no places: to look at it is to read all of it.
#[derive(Clone, Debug)]
pub struct Tracked<T> {
    what: SnapshotField,
    value: T,
}

impl<T> Tracked<T> {
    pub(crate) const fn new(what: SnapshotField, value: T) -> Self {
        Self { what, value }
    }
}

impl<T: PartialEq> Tracked<T> {
    pub(crate) fn compare(&self, before: &Self, changes: &mut Changes) {
        if self.value != before.value {
            changes.add(ReadSource::Observed(self.what), ReadPlace::Name(""));
        }
    }
}

impl<T> std::ops::Deref for Tracked<T> {
    type Target = T;

    fn deref(&self) -> &T {
        note(ReadSource::Observed(self.what), ReadPlace::Name(""));
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

    const PODS: ReadSource = ReadSource::Kind(Kind::Pod);
    const JOBS: ReadSource = ReadSource::Kind(Kind::Job);
    const CLOUD: ReadPlace<'_> = ReadPlace::Namespace("cloud");

    #[test]
    fn what_was_read_is_touched_by_its_own_changes_only() {
        let (pod, other) = (Key::new("cloud", "horizon-0"), Key::new("cloud", "horizon-1"));
        let ((), reads) = recorded(|| {
            note(PODS, ReadPlace::Item(&pod));
            note(JOBS, CLOUD);
            note_whole(ReadSource::Coverage(Kind::Pod));
        });
        let touched = |change: &dyn Fn(&mut Changes)| {
            let mut changes = Changes::default();
            change(&mut changes);
            changes.touch(&reads)
        };
        assert!(!touched(&|_| {}));
        assert!(touched(&|c| c.add(PODS, ReadPlace::Item(&pod))));
        assert!(!touched(&|c| c.add(PODS, ReadPlace::Item(&other))));
        assert!(!touched(&|c| c.add(PODS, CLOUD)));
        assert!(touched(&|c| c.add(JOBS, CLOUD)));
        assert!(!touched(&|c| c.add(JOBS, ReadPlace::Namespace("lab"))));
        assert!(!touched(&|c| c.add(JOBS, ReadPlace::Name("cloud"))));
        assert!(!touched(&|c| c.add(ReadSource::Answers, CLOUD)));
        assert!(touched(&|c| c.add_everywhere(JOBS)));
        assert!(!touched(&|c| c.add_everywhere(ReadSource::Answers)));
        assert!(touched(&|c| c.add(ReadSource::Coverage(Kind::Pod), ReadPlace::Name("lab"))));
        assert!(!touched(&|c| c.add(ReadSource::Coverage(Kind::Job), ReadPlace::Name("cloud"))));
    }

    /// However many namespaces it has read from.
    #[test]
    fn a_change_touches_whoever_has_read_from_its_namespace() {
        let names = ["a", "b", "c", "d", "e", "f"];
        for count in 1..=names.len() {
            let ((), reads) =
                recorded(|| names[..count].iter().for_each(|name| note(PODS, ReadPlace::Namespace(name))));
            for (at, name) in names.iter().enumerate() {
                let mut changes = Changes::default();
                changes.add(PODS, ReadPlace::Namespace(name));
                assert_eq!(changes.touch(&reads), at < count, "{name} of {count}");
            }
        }
    }

    #[test]
    fn notes_are_of_one_computation() {
        let (((), inner), outer) = recorded(|| {
            note(PODS, CLOUD);
            recorded(|| note(JOBS, CLOUD))
        });
        let mut jobs = Changes::default();
        jobs.add(JOBS, CLOUD);
        assert!(jobs.touch(&inner) && !jobs.touch(&outer));
        let caught = std::panic::catch_unwind(|| recorded(|| panic!("an odd object")));
        assert!(caught.is_err());
        note(JOBS, CLOUD);
        assert!(NOTES.take().is_none(), "nothing is noted outside");
    }

    #[test]
    fn each_source_has_a_bit_of_its_own() {
        let kinds = Kind::ALL.iter().flat_map(|kind| [ReadSource::Kind(*kind), ReadSource::Coverage(*kind)]);
        let others = [
            ReadSource::Answers,
            ReadSource::Observed(SnapshotField::Unwatched),
            ReadSource::Stage(0),
            ReadSource::Stage(u8::try_from(ReadSource::MOST_STAGES - 1).unwrap()),
        ];
        let all: Vec<u128> = kinds.chain(others).map(ReadSource::bit).collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    }
}
