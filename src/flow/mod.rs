//! Who talks to whom, both ways. Knows no protocol: what hangs on a flow is the type of the
//! attachment, given by `recognise`.

mod carry;
mod closing;
pub mod facts;
mod index;
pub mod key;
mod letters;
mod marks;
mod mirror;
mod opener;
mod opening;
mod order;
mod rare;
mod reassembly;
mod recent;
mod record;
mod sent;
pub mod settings;
pub mod shard;
mod shelf;
pub mod sink;
mod slab;
mod step;
pub mod table;
mod tags;
mod tcp;
pub mod trace;

pub use facts::FlowFacts;
pub use key::FlowKey;
pub use key::Side;
pub use settings::FlowSettings;
pub use sink::FlowSink;
pub use table::FlowTable;
pub use trace::Trace;
pub use trace::Tracer;
