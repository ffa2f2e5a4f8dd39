//! What the index leaves out does not matter: a walk over all rules in force says the same of random cases
//! under random rules, the nearest rule and the field that failed included.
#![expect(clippy::arithmetic_side_effects, clippy::as_conversions, reason = "test arithmetic")]

use std::ops::RangeInclusive;
use std::sync::Arc;

use ipnet::IpNet;
use proptest::prelude::ProptestConfig;
use proptest::prelude::any;
use proptest::prop_assert_eq;
use proptest::proptest;

use super::Rules;
use super::decide;
use super::decide_by;
use crate::addr::Addr;
use crate::flow::facts::Initiation;
use crate::flow::facts::Outcome;
use crate::inventory::Inventory;
use crate::inventory::role::Role;
use crate::inventory::role::RoleSet;
use crate::inventory::site::Assignment;
use crate::inventory::site::PortChange;
use crate::inventory::site::Site;
use crate::inventory::site::Whom;
use crate::policy::case::Case;
use crate::policy::case::End;
use crate::policy::case::Ruling;
use crate::policy::case::Spoken;
use crate::policy::case::Traits;
use crate::policy::fit;
use crate::policy::force::Candidates;
use crate::policy::force::Policy;
use crate::policy::packs;
use crate::policy::port_text::port_set;
use crate::policy::rule::Exception;
use crate::policy::rule::Expect;
use crate::policy::rule::Pack;
use crate::policy::rule::PackId;
use crate::policy::rule::PortSet;
use crate::policy::rule::Ports;
use crate::policy::rule::Rule;
use crate::policy::rule::RuleId;
use crate::policy::rule::Status;
use crate::policy::rule::TlsDemand;
use crate::service::Certainty;
use crate::service::Content;
use crate::service::Service;
use crate::service::Transport;
use crate::time::Timestamp;

const ROLES: &[Role] =
    &[Role::Camera, Role::RecordingServer, Role::SmartClient, Role::Internet, Role::Unknown];
const ADDRS: &[&str] = &["10.0.0.1", "10.0.0.2", "10.1.0.1", "192.0.2.1", "fd00::1", "fd00::2"];
const NETS: &[&str] = &[
    "10.0.0.1/32",
    "10.0.0.2/32",
    "10.0.0.0/24",
    "10.0.0.0/8",
    "0.0.0.0/0",
    "fd00::1/128",
    "fd00::/64",
    "::/0",
];
const PORTS: &[u16] = &[0, 1, 80, 443, 554, 1024, 5000, 5001, 9000, 40_000, 65_535];
const RANGES: &[RangeInclusive<u16>] = &[
    80..=80,
    443..=443,
    554..=554,
    5000..=5000,
    5001..=5001,
    1000..=5000,
    1..=65_535,
    0..=65_535,
    9000..=65_535,
    40_000..=40_001,
];
const TRANSPORTS: &[Transport] =
    &[Transport::Tcp, Transport::Tcp, Transport::Udp, Transport::Icmp, Transport::Ip(50)];
const SERVICES: &[Service] = &[Service::Http, Service::Tls, Service::Rtsp, Service::Rtp, Service::Ssh];
const FEATURE: &str = "a-feature";

