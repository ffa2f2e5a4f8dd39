//! What the package brings fits the program.

use crate::Test;

pub(crate) const TESTS: &[Test] = &[];
