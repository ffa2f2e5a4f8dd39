//! Several readers of one interface: the kernel gives each pair of addresses to one of them.
//!
//! The kernel's own hash takes the ports in, so that the two connections of an RTSP session, or the fragments
//! of a datagram, would meet different readers. A classic BPF program on the addresses alone keeps a pair
//! together, both directions, fragments and all, on every interface.

use crate::capture::LinkType;
use crate::kernel::packet_option;
use crate::kernel::set_fanout_program;
use crate::kernel::set_packet_option;
use libc::BPF_ABS;
use libc::BPF_ADD;
use libc::BPF_ALU;
use libc::BPF_H;
use libc::BPF_IMM;
use libc::BPF_IND;
use libc::BPF_JA;
use libc::BPF_JEQ;
use libc::BPF_JMP;
use libc::BPF_LD;
use libc::BPF_LDX;
use libc::BPF_MEM;
use libc::BPF_MISC;
use libc::BPF_MUL;
use libc::BPF_RET;
use libc::BPF_RSH;
use libc::BPF_ST;
use libc::BPF_TAX;
use libc::BPF_TXA;
use libc::BPF_W;
use libc::BPF_X;
use libc::BPF_XOR;
use libc::sock_filter;
use std::io;
use std::os::fd::BorrowedFd;

/// `PACKET_FANOUT` of linux/if_packet.h.
const FANOUT: i32 = 18;
/// `PACKET_FANOUT_CBPF` in the place of the option's type.
const BY_PROGRAM: i32 = 6 << 16;
/// `PACKET_FANOUT_FLAG_UNIQUEID`: the kernel finds a number that no group has.
const NEW_GROUP: i32 = 0x2000 << 16;
/// `PACKET_FANOUT_FLAG_IGNORE_OUTGOING`.
const WITHOUT_OUTGOING: i32 = 0x4000 << 16;
/// `PACKET_IGNORE_OUTGOING`.
const IGNORE_OUTGOING: i32 = 23;

/// `PACKET_OUTGOING`: the frame was sent by this host.
const OUTGOING: u32 = 4;
/// The ether types that the program knows.
const IPV4: u32 = 0x0800;
const IPV6: u32 = 0x86DD;
const TAGS: [u32; 3] = [0x8100, 0x88A8, 0x9100];
/// So many VLAN tags inside a frame are looked behind; the kernel takes another one out beforehand.
const TAGS_DEEP: usize = 3;
/// Spreads pairs evenly whose addresses differ in few bits: 2³² divided by the golden ratio.
const SPREAD: u32 = 0x9E37_79B1;

/// Leaves out what this host sends: on the loopback interface each frame comes a second time so, and libpcap
/// drops it uncounted.
///
/// # Errors
/// What the kernel says.
pub(super) fn ignore_outgoing(socket: BorrowedFd<'_>) -> io::Result<()> {
    set_packet_option(socket, IGNORE_OUTGOING, 1)
}

