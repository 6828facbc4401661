//! Origins and URLs.

mod origin;
