//! Who talks to whom, both ways. Knows no protocol: what hangs on a flow is the type of the
//! attachment, given by `recognise`.

pub mod facts;
pub mod key;
pub mod sink;

pub use facts::FlowFacts;
pub use key::FlowKey;
pub use key::Side;
