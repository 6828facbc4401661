//! Steps, and their order.

mod order;
mod same_origin;
