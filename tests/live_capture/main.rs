//! Live capture in networks that the tests make: namespaces of their own, with two ends of a cable in each.
#![cfg(feature = "live")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "tests with networks and clocks"
)]

mod fan_out;
mod frames;
mod link_changes;
mod merging;
mod mirror;
mod network;
mod start_and_stop;
