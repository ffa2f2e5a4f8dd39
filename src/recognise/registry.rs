//! Every recogniser, in the order in which they are asked; the first match wins. A new protocol is a
//! new file beside this one and one line here.

use super::Recogniser;

/// The recognisers in force, most specific signature first, heuristics last.
pub static RECOGNISERS: &[&dyn Recogniser] = &[];
