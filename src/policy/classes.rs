//! Rules that differ in ports and hosts alone, as classes: of those of a class on which a case falls
//! alike, the first one speaks for all. Whoever asks for the nearest of ten thousand rules then compares
//! a few of them.
//!
//! Each class is a run of bits. Where the ports and hosts of its rules hold the case's is marked in five
//! such rows, from what is filed; reading them takes 64 rules at a time.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::inventory::role::RoleSet;
use crate::policy::case::Case;
use crate::policy::net_keys::NetLists;
use crate::policy::port_blocks::Block;
use crate::policy::port_blocks::PortLists;
use crate::policy::rule::Expect;
use crate::policy::rule::Ports;
use crate::policy::rule::Rule;
use crate::policy::rule::RuleId;
use crate::policy::rule::Status;
use crate::policy::rule::TlsDemand;
use crate::service::Content;
use crate::service::Transport;

/// Rules, class by class.
#[derive(Clone, Debug, Default)]
pub(super) struct Classes {
    classes: Vec<Class>,
    /// The number of the rule at each place.
    rules: Vec<u32>,
    /// Places by ports, by the hosts that open, and by those that answer.
    ports: PortLists,
    from: NetLists,
    to: NetLists,
}

#[derive(Clone, Debug)]
struct Class {
    /// The bit of the pack; `None`: the site's own.
    pack: Option<u64>,
    places: Range<usize>,
}

/// Number, rule, and the ports that it may be about.
type Member<'r> = (u32, &'r Rule, &'r [Block]);

/// All of a rule that a comparison with a case depends on, except which ports and which hosts.
#[derive(Eq, Hash, PartialEq)]
struct Kind<'r> {
    pack: Option<u64>,
    roles: (RoleSet, RoleSet),
    any: (bool, bool, bool),
    to_zone_kind: &'r Option<Arc<str>>,
    transports: &'r [Transport],
    both_ways: bool,
    expect: &'r Expect,
    contents: &'r [Content],
    tls: TlsDemand,
    status: &'r [Status],
    feature: &'r Option<Arc<str>>,
    peers: &'r [Arc<str>],
    /// The site names peers for each rule.
    peers_named: Option<&'r RuleId>,
}

impl<'r> Kind<'r> {
    fn of(rule: &'r Rule, pack: Option<u64>) -> Self {
        Self {
            pack,
            roles: (rule.from, rule.to),
            any: (rule.ports == Ports::Any, rule.from_hosts.is_empty(), rule.to_hosts.is_empty()),
            to_zone_kind: &rule.to_zone_kind,
            transports: &rule.transports,
            both_ways: rule.both_ways,
            expect: &rule.expect,
            contents: &rule.contents,
            tls: rule.tls,
            status: &rule.status,
            feature: &rule.feature,
            peers: &rule.peers,
            peers_named: rule.peers_named.then_some(&rule.id),
        }
    }
}

/// What is marked of 64 rules.
#[derive(Clone, Copy, Debug, Default)]
struct Marks {
    port: u64,
    from_orig: u64,
    from_resp: u64,
    to_orig: u64,
    to_resp: u64,
}

impl Marks {
    /// The combination of marks at `bit`, and all places that have the same.
    fn like(&self, bit: u32) -> (u32, u64) {
        let rows = [self.port, self.from_orig, self.from_resp, self.to_orig, self.to_resp];
        rows.iter().fold((0, u64::MAX), |(marks, alike), row| {
            let mark = row.checked_shr(bit).unwrap_or(0) & 1;
            let same = if mark == 1 { *row } else { !*row };
            (marks << 1 | u32::from(mark == 1), alike & same)
        })
    }
}

