//! What is allowed: rule packs, compiled rules, and the order of decision. Rules are data
//! (`rules/*.toml`); nothing here knows a vendor.

pub mod case;
pub mod decide;
pub mod diagnostic;
pub mod fit;
pub mod force;
pub mod hygiene;
pub mod reasons;
pub mod rule;
