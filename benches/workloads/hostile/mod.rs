//! `hostile_mix`: the site of `vms_mix` on a network that makes it hard: about 1 M packets.
//!
//! Each conversation comes in its own way, all frames alike: plain, behind one VLAN tag or two, inside GRE,
//! ERSPAN II or III or VXLAN, in fragments, out of order, with segments sent again, with each frame twice as a
//! mirror of both ports sends it, every eighth short one over IPv6, there with extension headers or
//! fragments. Nothing contradicts itself: the conversations are the same ones, allowed ones only, and a
//! conversation must be judged as in `vms_mix`. The number of flows is that of the conversations inside.

mod coats;
mod pieces;

use std::collections::HashMap;
use std::io;

use super::chance::Noise;
use super::chance::mix;
use super::savefile::Savefile;
use super::vms;
use super::vms::Day;
use super::vms::Tuple;
use super::wire::IP;

/// What is added to each conversation makes four packets of three.
const CONVERSATIONS: (u64, u64) = (3, 4);
/// Microseconds after which a mirror's second copy comes, and a segment that was sent again.
const COPY: u64 = 2;
const AGAIN: u64 = 900;

/// Writes about `packets` packets; gives the number of flows.
pub(super) fn write(packets: u64, file: &mut Savefile<'_>) -> io::Result<u64> {
    let mut day = Day::new(packets * CONVERSATIONS.0 / CONVERSATIONS.1, 0x686f_7374_696c_6500);
    day.over_both_families();
    day.streams();
    day.habits();
    let mut road = Road::default();
    let flows = vms::play_all(day.plans, packets, &mut Noise::new(2), file, &mut |frame, file, at| {
        road.deliver(frame, file, at)
    })?;
    road.rest(file)?;
    Ok(flows)
}

/// What frames go through before the mirror port shows them.
#[derive(Default)]
struct Road {
    /// Numbers of outer packets and of fragments.
    id: u16,
    /// Frames that let the next one of their conversation pass.
    held: HashMap<u64, Vec<u8>>,
    /// Frames that come later, in the order of their time.
    later: Vec<(u64, Vec<u8>)>,
    last: u64,
}

impl Road {
    fn deliver(&mut self, frame: &[u8], file: &mut Savefile<'_>, at: u64) -> io::Result<()> {
        let due = self.later.iter().take_while(|(when, _)| *when <= at).count();
        for (when, frame) in self.later.drain(..due) {
            file.write(when, &frame)?;
        }
        self.last = at;
        self.id = self.id.wrapping_add(1);
        let Some(tuple) = vms::tuple(frame) else { return file.write(at, frame) };
        let way = way_of(&tuple);
        if frame[IP] >> 4 == 6 {
            return self.deliver6(frame, file, at, way);
        }
        match way % 16 {
            1 => file.write(at, &coats::tagged(frame, &[VLAN])),
            2 => file.write(at, &coats::tagged(frame, &[SERVICE, VLAN])),
            3 => file.write(at, &coats::gre(frame, self.id)),
            4 => file.write(at, &coats::erspan2(frame, self.id)),
            5 => file.write(at, &coats::erspan3(frame, self.id)),
            6 => file.write(at, &coats::vxlan(frame, self.id)),
            7 | 8 => self.fragments(pieces::fragments4(frame, self.id), file, at, way),
            9 | 10 => self.out_of_order(frame, file, at, way),
            11 | 12 => self.again(frame, file, at, AGAIN),
            13 | 14 => self.again(frame, file, at, COPY),
            _ => file.write(at, frame),
        }
    }

    fn deliver6(&mut self, frame: &[u8], file: &mut Savefile<'_>, at: u64, way: u64) -> io::Result<()> {
        match way % 4 {
            1 => file.write(at, &pieces::extended(frame)),
            2 => self.fragments(pieces::fragments6(frame, self.id), file, at, way),
            3 => file.write(at, &coats::tagged(frame, &[VLAN])),
            _ => file.write(at, frame),
        }
    }

    /// Half of the conversations in fragments have the last one first.
    fn fragments(
        &mut self,
        mut parts: Vec<Vec<u8>>,
        file: &mut Savefile<'_>,
        at: u64,
        way: u64,
    ) -> io::Result<()> {
        if way & 1 << 32 > 0 {
            parts.reverse();
        }
        parts.iter().try_for_each(|part| file.write(at, part))
    }

    /// Every fourth frame of a conversation, by its number, comes after the one that was sent behind it.
    fn out_of_order(&mut self, frame: &[u8], file: &mut Savefile<'_>, at: u64, way: u64) -> io::Result<()> {
        if let Some(held) = self.held.remove(&way) {
            file.write(at, frame)?;
            return file.write(at, &held);
        }
        if frame[IP + 5] % 4 == 3 && frame.len() > 100 {
            self.held.insert(way, frame.to_vec());
            return Ok(());
        }
        file.write(at, frame)
    }

    /// The frame, and the same one once more.
    fn again(&mut self, frame: &[u8], file: &mut Savefile<'_>, at: u64, after: u64) -> io::Result<()> {
        let mut copy = frame.to_vec();
        if after == AGAIN {
            // A host sends a packet of its own again: with another number, and only what has a payload.
            if copy.len() < 100 {
                return file.write(at, frame);
            }
            copy[IP + 4] ^= 0x80;
            super::wire::seal_ip(&mut copy[IP..IP + 20]);
        }
        let place = self.later.partition_point(|(when, _)| *when <= at + after);
        self.later.insert(place, (at + after, copy));
        file.write(at, frame)
    }

    /// Whatever is still on the road when all has been sent.
    fn rest(self, file: &mut Savefile<'_>) -> io::Result<()> {
        for (when, frame) in self.later {
            file.write(when, &frame)?;
        }
        let mut held: Vec<(u64, Vec<u8>)> = self.held.into_iter().collect();
        held.sort();
        held.iter().try_for_each(|(_, frame)| file.write(self.last, frame))
    }
}

/// A number that is the same for all frames of a conversation, and that nothing else decides.
fn way_of((protocol, near, far): &Tuple) -> u64 {
    let ends =
        [near, far].into_iter().flat_map(|(address, port)| address.iter().copied().chain(port.to_be_bytes()));
    ends.fold(u64::from(*protocol), |number, octet| mix(number ^ u64::from(octet)))
}

/// VLAN 20, and the tag of a provider around it.
const VLAN: [u8; 4] = [0x81, 0, 0, 20];
const SERVICE: [u8; 4] = [0x88, 0xa8, 0, 100];
