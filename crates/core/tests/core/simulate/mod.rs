//! Plans, carried out on files.

mod outcome;
mod shapes;
