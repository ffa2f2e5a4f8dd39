//! Which of many rules may fit, without looking at the others. Rules for any host stand in a table by
//! port; the others are filed by block of ports and networks of both ends, and looked up once for each
//! combination of sizes that occurs (tuple space search, Srinivasan, Suri and Varghese 1999).

use std::collections::HashMap;

use foldhash::fast::FixedState;
use ipnet::IpNet;

use crate::addr::Addr;
use crate::inventory::role::RoleSet;
use crate::policy::net_keys::NetKey;
use crate::policy::net_keys::Width;
use crate::policy::port_blocks::Block;
use crate::policy::port_table::PortTable;
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
    by_port: PortTable,
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
    /// It serves whoever meets it here: nothing is left to compare but roles.
    pub(super) is_sure: bool,
    /// It is the site's own, in force with any pack.
    is_own: bool,
    /// The bit of its pack.
    pack: u64,
    orig: RoleSet,
    resp: RoleSet,
}

impl Entry {
    /// Whether the roles of who opens and who answers meet it, and it is of one of these packs or the site's.
    pub(super) fn meets(&self, packs: u64, orig: RoleSet, resp: RoleSet) -> bool {
        self.orig.meets(orig) && self.resp.meets(resp) && (self.is_own || self.pack & packs != 0)
    }
}

/// A rule to be filed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Filed<'r> {
    /// It.
    pub(super) rule: &'r Rule,
    /// Its number.
    pub(super) number: u32,
    /// The bit of its pack; `None`: it is the site's own.
    pub(super) pack: Option<u64>,
    /// The ports that it is about.
    pub(super) ports: &'r [Block],
    /// It is about these ports and no others, whoever answers, and knows neither time nor zone.
    pub(super) is_exact: bool,
}

/// One way round of a rule: entry, ports, hosts of who opens and who answers.
type Way<'r> = (Entry, &'r [Block], (&'r [IpNet], &'r [IpNet]));

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
    /// These rules, filed under their ends and ports, both ways round where they fit so.
    pub(super) fn of<'r>(rules: impl Iterator<Item = Filed<'r>>) -> Self {
        let mut by_transport: HashMap<Transport, Vec<Way<'r>>, FixedState> = HashMap::default();
        for Filed { rule, number, pack, ports, is_exact } in rules {
            let (is_own, bit) = (pack.is_none(), pack.unwrap_or(0));
            let (orig, resp) = (rule.from, rule.to);
            let entry = Entry { rule: number, is_sure: is_exact, is_own, pack: bit, orig, resp };
            for transport in &rule.transports {
                let ways = by_transport.entry(*transport).or_default();
                ways.push((entry, ports, (&rule.from_hosts, &rule.to_hosts)));
                if rule.both_ways {
                    let entry = Entry { orig: resp, resp: orig, ..entry };
                    ways.push((entry, ports, (&rule.to_hosts, &rule.from_hosts)));
                }
            }
        }
        let tables = by_transport.into_iter().map(|(transport, ways)| (transport, Table::of(ways)));
        Self { tables: tables.collect() }
    }

    /// All rules whose hosts, transport and ports are around `point`, in no order, some perhaps twice;
    /// and others beside.
    pub(super) fn around(&self, point: Point) -> impl Iterator<Item = &Entry> {
        let table = self.tables.get(&point.transport);
        table.into_iter().flat_map(move |table| table.around(point))
    }
}

impl Table {
    fn of(ways: Vec<Way<'_>>) -> Self {
        let mut table = Self::default();
        let mut of_any_host = Vec::new();
        for (entry, ports, hosts) in ways {
            match hosts {
                ([], []) => of_any_host.push((entry, ports)),
                _ => table.file(entry, ports, hosts),
            }
        }
        let (by_port, left) = PortTable::of(of_any_host);
        table.by_port = by_port;
        left.into_iter().for_each(|(entry, ports)| table.file(entry, ports, (&[], &[])));
        table
    }

    fn file(&mut self, mut entry: Entry, ports: &[Block], (from, to): (&[IpNet], &[IpNet])) {
        let (mut orig, mut resp) = (net_keys(from), net_keys(to));
        let ports = match ports.len() {
            0..=MOST_KEYS => ports,
            _ => {
                entry.is_sure = false;
                &[Block::WHOLE]
            }
        };
        let too_many = |orig: &[_], resp: &[_]| {
            orig.len().saturating_mul(resp.len()).saturating_mul(ports.len()) > MOST_KEYS
        };
        if too_many(&orig, &resp) {
            entry.is_sure = false;
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
        self.by_port.at(point.port).iter().chain(self.shapes.iter().filter_map(list).flatten())
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
