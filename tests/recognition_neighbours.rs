//! A known port says nothing of what is spoken there: whatever a neighbour speaks on it is never taken
//! for the port's own service, and each service is found on a port that is not its own.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "test helpers")]
#![expect(clippy::arithmetic_side_effects, reason = "test helpers")]

use camsentry::recognise::registry::RECOGNISERS;
use camsentry::service::Certainty;
use camsentry::service::Service;
use camsentry::service::Transport;

#[expect(dead_code, reason = "shared with other tests")]
#[path = "support/dialogue.rs"]
mod dialogue;
#[expect(dead_code, reason = "shared with other tests")]
#[path = "support/samples.rs"]
mod samples;

use dialogue::Dialogue;
use dialogue::Said;
use dialogue::Wire;
use samples::dialogue;
use samples::hex;
use samples::random;

const TCP: Transport = Transport::Tcp;
const UDP: Transport = Transport::Udp;

/// Ports that the guides, their vendors or IANA name.
const PORTS: &[u16] = &[
    21, 22, 23, 25, 53, 67, 80, 88, 110, 111, 123, 135, 137, 138, 139, 143, 161, 389, 443, 445, 500, 502,
    546, 547, 554, 587, 993, 1194, 1433, 1434, 1883, 1900, 2049, 3389, 3478, 3702, 4500, 5060, 5353, 5355,
    5432, 6473, 7001, 7563, 7609, 8000, 8080, 8081, 8082, 8554, 9000, 9001, 9090, 9100, 12345, 19799, 19800,
    22331, 22333, 32108, 34567, 37777, 37810, 51820,
];

/// What is spoken, and what may be said of it: these, or nothing.
struct Neighbour {
    dialogue: Dialogue,
    services: Vec<Service>,
}

/// Everything whose octets name it, whatever the port: what they are said to be is what they are on a port
/// of nobody.
fn written(transport: Transport) -> Vec<Neighbour> {
    let all = samples::written().into_iter().filter(|dialogue| dialogue.transport == transport);
    let all: Vec<Dialogue> = all.collect();
    let mut wire = Wire::default();
    for dialogue in &all {
        wire.send(dialogue, &dialogue.plain());
    }
    let services = |said: &Said| match said.service {
        // A reply of ONC RPC does not say which program it is of (RFC 5531 §9): its port does.
        Some(Service::Nfs | Service::Portmap) if said.certainty == Some(Certainty::Consistent) => {
            vec![Service::Nfs, Service::Portmap]
        }
        // They have one format (RFC 6762 §18, RFC 4795 §2.1); the port tells them apart.
        Some(Service::Dns | Service::Mdns | Service::Llmnr) => {
            vec![Service::Dns, Service::Mdns, Service::Llmnr]
        }
        service => service.into_iter().collect(),
    };
    let named = all.into_iter().zip(wire.read());
    named.map(|(dialogue, said)| Neighbour { services: services(&said), dialogue }).collect()
}

