//! Events in, ledger out: the pure state machine that owns conversations, roles and violations.

pub mod audit;
