//! What is allowed: rule packs, compiled rules, and the order of decision. Rules are data
//! (`rules/*.toml`); nothing here knows a vendor.

pub mod assertion_text;
pub mod case;
mod classes;
pub mod decide;
pub mod diagnostic;
pub mod example;
pub mod expiry;
pub mod file;
pub mod fit;
pub mod force;
pub mod hygiene;
mod index;
pub mod lint;
pub mod lint_site;
mod net_keys;
pub mod overlap;
pub mod packs;
mod port_blocks;
mod port_table;
pub mod port_text;
pub mod raw_rule;
pub mod reasons;
pub mod rule;
mod rule_ends;
pub mod rule_text;
pub mod suggest;
pub mod table;
mod tuples;
pub mod words;
