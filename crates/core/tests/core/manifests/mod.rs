//! Files and objects, as they come in.

mod documents;
mod input;
mod yaml;