/// Makes a fan-out group of `sockets`, which are all on one interface: what belongs to lane `i` comes to
/// socket `i` from now on. One socket needs no group.
///
/// The kernel keeps the order of the sockets as long as they were made in this order, also when the interface
/// goes down and up.
///
/// # Errors
/// What the kernel says.
pub(super) fn join(sockets: &[BorrowedFd<'_>], link: LinkType, is_loopback: bool) -> io::Result<()> {
    let Some((first, others)) = sockets.split_first() else { return Ok(()) };
    if others.is_empty() {
        return Ok(());
    }
    let kind = if is_loopback { BY_PROGRAM | WITHOUT_OUTGOING } else { BY_PROGRAM };
    set_packet_option(*first, FANOUT, kind | NEW_GROUP)?;
    set_fanout_program(*first, &program(link))?;
    let group = i32::from(u16::try_from(packet_option(*first, FANOUT)? & 0xFFFF).unwrap_or_default());
    others.iter().try_for_each(|socket| set_packet_option(*socket, FANOUT, kind | group))
}

/// The program: a hash of the two addresses, the same for both directions; 0 for what is not IP. The kernel
/// takes it modulo the number of sockets.
///
/// It starts with where the frame's network header should be: what came in is shown from there on, what goes
/// out with its link-layer header.
fn program(link: LinkType) -> Vec<sock_filter> {
    let header = if link == LinkType::ETHERNET { 14 } else { libc::SKF_NET_OFF.cast_unsigned() };
    let mut code = vec![
        load(BPF_W | BPF_ABS, metadata(libc::SKF_AD_PKTTYPE)),
        jump(BPF_JEQ, OUTGOING, 0, 2),
        load_index(BPF_IMM, header),
        jump(BPF_JA, 1, 0, 0),
        load_index(BPF_IMM, 0),
        load(BPF_W | BPF_ABS, metadata(libc::SKF_AD_PROTOCOL)),
    ];
    (0..TAGS_DEEP).for_each(|_| code.extend(behind_tag()));
    let ipv4 = folded(&[12, 16]);
    let ipv6 = folded(&[8, 12, 16, 20, 24, 28, 32, 36]);
    let length = |code: &[sock_filter]| u8::try_from(code.len()).unwrap_or(u8::MAX);
    code.push(jump(BPF_JEQ, IPV4, 0, length(&ipv4)));
    code.extend(ipv4);
    code.push(jump(BPF_JEQ, IPV6, 0, length(&ipv6)));
    code.extend(ipv6);
    code.push(instruction(BPF_RET, 0));
    code
}

/// If the accumulator is the type of a VLAN tag: moves the index behind it and loads the type that follows.
fn behind_tag() -> Vec<sock_filter> {
    let [first, second, third] = TAGS;
    vec![
        jump(BPF_JEQ, first, 2, 0),
        jump(BPF_JEQ, second, 1, 0),
        jump(BPF_JEQ, third, 0, 6),
        load(BPF_H | BPF_IND, 2),
        instruction(BPF_ST, 0),
        instruction(BPF_MISC | BPF_TXA, 0),
        instruction(BPF_ALU | BPF_ADD, 4),
        instruction(BPF_MISC | BPF_TAX, 0),
        load(BPF_MEM, 0),
    ]
}

/// Returns the hash of all words at these offsets from the index.
fn folded(offsets: &[u32]) -> Vec<sock_filter> {
    // The index is wanted for the exclusive or as well, so it has its place in word 1, the sum in word 0.
    let mut code = vec![
        instruction(BPF_MISC | BPF_TXA, 0),
        instruction(BPF_ST, 1),
        load(BPF_IMM, 0),
        instruction(BPF_ST, 0),
    ];
    for offset in offsets {
        code.extend([
            load_index(BPF_MEM, 1),
            load(BPF_W | BPF_IND, *offset),
            load_index(BPF_MEM, 0),
            instruction(BPF_ALU | BPF_XOR | BPF_X, 0),
            instruction(BPF_ST, 0),
        ]);
    }
    code.extend([
        instruction(BPF_ALU | BPF_MUL, SPREAD),
        instruction(BPF_ALU | BPF_RSH, 16),
        instruction(BPF_RET | libc::BPF_A, 0),
    ]);
    code
}

fn metadata(field: i32) -> u32 {
    libc::SKF_AD_OFF.saturating_add(field).cast_unsigned()
}

fn load(mode: u32, k: u32) -> sock_filter {
    instruction(BPF_LD | mode, k)
}

fn load_index(mode: u32, k: u32) -> sock_filter {
    instruction(BPF_LDX | mode, k)
}

fn jump(condition: u32, k: u32, then: u8, otherwise: u8) -> sock_filter {
    sock_filter { jt: then, jf: otherwise, ..instruction(BPF_JMP | condition, k) }
}

fn instruction(code: u32, k: u32) -> sock_filter {
    sock_filter { code: u16::try_from(code).unwrap_or_default(), jt: 0, jf: 0, k }
}

#[cfg(test)]
mod tests {
    use super::program;
    use crate::capture::LinkType;

    #[test]
    fn the_program_keeps_to_the_kernels_limits() {
        let code = program(LinkType::ETHERNET);
        assert!(code.len() < usize::try_from(libc::BPF_MAXINSNS).unwrap());
        for (at, one) in code.iter().enumerate() {
            let furthest = at + 1 + usize::from(one.jt.max(one.jf));
            assert!(furthest < code.len() || one.jt.max(one.jf) == 0);
        }
        assert_eq!(u32::from(code.last().unwrap().code), libc::BPF_RET);
    }
}
