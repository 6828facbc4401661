//! What uploads need of limits: sizes in bytes, times in milliseconds. The rules of the operator and of `check` use the
//! same.

/// Common images are larger than this.
pub const SMALL: u64 = 10 << 30;

/// Some images are larger than this.
pub const LARGE: u64 = 100 << 30;

/// A limit of at least this many bytes does not affect images that pass the dashboard.
pub const DELIBERATE: u64 = 4 << 30;

/// A limit on the duration of a whole upload: below this it will cut many …
const SHORT: u64 = 1_800_000;

/// … and from this on hardly any.
pub const LONG: u64 = 7_200_000;

/// A shorter allowed silence, or a shorter wait for the answer, ends uploads while Glance stores their end.
pub const PATIENT: u64 = 600_000;

/// Whether a body limit refuses common images, or some; none if it refuses hardly any.
pub const fn body_fails(bytes: u64) -> Option<bool> {
    if bytes < LARGE { Some(bytes < SMALL) } else { None }
}

/// Whether a limit on the duration of a whole upload cuts many, or some; none if it is no limit, or cuts hardly any.
pub const fn whole_fails(time: u64) -> Option<bool> {
    if time > 0 && time < LONG { Some(time < SHORT) } else { None }
}
