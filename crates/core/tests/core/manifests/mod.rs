//! Files and objects, as they come in.

mod input;
mod yaml;
