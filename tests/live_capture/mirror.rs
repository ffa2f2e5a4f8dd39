//! A switch with a real mirror port: a bridge of the kernel, and `tc` that copies what crosses its ports.

use crate::frames::Sender;
use crate::frames::Shape;
use crate::frames::frame;
use crate::frames::number;
use crate::network::Heard;
use crate::network::counter;
use crate::network::facts;
use crate::network::in_network;
use crate::network::lane;
use crate::network::lanes;
use crate::network::settings;
use crate::network::shell;
use std::net::IpAddr;

/// A bridge with the ports `pa` and `pb`, where `ea` and `eb` are plugged in; `span` is plugged into its
/// mirror port.
const SWITCH: &str = "sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1 \
    && ip link add switch type bridge && ip link set switch up \
    && ip link add pa type veth peer name ea && ip link add pb type veth peer name eb \
    && ip link set pa master switch && ip link set pb master switch \
    && ip link add mirror type veth peer name span \
    && for end in pa ea pb eb mirror span; do ip link set $end up; done \
    && tc qdisc add dev pa clsact && tc qdisc add dev pb clsact";

/// Copies what crosses this port in this direction.
fn mirror(port: &str, direction: &str) {
    shell(&format!(
        "tc filter add dev {port} {direction} protocol all u32 match u32 0 0 action mirred egress mirror dev mirror"
    ));
}

/// Sends this many frames across the switch in each direction, by turns.
fn cross(frames: u64) {
    let (mut one, mut other) = (Sender::new("ea"), Sender::new("eb"));
    let camera: IpAddr = "10.20.0.17".parse().unwrap();
    let server: IpAddr = "10.10.0.5".parse().unwrap();
    for number in 0..frames {
        one.send(&frame(camera, server, Shape::Tcp, &[], number * 2));
        let mut answer = frame(server, camera, Shape::Tcp, &[], number * 2 + 1);
        // The switch learns who is where.
        let (to, from) = answer.split_at_mut(6);
        to.swap_with_slice(&mut from[..6]);
        other.send(&answer);
    }
}

/// How often each frame came to the mirror port.
fn copies(lane_count: usize) -> Vec<usize> {
    let mut settings = settings(&["span"], lane_count);
    // The switch says a thing or two itself.
    settings.filter = Some("tcp".to_owned());
    let mut lanes = lanes(&settings);
    cross(500);
    let mut copies = vec![0; 1_000];
    for lane in &mut lanes {
        let mut heard = Heard::default();
        heard.stop(lane);
        heard.frames.iter().for_each(|(_, octets)| copies[number(octets) as usize] += 1);
        assert_eq!(facts(lane).counts.unread(), 0);
    }
    copies
}

#[test]
fn a_mirror_port_gives_one_direction_both_or_everything_twice() {
    in_network("mirror::a_mirror_port_gives_one_direction_both_or_everything_twice", SWITCH, || {
        cross(1);
        mirror("pa", "ingress");
        assert!(copies(1).into_iter().eq((0..1_000).map(|number| 1 - number % 2)), "one direction");
        mirror("pa", "egress");
        assert!(copies(1).into_iter().eq([1; 1_000]), "both directions of one port");
        assert!(copies(2).into_iter().eq([1; 1_000]), "the same in two lanes");
        mirror("pb", "ingress");
        mirror("pb", "egress");
        assert!(copies(2).into_iter().eq([2; 1_000]), "both ports");
        // The lane itself says nothing there.
        let mut lane = lane(&["span"]);
        Heard::default().stop(&mut lane);
        assert_eq!(counter("span", "tx", "packets"), 0);
    });
}
