//! Writes the site file to start from: what was inferred, each line with its reason.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::addr::Addr;
use crate::addr::Mac;
use crate::inventory::Inventory;
use crate::inventory::address::host_net;
use crate::inventory::inference::Conclusion;
use crate::inventory::role::Role;
use crate::inventory::role::RoleSet;

/// Unknown hosts that are listed one by one; beyond it they are counted.
const MAX_UNKNOWN_LISTED: usize = 200;

/// Packs that a zone is given by the roles in it.
const XPROTECT: &str = "xprotect";
const MOBOTIX: &str = "mobotix";

/// The draft of `inventory`. It reads back without a fault where the packs `xprotect` and `mobotix` are.
pub(super) fn draft(inventory: &Inventory) -> String {
    let mut networks: BTreeMap<IpNet, BTreeSet<Role>> = BTreeMap::new();
    let mut unknown = Vec::new();
    let mut hosts = Vec::new();
    for (addr, conclusion) in inventory.observed() {
        let roles = networks.entry(network_of(addr)).or_default();
        match conclusion {
            Some(conclusion) => {
                roles.extend(conclusion.roles.iter());
                hosts.push((addr, conclusion));
            }
            None => unknown.push(addr),
        }
    }
    let mut text = String::from(HEAD);
    push_networks(&mut text, &networks);
    for (addrs, conclusion) in devices(inventory, &hosts).values() {
        push_host(&mut text, addrs, conclusion);
    }
    push_unknown(&mut text, &unknown);
    text
}

/// The hosts, those addresses joined that are of one device and have the same roles; by first address.
fn devices<'h>(
    inventory: &Inventory,
    hosts: &[(Addr, &'h Conclusion)],
) -> BTreeMap<Addr, (Vec<Addr>, &'h Conclusion)> {
    let mut first: BTreeMap<(Mac, RoleSet), Addr> = BTreeMap::new();
    let mut devices: BTreeMap<Addr, (Vec<Addr>, &Conclusion)> = BTreeMap::new();
    for (addr, conclusion) in hosts {
        let mac = inventory.own_mac(*addr);
        let key = mac.map_or(*addr, |mac| *first.entry((mac, conclusion.roles)).or_insert(*addr));
        devices.entry(key).or_insert_with(|| (Vec::new(), conclusion)).0.push(*addr);
    }
    devices
}

const HEAD: &str = "\
# A site file to start from, made from what was seen. Each role is a guess with its reason: check it,
# then delete the comment. A host that nobody names is reported as an unknown device.

";

fn push_networks(text: &mut String, networks: &BTreeMap<IpNet, BTreeSet<Role>>) {
    if networks.is_empty() {
        text.push_str(
            "name = \"my site\"\n# No host with a private address was seen: put your networks here.\n",
        );
        text.push_str("monitored = [\"192.168.0.0/16\"]\n");
        return;
    }
    let names: Vec<String> = networks.keys().map(|net| format!("\"{net}\"")).collect();
    text.push_str("name = \"my site\"\n# Guessed from the hosts; join them if your networks are larger.\n");
    push(text, format_args!("monitored = [{}]\n", names.join(", ")));
    for (index, (net, roles)) in networks.iter().enumerate() {
        let packs: Vec<String> = packs_for(roles).iter().map(|pack| format!("\"{pack}\"")).collect();
        let number = index.saturating_add(1);
        push(text, format_args!("\n[[zone]]\nname = \"zone-{number}\"\nnetworks = [\"{net}\"]\n"));
        push(text, format_args!("packs = [{}]\n", packs.join(", ")));
    }
}

/// A network with MOBOTIX devices and nothing of XProtect gets MOBOTIX's pack alone.
fn packs_for(roles: &BTreeSet<Role>) -> Vec<&'static str> {
    let is_mobotix = |role: &Role| matches!(role, Role::MobotixCamera | Role::Mxmc | Role::ThinClient);
    let is_neutral = |role: &Role| matches!(role, Role::Infrastructure | Role::FileServer | Role::MailServer);
    let mobotix = roles.iter().any(is_mobotix);
    let xprotect = roles.iter().any(|role| !is_mobotix(role) && !is_neutral(role));
    match (xprotect, mobotix) {
        (true, true) => vec![XPROTECT, MOBOTIX],
        (false, true) => vec![MOBOTIX],
        (_, false) => vec![XPROTECT],
    }
}

fn push_host(text: &mut String, addrs: &[Addr], conclusion: &Conclusion) {
    text.push('\n');
    for (role, certainty, why) in &conclusion.all {
        if conclusion.roles.has(*role) {
            push(text, format_args!("# {role}: {why}; {certainty}\n"));
        } else {
            push(text, format_args!("# perhaps {role}, too: {why}; {certainty}\n"));
        }
    }
    let list: Vec<String> = addrs.iter().map(|addr| format!("\"{addr}\"")).collect();
    let address = match list.as_slice() {
        [one] => one.clone(),
        _ => format!("[{}]", list.join(", ")),
    };
    let roles: Vec<String> = conclusion.roles.iter().map(|role| format!("\"{role}\"")).collect();
    push(text, format_args!("[[host]]\naddress = {address}\nroles = [{}]\n", roles.join(", ")));
}

fn push_unknown(text: &mut String, unknown: &[Addr]) {
    if unknown.is_empty() {
        return;
    }
    text.push_str("\n# Seen, but nothing that they did shows what they are:\n");
    for addr in unknown.iter().take(MAX_UNKNOWN_LISTED) {
        push(text, format_args!("# [[host]] address = \"{addr}\", roles = [\"…\"]\n"));
    }
    let more = unknown.len().saturating_sub(MAX_UNKNOWN_LISTED);
    if more > 0 {
        push(text, format_args!("# and {more} more\n"));
    }
}

fn push(text: &mut String, what: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _infallible = text.write_fmt(what);
}

/// The network that most sites would have around it: 24 bits of IPv4, 64 of IPv6.
fn network_of(addr: Addr) -> IpNet {
    let length = if matches!(addr.ip(), IpAddr::V4(_)) { 24 } else { 64 };
    IpNet::new(addr.ip(), length).map_or_else(|_| host_net(addr), |net| net.trunc())
}
