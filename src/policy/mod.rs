//! What is allowed: rule packs, compiled rules, and the order of decision. Rules are data
//! (`rules/*.toml`); nothing here knows a vendor.

pub mod diagnostic;
pub mod rule;
