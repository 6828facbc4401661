//! What is told.

mod gitops;
