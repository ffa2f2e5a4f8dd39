//! Names and numbers as the sentences write them.

use crate::inventory::role::Role;
use crate::inventory::role::RoleSet;
use crate::judge::audit::Party;
use crate::judge::conversation::Conversation;
use crate::policy::case::Spoken;
use crate::policy::rule::Expect;
use crate::policy::rule::Ports;
use crate::policy::rule::Rule;
use crate::service::Content;
use crate::service::Service;
use crate::service::Transport;

/// Whose role is missing.
pub(super) fn unknown_roles(orig: &Party, resp: &Party) -> String {
    match (orig.role == Role::Unknown, resp.role == Role::Unknown) {
        (true, false) => format!("the role of {} is not", orig.addr),
        (false, true) => format!("the role of {} is not", resp.addr),
        _ => "the roles are not".to_owned(),
    }
}

/// `camera 10.20.0.17`, `unknown host 10.20.0.99`, `group 239.255.255.250`.
pub fn host(party: &Party) -> String {
    match party.role {
        Role::Unknown => format!("unknown host {}", party.addr),
        Role::Internet => format!("internet host {}", party.addr),
        role => format!("{role} {}", party.addr),
    }
}

/// `1 port`, `2 ports`.
pub(super) fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// `a camera`, `an event-server`.
pub(super) fn a_role(role: Role) -> String {
    match role {
        Role::Unknown => "an unknown host".to_owned(),
        Role::Internet => "the internet".to_owned(),
        // Letters that are read out: an em-ex-em-see, an en-vee-are.
        Role::Mxmc | Role::Nvr | Role::SqlServer | Role::LprServer | Role::SnmpManager => {
            format!("an {role}")
        }
        role if role.as_str().starts_with(['a', 'e', 'i', 'o']) => format!("an {role}"),
        role => format!("a {role}"),
    }
}

/// What was opened: `SMB (port 445)`, or without the port `SMB`; `an MxPEG event stream`, `TCP port 22`.
pub(super) fn what(conversation: &Conversation, with_port: bool) -> String {
    match (conversation.spoken, conversation.content) {
        (_, Some((Content::MxpegEventStream, _))) => "an MxPEG event stream".to_owned(),
        (Spoken::Known(service, _), _) => match conversation.port {
            Some(port) if with_port && service != Service::Icmp => {
                format!("{} (port {port})", service_name(service))
            }
            _ => service_name(service),
        },
        _ => place(conversation),
    }
}

/// The service port: `TCP port 22`.
pub(super) fn place(conversation: &Conversation) -> String {
    let transport = conversation.transport.to_string().to_ascii_uppercase();
    match conversation.port {
        Some(port) => format!("{transport} port {port}"),
        None => transport,
    }
}

/// A service as people write it.
pub fn service_name(service: Service) -> String {
    match service {
        Service::Imageserver => "ImageServer".to_owned(),
        Service::Mxmessage => "MxMessage".to_owned(),
        Service::Matrix => "Matrix".to_owned(),
        Service::Postgresql => "PostgreSQL".to_owned(),
        Service::WsDiscovery => "WS-Discovery".to_owned(),
        Service::Kerberos => "Kerberos".to_owned(),
        Service::Wireguard => "WireGuard".to_owned(),
        Service::Openvpn => "OpenVPN".to_owned(),
        Service::Text => "plain text".to_owned(),
        Service::Ipsec => "IPsec".to_owned(),
        Service::DahuaDvrip => "Dahua DVRIP".to_owned(),
        Service::DahuaDhip => "Dahua DHIP".to_owned(),
        Service::Xiongmai => "Xiongmai".to_owned(),
        Service::Baichuan => "Baichuan".to_owned(),
        other => other.as_str().to_ascii_uppercase(),
    }
}

/// `camera or nvr`, of many the first three.
pub(super) fn roles(set: RoleSet) -> String {
    let names: Vec<&str> = set.iter().map(Role::as_str).collect();
    match names.as_slice() {
        [first, second, third, _, rest @ ..] => {
            format!("{first}, {second}, {third} or {} more", rest.len().saturating_add(1))
        }
        few => few.join(" or "),
    }
}

/// `port 443`.
pub(super) fn ports(rule: &Rule) -> String {
    match &rule.ports {
        Ports::Set(ports) => format!("port {ports}"),
        Ports::Named => "ports that the site names".to_owned(),
        Ports::Any => "any port".to_owned(),
    }
}

/// `RTSP or TLS`.
pub(super) fn expected(rule: &Rule) -> String {
    match &rule.expect {
        Expect::PortOnly => "its own protocol".to_owned(),
        Expect::Services(services) => {
            let names: Vec<String> = services.iter().map(|service| service_name(*service)).collect();
            names.join(" or ")
        }
    }
}

/// `tcp or udp`.
pub(super) fn transports(rule: &Rule) -> String {
    let names: Vec<String> = rule.transports.iter().map(Transport::to_string).collect();
    names.join(" or ")
}