/// Chance, from a seed (splitmix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) as usize % bound
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }

    fn some<T: Clone>(&mut self, from: &[T], least: usize, most: usize) -> Vec<T> {
        let count = least + self.below(most - least + 1);
        (0..count).map(|_| self.pick(from)).collect()
    }

    fn roles(&mut self) -> RoleSet {
        RoleSet::of(&self.some(ROLES, 1, 3))
    }

    fn hosts(&mut self) -> Vec<IpNet> {
        let most = if self.one_in(3) { 3 } else { 0 };
        self.some(NETS, 0, most).iter().map(|net| net.parse().unwrap()).collect()
    }

    fn port_set(&mut self) -> PortSet {
        port_set(self.some(RANGES, 1, 2))
    }

    fn ports(&mut self) -> Ports {
        match self.below(8) {
            0 => Ports::Any,
            1 => Ports::Named,
            _ => Ports::Set(self.port_set()),
        }
    }

    fn rule(&mut self, id: &str, pack: &str) -> Rule {
        let names = |names: Vec<&str>| names.into_iter().map(Arc::from).collect();
        Rule {
            id: RuleId(Arc::from(id)),
            pack: PackId(Arc::from(pack)),
            from: self.roles(),
            to: self.roles(),
            from_hosts: Vec::new(),
            to_hosts: Vec::new(),
            to_zone_kind: self.one_in(8).then(|| Arc::from("dmz")),
            transports: self.some(TRANSPORTS, 1, 2),
            ports: self.ports(),
            both_ways: self.one_in(4),
            expect: if self.one_in(3) {
                Expect::PortOnly
            } else {
                Expect::Services(self.some(SERVICES, 1, 2))
            },
            contents: if self.one_in(8) { vec![Content::MobotixAdmin] } else { Vec::new() },
            tls: self.pick(TlsDemand::ALL),
            status: if self.one_in(2) { vec![Status::Required] } else { vec![self.pick(Status::ALL)] },
            feature: self.one_in(3).then(|| Arc::from(FEATURE)),
            peers: names(if self.one_in(8) { vec!["a.example"] } else { Vec::new() }),
            peers_named: self.one_in(12),
            purpose: Arc::from("A test."),
            source: Arc::from("a test"),
            controls: Vec::new(),
            note: None,
            advice: self.one_in(8).then(|| Arc::from("advice")),
            exception: None,
        }
    }

    fn own_rule(&mut self, id: &str) -> Rule {
        let (from_hosts, to_hosts) = (self.hosts(), self.hosts());
        Rule { from_hosts, to_hosts, ..self.rule(id, "site") }
    }

    /// Rules that differ in ports and hosts alone, more of them than there are bits in a word.
    fn alike(&mut self, count: usize) -> Vec<Rule> {
        let first = self.own_rule("alike");
        let vary = |number: usize| Rule {
            id: RuleId(Arc::from(format!("alike-{number}"))),
            from_hosts: if first.from_hosts.is_empty() { Vec::new() } else { self.hosts() },
            to_hosts: if first.to_hosts.is_empty() { Vec::new() } else { self.hosts() },
            ports: if self.one_in(20) { Ports::Named } else { Ports::Set(self.port_set()) },
            ..first.clone()
        };
        (0..count).map(vary).collect()
    }

    fn change(&mut self, role: Option<Role>) -> PortChange {
        PortChange { role, default: self.pick(PORTS), ports: self.port_set() }
    }

    fn site(&mut self) -> Site {
        let count = self.below(150);
        let mut allow = if self.one_in(2) { self.alike(count) } else { Vec::new() };
        allow.extend((0..self.below(12)).map(|number| self.own_rule(&format!("own-{number}"))));
        let mut exceptions: Vec<Rule> =
            (0..self.below(4)).map(|number| self.own_rule(&format!("exception-{number}"))).collect();
        for rule in &mut exceptions {
            let expires = self.one_in(2).then(|| Timestamp::from_nanos(self.below(20) as i64));
            let text: Arc<str> = Arc::from("a test");
            rule.exception = Some(Exception { owner: Arc::clone(&text), reason: text, expires });
        }
        let changes = self.one_in(2);
        let assignments = ADDRS.iter().map(|addr| Assignment {
            whom: Whom::Host(vec![address(addr)]),
            roles: vec![self.pick(ROLES)],
            name: None,
            ports: if changes && self.one_in(2) { vec![self.change(None)] } else { Vec::new() },
            nat: false,
            place: Arc::from("a test"),
        });
        let assignments = assignments.collect();
        let named = ["pack-0", "pack-3", "own-0", "alike-2", "alike-70"];
        Site {
            assignments,
            role_ports: if changes {
                let role = self.pick(ROLES);
                vec![self.change(Some(role)), self.change(Some(role))]
            } else {
                Vec::new()
            },
            named_ports: named.iter().map(|id| (Arc::from(*id), self.port_set())).collect(),
            named_peers: vec![(Arc::from("own-0"), vec![Arc::from("b.example")])],
            features: if self.one_in(2) { vec![Arc::from(FEATURE)] } else { Vec::new() },
            allow,
            exceptions,
            ..Site::default()
        }
    }

    fn policy(&mut self) -> Policy {
        let mut packs = if self.one_in(3) { packs::shipped() } else { Vec::new() };
        for name in ["pack", "other"] {
            packs.push(Pack {
                id: PackId(Arc::from(name)),
                title: Arc::from(name),
                source: Arc::from(name),
                everywhere: false,
                features: Vec::new(),
                rules: (0..self.below(15))
                    .map(|number| self.rule(&format!("{name}-{number}"), name))
                    .collect(),
                assertions: Vec::new(),
            });
        }
        let site = (!self.one_in(6)).then(|| Arc::new(self.site()));
        Policy::new(packs, site, self.one_in(2), 0)
    }

    fn end(&mut self) -> End {
        let label = self.pick(ROLES);
        End {
            addr: address(self.pick(ADDRS)),
            label,
            roles: RoleSet::of(&[label, self.pick(ROLES)]),
            judges: !self.one_in(8),
            monitored: !self.one_in(8),
            packs: self.below(32) as u64,
            zone_kinds: if self.one_in(2) { vec![Arc::from("dmz")] } else { Vec::new() },
        }
    }

    fn spoken(&mut self) -> Spoken {
        match self.below(8) {
            0 => Spoken::Nothing,
            1 => Spoken::TooLittle,
            2 => Spoken::Unrecognised,
            _ => Spoken::Known(self.pick(SERVICES), self.pick(Certainty::ALL)),
        }
    }

    fn traits(&mut self) -> Traits {
        let mut traits = Traits::NONE;
        if self.one_in(4) {
            traits.contents.insert(Content::MobotixAdmin);
        }
        if self.one_in(3) {
            traits.name(Arc::from(self.pick(&["a.example", "b.example"])));
        }
        traits
    }
}

