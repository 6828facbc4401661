//! What OpenStack and its packages expect.

mod layout;
mod release;
