//! The report that a person reads in a minute: what is wrong, worst first; advice; what could not be
//! judged and why; what was seen; how far to trust it.

pub mod layout;
pub mod seen;
pub mod text;
pub mod trust;
