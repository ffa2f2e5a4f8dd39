//! Who is who: the operator's site file, and what hosts show by what they do.

pub mod role;
pub mod site;
