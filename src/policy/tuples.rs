//! Which of many rules may fit, without looking at the others: rules are filed by transport, block of
//! ports and networks of both ends, and looked up once for each combination of sizes that occurs
//! (tuple space search, Srinivasan, Suri and Varghese 1999).

use std::collections::HashMap;

use foldhash::fast::FixedState;
use ipnet::IpNet;

use crate::addr::Addr;
use crate::inventory::role::RoleSet;
use crate::policy::net_keys::NetKey;
use crate::policy::net_keys::Width;
use crate::policy::port_blocks::Block;
use crate::policy::rule::Rule;
use crate::service::Transport;

/// A rule is filed at most so often for each transport and direction; what would take more is filed
/// under more than it fits.
const MOST_KEYS: usize = 256;

/// Rules by their numbers, filed by what they fit.
#[derive(Clone, Debug, Default)]
pub(super) struct Tuples {
    tables: HashMap<Transport, Table, FixedState>,
}

#[derive(Clone, Debug, Default)]
struct Table {
    shapes: Vec<Shape>,
    entries: HashMap<Key, Vec<Entry>, FixedState>,
}

/// Sizes of what rules are filed under; `None`: any host.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Shape {
    ports: u8,
    orig: Option<Width>,
    resp: Option<Width>,
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
struct Key {
    ports: Block,
    orig: Option<NetKey>,
    resp: Option<NetKey>,
}

/// A rule that may fit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// Its number.
    pub(super) rule: u32,
    /// The bit of its pack; `None`: it is the site's own.
    pub(super) pack: Option<u64>,
    /// Roles, one of which who opens has.
    pub(super) orig: RoleSet,
    /// Roles, one of which who answers has.
    pub(super) resp: RoleSet,
}

/// What rules are looked up for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Point {
    /// What carries it.
    pub(super) transport: Transport,
    /// The responder's port; `None` meets rules for any port alone.
    pub(super) port: Option<u16>,
    /// Who opens; `None` meets rules for any host alone.
    pub(super) orig: Option<Addr>,
    /// Who answers; as above.
    pub(super) resp: Option<Addr>,
}

impl Tuples {
    /// Files a rule under its ends and these ports, both ways round where it fits so.
    pub(super) fn file(&mut self, rule: &Rule, number: u32, pack: Option<u64>, ports: &[Block]) {
        let entry = Entry { rule: number, pack, orig: rule.from, resp: rule.to };
        for transport in &rule.transports {
            let table = self.tables.entry(*transport).or_default();
            table.file(entry, ports, (&rule.from_hosts, &rule.to_hosts));
            if rule.both_ways {
                let entry = Entry { orig: rule.to, resp: rule.from, ..entry };
                table.file(entry, ports, (&rule.to_hosts, &rule.from_hosts));
            }
        }
    }

    /// All rules whose hosts, transport and ports are around `point`, in no order, some perhaps twice;
    /// and others beside.
    pub(super) fn around(&self, point: Point) -> impl Iterator<Item = &Entry> {
        let table = self.tables.get(&point.transport);
        table.into_iter().flat_map(move |table| table.around(point))
    }
}

impl Table {
    fn file(&mut self, entry: Entry, ports: &[Block], (from, to): (&[IpNet], &[IpNet])) {
        let (mut orig, mut resp) = (net_keys(from), net_keys(to));
        let ports = if ports.len() > MOST_KEYS { &[Block::WHOLE] } else { ports };
        let too_many = |orig: &[_], resp: &[_]| {
            orig.len().saturating_mul(resp.len()).saturating_mul(ports.len()) > MOST_KEYS
        };
        if too_many(&orig, &resp) {
            orig = vec![None];
        }
        if too_many(&orig, &resp) {
            resp = vec![None];
        }
        for ports in ports {
            for orig in &orig {
                for resp in &resp {
                    self.file_one(entry, Key { ports: *ports, orig: *orig, resp: *resp });
                }
            }
        }
    }

    fn file_one(&mut self, entry: Entry, key: Key) {
        let width = |net: Option<NetKey>| net.map(|net| net.width);
        let shape = Shape { ports: key.ports.size, orig: width(key.orig), resp: width(key.resp) };
        if !self.shapes.contains(&shape) {
            self.shapes.push(shape);
        }
        self.entries.entry(key).or_default().push(entry);
    }

    fn around(&self, point: Point) -> impl Iterator<Item = &Entry> {
        let list = move |shape: &Shape| self.entries.get(&shape.at(&point)?);
        self.shapes.iter().filter_map(list).flatten()
    }
}

impl Shape {
    /// What a rule of these sizes is filed under that fits `point`.
    fn at(&self, point: &Point) -> Option<Key> {
        let net = |width: Option<Width>, addr: Option<Addr>| match width {
            Some(width) => NetKey::around(addr?, width).map(Some),
            None => Some(None),
        };
        let ports = Block::around(point.port, self.ports)?;
        Some(Key { ports, orig: net(self.orig, point.orig)?, resp: net(self.resp, point.resp)? })
    }
}

/// The keys of these networks; of none, that of any host.
fn net_keys(nets: &[IpNet]) -> Vec<Option<NetKey>> {
    if nets.is_empty() {
        return vec![None];
    }
    nets.iter().filter_map(NetKey::of).map(Some).collect()
}