fn address(text: &str) -> Addr {
    Addr::from(text.parse::<std::net::IpAddr>().unwrap())
}

/// The ruling of a walk over all rules in force.
fn walk(policy: &Policy, inventory: &Inventory, case: &Case<'_>) -> Ruling {
    if !case.orig.monitored && !case.resp.monitored {
        return Ruling::OutOfScope;
    }
    if policy.is_empty() {
        return Ruling::NoPolicy;
    }
    let bits = case.orig.packs | case.resp.packs;
    let all = || policy.rules_in(bits).chain(policy.site_rules()).collect();
    let candidates = Candidates {
        exceptions: policy.exceptions().iter().collect(),
        own: policy.site_rules().iter().collect(),
        of_packs: policy.rules_in(bits).collect(),
    };
    let rules = Rules { candidates, announcing: &all, telling: &all };
    decide_by(&rules, policy, inventory, case)
}

/// Whether a rule that holds at `time` serves, and whether one knows the port, by a walk.
fn walk_ports(policy: &Policy, inventory: &Inventory, case: &Case<'_>, port: u16) -> (bool, bool) {
    let holds = |rule: &&Rule| {
        let expires = rule.exception.as_ref().and_then(|exception| exception.expires);
        expires.is_none_or(|expires| case.time < expires)
    };
    let bits = case.orig.packs | case.resp.packs;
    let rules = || policy.rules_in(bits).chain(policy.site_rules()).chain(policy.exceptions()).filter(holds);
    let serves =
        rules().any(|rule| fit::serves(inventory, rule, (case.orig, case.resp), case.transport, port));
    let knows = rules().any(|rule| {
        rule.to.meets(case.resp.roles)
            && rule.transports.contains(&case.transport)
            && fit::ports_at(inventory, rule, case.resp, rule.to).is_some_and(|ports| ports.has(port))
    });
    (serves, knows)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_index_and_a_walk_over_all_rules_say_the_same(seed in any::<u64>()) {
        let chance = &mut Chance(seed);
        let policy = chance.policy();
        let inventory = Inventory::new(policy.site().cloned());
        for _ in 0..30 {
            let (orig, resp, traits) = (chance.end(), chance.end(), chance.traits());
            let case = Case {
                orig: &orig,
                resp: &resp,
                initiation: chance.pick(Initiation::ALL),
                transport: chance.pick(TRANSPORTS),
                port: (!chance.one_in(5)).then(|| chance.pick(PORTS)),
                spoken: chance.spoken(),
                clear: chance.one_in(2),
                traits: &traits,
                outcome: Outcome::Established,
                time: Timestamp::from_nanos(chance.below(20) as i64),
            };
            let ruling = decide(&policy, &inventory, &case);
            prop_assert_eq!(ruling, walk(&policy, &inventory, &case), "{:?}", case);
            let (port, bits) = (chance.pick(PORTS), orig.packs | resp.packs);
            let (transport, time) = (case.transport, case.time);
            let serves = policy.serves(&inventory, (&orig, &resp), transport, port, time);
            let knows = policy.knows_port(&inventory, bits, &resp, (transport, port), time);
            prop_assert_eq!((serves, knows), walk_ports(&policy, &inventory, &case, port), "{:?}", case);
        }
    }
}