impl Classes {
    /// The classes of these rules: number, pack, rule and the ports that it may be about.
    pub(super) fn of<'r>(rules: impl Iterator<Item = (u32, Option<u64>, &'r Rule, &'r [Block])>) -> Self {
        let mut kinds: HashMap<Kind<'r>, usize, FixedState> = HashMap::default();
        let mut members: Vec<(Option<u64>, Vec<Member<'r>>)> = Vec::new();
        for (number, pack, rule, ports) in rules {
            let class = *kinds.entry(Kind::of(rule, pack)).or_insert_with(|| {
                members.push((pack, Vec::new()));
                members.len().saturating_sub(1)
            });
            if let Some((_, class)) = members.get_mut(class) {
                class.push((number, rule, ports));
            }
        }
        let mut classes = Self::default();
        for (pack, members) in members {
            let start = classes.rules.len();
            members.iter().for_each(|(number, rule, ports)| classes.add(*number, rule, ports));
            classes.classes.push(Class { pack, places: start..classes.rules.len() });
        }
        classes
    }

    fn add(&mut self, number: u32, rule: &Rule, ports: &[Block]) {
        let place = u32::try_from(self.rules.len()).unwrap_or(u32::MAX);
        self.rules.push(number);
        // A rule for any port fits them all; that it does is of its kind.
        if rule.ports != Ports::Any {
            self.ports.file(ports, place);
        }
        self.from.file(&rule.from_hosts, place);
        self.to.file(&rule.to_hosts, place);
    }

    /// The numbers, ascending, of rules of these packs and of the site, so that for every rule there is one
    /// that the case fits in the same fields, of the same kind, and none of them before that one.
    /// `fits_port` says whether the port is one of a rule's.
    pub(super) fn telling(&self, packs: u64, case: &Case<'_>, fits_port: impl Fn(u32) -> bool) -> Vec<u32> {
        let marks = self.marks(case, fits_port);
        let mut telling = Vec::new();
        let in_force = |class: &&Class| class.pack.is_none_or(|pack| pack & packs != 0);
        for class in self.classes.iter().filter(in_force) {
            let mut seen = 0_u32;
            let mut place = class.places.start;
            while let Some(marks) = marks.get(place / 64).filter(|_| place < class.places.end) {
                let next = (place / 64).saturating_add(1).saturating_mul(64);
                let mut left = bits_between(place % 64, class.places.end.min(next).saturating_sub(place));
                while left != 0 {
                    let bit = left.trailing_zeros();
                    let (combination, alike) = marks.like(bit);
                    let combination = 1_u32.checked_shl(combination).unwrap_or(0);
                    if seen & combination == 0 {
                        seen |= combination;
                        telling.extend(
                            self.rules.get((place / 64).saturating_mul(64).saturating_add(bit_index(bit))),
                        );
                    }
                    left &= !alike;
                }
                place = next;
            }
        }
        telling.sort_unstable();
        telling
    }

    fn marks(&self, case: &Case<'_>, fits_port: impl Fn(u32) -> bool) -> Vec<Marks> {
        let mut marks = vec![Marks::default(); self.rules.len().div_ceil(64)];
        let mut mark = |place: u32, row: fn(&mut Marks) -> &mut u64| {
            if let Some(marks) = marks.get_mut(bit_index(place / 64)) {
                *row(marks) |= 1_u64.checked_shl(place % 64).unwrap_or(0);
            }
        };
        let (orig, resp) = (case.orig.addr, case.resp.addr);
        self.from.around(orig).for_each(|place| mark(place, |marks| &mut marks.from_orig));
        self.from.around(resp).for_each(|place| mark(place, |marks| &mut marks.from_resp));
        self.to.around(orig).for_each(|place| mark(place, |marks| &mut marks.to_orig));
        self.to.around(resp).for_each(|place| mark(place, |marks| &mut marks.to_resp));
        // What is filed may be about more ports than the rule has at this responder.
        let fits = |place: &u32| self.rules.get(bit_index(*place)).is_some_and(|rule| fits_port(*rule));
        for place in self.ports.around(case.port).filter(fits) {
            mark(place, |marks| &mut marks.port);
        }
        marks
    }
}

/// So many bits from `first` on.
fn bits_between(first: usize, count: usize) -> u64 {
    let shift = |bits: usize| u32::try_from(bits).unwrap_or(u32::MAX);
    let low = 1_u64.checked_shl(shift(count)).map_or(u64::MAX, |over| over.wrapping_sub(1));
    low.checked_shl(shift(first)).unwrap_or(0)
}

fn bit_index(bit: u32) -> usize {
    usize::try_from(bit).unwrap_or(usize::MAX)
}
