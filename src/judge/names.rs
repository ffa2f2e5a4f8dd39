//! Names that addresses were resolved from, as DNS answers on the wire said.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::sync::Arc;

use crate::addr::Addr;

/// Addresses kept; the oldest go first. About 150 octets each.
const ADDRESS_CAP: usize = 65_536;
/// Names kept for one address; content networks answer for thousands.
const NAMES_PER_ADDRESS: usize = 8;

/// Which names an address was given for. Bounded.
#[derive(Debug, Default)]
pub struct Names {
    names: HashMap<Addr, Vec<Arc<str>>, foldhash::fast::FixedState>,
    order: VecDeque<Addr>,
}

impl Names {
    /// Notes that `name` stands for `addr`.
    pub fn resolved(&mut self, name: &str, addr: Addr) {
        let name: Arc<str> = name.trim_end_matches('.').to_ascii_lowercase().into();
        if !self.names.contains_key(&addr) {
            self.order.push_back(addr);
        }
        let names = self.names.entry(addr).or_default();
        if !names.contains(&name) && names.len() < NAMES_PER_ADDRESS {
            names.push(name);
        }
        while self.order.len() > ADDRESS_CAP {
            if let Some(oldest) = self.order.pop_front() {
                self.names.remove(&oldest);
            }
        }
    }

    /// The names that `addr` was given for.
    pub fn of(&self, addr: Addr) -> &[Arc<str>] {
        self.names.get(&addr).map(Vec::as_slice).unwrap_or_default()
    }
}
