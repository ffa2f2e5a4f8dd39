//! The rim of the live audit: interfaces, HTTP, events, reload, the appliance's cage. It drives the same
//! stages as an audit of captures.

pub mod changed;
pub mod event_log;
pub mod http;
pub mod syslog_sender;
