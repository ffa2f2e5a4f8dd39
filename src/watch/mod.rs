//! The rim of the live audit: interfaces, HTTP, events, reload, the appliance's cage. It drives the same
//! stages as an audit of captures.

pub mod log;
pub mod notify;
pub mod sandbox;
