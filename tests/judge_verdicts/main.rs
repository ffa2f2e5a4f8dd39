//! Sentences of the policy, each proved by real packets of the writer on a small site.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "test helpers")]

#[path = "../support/audit.rs"]
mod audit;
#[path = "../../fixtures/writer/mod.rs"]
mod writer;

mod counting;
mod exceptions;
mod groups;
mod hygiene;
mod initiator;
mod site;
mod stage;
mod sweeps;
