//! Sentences of the policy, each proved by real packets of the writer on a small site.
#![expect(clippy::indexing_slicing, reason = "test helpers")]

#[path = "../support/audit.rs"]
mod audit;
#[path = "../../fixtures/writer/mod.rs"]
mod writer;

mod counting;
mod exceptions;
mod groups;
mod hygiene;
mod initiator;
mod media;
mod site;
mod stage;
mod sweeps;
