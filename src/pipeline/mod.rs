//! The rim that drives the stages: reads frames, decodes them once, hands them to the workers that
//! own the shards, and puts what they say into one order.
//!
//! A shard sees its packets in their order, whoever owns it and however they are batched; each event
//! carries a stamp that is the same in every such run; so the merged stream is the same to the octet.

pub mod audit;
pub mod control;
mod crew;
mod intake;
pub mod offline;
pub mod online;
mod post;
pub mod settings;
pub mod tally;
mod work;
mod worker;

pub use control::Control;
pub use offline::run;
pub use settings::PipelineSettings;
pub use tally::RunTally;