/// A name, what is said, and what it may be called.
type Stranger = (&'static str, Vec<Vec<u8>>, Vec<Service>);

/// What no recogniser claims, or whose owner says so.
fn strangers(transport: Transport) -> Vec<Neighbour> {
    let json = br#"{"event":"door","value":1,"camera":"entrance","time":1700000000}"#.to_vec();
    let csv =
        b"time;sensor;value\n2026-11-02T08:00:00Z;door-1;open\n2026-11-02T08:00:01Z;door-1;shut\n".to_vec();
    let metrics = b"# HELP node_load1 1m load average.\n# TYPE node_load1 gauge\nnode_load1 0.21\n".to_vec();
    let mut all: Vec<Stranger> = vec![
        ("json", vec![json], vec![Service::Text]),
        ("csv", vec![csv], vec![Service::Text]),
        ("metrics", vec![metrics], vec![Service::Text]),
        ("zeros", vec![vec![0; 200], vec![0; 200]], vec![]),
        ("ones", vec![vec![0xff; 200], vec![0xff; 64]], vec![]),
        // ISO transport of a PLC: S7's connection request (RFC 905 §13.3.4).
        ("s7", vec![hex("03000016 11 e0 0000 0005 00 c1020100 c2020102 c0010a")], vec![]),
        // Modbus/TCP: read holding registers.
        ("modbus", vec![hex("0001 0000 0006 01 03 0000 000a")], vec![]),
        // EtherNet/IP: RegisterSession.
        ("ethernet/ip", vec![hex("6500 0400 00000000 00000000 0000000000000000 00000000 0100 0000")], vec![]),
        // A greeting that names no protocol (RFC 959 §4.2 and RFC 5321 §4.2 share it).
        ("greeting", vec![b"220 ready\r\n".to_vec()], vec![Service::Smtp, Service::Ftp, Service::Text]),
    ];
    for seed in 0..6_u64 {
        let datagrams = (0..3).map(|at| random(100 * seed + at, 40 + 31 * usize::try_from(seed).unwrap()));
        // An encrypted protocol without a public description is told by nothing else.
        all.push(("random", datagrams.collect(), vec![Service::Mxmessage]));
    }
    let one = |(name, parts, services): &Stranger, client: bool| Neighbour {
        dialogue: dialogue(
            name,
            transport,
            9,
            true,
            parts.iter().map(|part| (client, part.clone())).collect(),
        ),
        services: services.clone(),
    };
    all.iter().flat_map(|stranger| [one(stranger, true), one(stranger, false)]).collect()
}

/// What the pipeline says of each of them on each of the ports.
fn on_ports(neighbours: &[Neighbour], ports: &[u16]) -> Vec<(usize, u16, Said)> {
    let mut all = Vec::new();
    let (mut wire, mut sent) = (Wire::default(), Vec::new());
    for (number, neighbour) in neighbours.iter().enumerate() {
        for port in ports {
            if wire.is_full() {
                let said = std::mem::take(&mut wire).read();
                all.extend(sent.drain(..).zip(said).map(|((number, port), said)| (number, port, said)));
            }
            let mut dialogue = neighbour.dialogue.clone();
            dialogue.server.1 = *port;
            wire.send(&dialogue, &dialogue.plain());
            sent.push((number, *port));
        }
    }
    all.extend(sent.drain(..).zip(wire.read()).map(|((number, port), said)| (number, port, said)));
    all
}

fn taken_for_others(neighbours: &[Neighbour]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (number, port, said) in on_ports(neighbours, PORTS) {
        let Neighbour { dialogue, services } = &neighbours[number];
        let other = said.service.filter(|service| *service != Service::Text && !services.contains(service));
        // A NetBIOS name is asked for in a message of DNS, and on port 53 it is asked of DNS.
        let other =
            other.filter(|other| (*other, port) != (Service::Dns, 53) || !services.contains(&Service::Nbns));
        if let Some(other) = other {
            let what = said.recognitions.last().map(|(_, recognition)| recognition.what);
            let who = if dialogue.turns[0].0 { "client" } else { "server" };
            wrong.push(format!("{} of the {who} on port {port} is called {other}: {what:?}", dialogue.name));
        }
    }
    wrong
}

#[test]
fn no_protocol_is_taken_for_the_one_whose_port_it_uses() {
    for transport in [TCP, UDP] {
        let wrong = taken_for_others(&written(transport));
        assert!(wrong.is_empty(), "{} times:\n{}", wrong.len(), wrong.join("\n"));
    }
}

#[test]
fn what_is_no_protocol_of_ours_is_taken_for_none() {
    for transport in [TCP, UDP] {
        let wrong = taken_for_others(&strangers(transport));
        assert!(wrong.is_empty(), "{} times:\n{}", wrong.len(), wrong.join("\n"));
    }
}

/// Named by their port as well as by their octets, as `docs/recognition.md` says.
const BY_PORT: &[Service] = &[Service::Mxmessage, Service::Mdns, Service::Llmnr];

#[test]
fn every_service_is_found_on_a_port_that_is_not_its_own() {
    let mut found: Vec<Service> = Vec::new();
    for transport in [TCP, UDP] {
        let neighbours = written(transport);
        for (number, _, said) in on_ports(&neighbours, &[41_111]) {
            // A message of its own that its port need not vouch for is enough.
            let is_own = said.service.is_some_and(|service| neighbours[number].services.contains(&service));
            found.extend(said.service.filter(|_| is_own));
        }
    }
    let missing: Vec<Service> = RECOGNISERS.iter().map(|recogniser| recogniser.service()).collect();
    let missing =
        missing.into_iter().filter(|service| !found.contains(service) && !BY_PORT.contains(service));
    assert_eq!(missing.collect::<Vec<Service>>(), []);
}

#[test]
fn the_neighbours_that_the_guides_ports_have_are_told_apart() {
    let told = |port: u16, transport: Transport, client: bool, octets: &[u8]| {
        let one =
            dialogue("", transport, port, true, vec![(client, octets.to_vec()), (client, octets.to_vec())]);
        dialogue::said_of(&one).service
    };
    let get = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
    let ssh = b"SSH-2.0-OpenSSH_9.6\r\n";
    let tls = samples::octets("tls13_0.bin");
    let baichuan = hex("f0debc0a 01000000 2c070000 00000000 0000 1465");
    for port in [554, 5432, 7563, 8000, 9000, 9090, 9100, 19_800] {
        assert_eq!(told(port, TCP, true, get), Some(Service::Http), "{port}");
        assert_eq!(told(port, TCP, true, ssh), Some(Service::Ssh), "{port}");
        assert_eq!(told(port, TCP, true, &tls), Some(Service::Tls), "{port}");
        assert_eq!(told(port, TCP, true, &baichuan), Some(Service::Baichuan), "{port}");
    }
    assert_eq!(told(445, TCP, true, &tls), Some(Service::Tls));
    let rdp = hex(
        "0300002c 27 e0 0000 0000 00 436f6f6b69653a206d737473686173683d656c746f6e730d0a 0100080000000000",
    );
    assert_eq!(told(1433, TCP, true, &rdp), Some(Service::Rdp));
    let tpkt = hex("03000016 11 e0 0000 0005 00 c1020100 c2020102 c0010a");
    assert_eq!(told(1433, TCP, true, &tpkt), None);
    assert_eq!(told(25, TCP, false, b"220 (vsFTPd 3.0.3)\r\n"), Some(Service::Ftp));
    assert_eq!(told(21, TCP, false, b"220 mx.example.net ESMTP ready\r\n"), Some(Service::Smtp));
    let question = hex("1234010000010000000000000363616d076578616d706c65036e65740000010001");
    assert_eq!(told(19_800, UDP, true, &question), Some(Service::Dns));
    let text = b"motion in window 1 of camera 17\r\n";
    for port in [53, 123, 161, 500, 5353, 19_800] {
        assert!(matches!(told(port, UDP, true, text), None | Some(Service::Text)), "{port}");
    }
}
