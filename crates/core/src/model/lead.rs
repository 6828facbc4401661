//! Where objects lead, so that those before a Service or pod are found without a search.

/// Where an object leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lead<'a> {
    /// To a Service of this name.
    Service(&'a str),
    /// To pods with this label, perhaps among others.
    Label(&'a str, &'a str),
    /// To any pods.
    Pods,
    /// The object alone does not say: it may lead through others.
    Anywhere,
}
