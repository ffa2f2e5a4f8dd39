//! One side of a watched flow: its head, and what the recognisers said of it.

use super::Probe;
use super::Recognition;
use super::dispatch::Dispatch;
use super::dispatch::bit;
use super::head::HEAD_DATAGRAMS;
use super::head::HEAD_OCTETS;
use super::head::Head;
use super::heads::HeadPool;
use crate::flow::FlowKey;
use crate::flow::Side;
use crate::service::Certainty;
use crate::service::Transport;

/// Octets kept of the end of what was followed, for a protocol that starts inside a piece.
const TAIL: usize = 8;

/// How far the recognition of a side is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Stage {
    /// Still asked.
    #[default]
    Open,
    /// This recogniser knows it.
    Matched(u8),
    /// Nobody knows it.
    Nobody,
}

/// What the recognisers together say of a head.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Answer {
    /// The recogniser with this number knows it.
    Match(u8, Recognition),
    /// Somebody wants to see more.
    Wait,
    /// Nobody knows it.
    Nobody,
}

/// One side.
#[derive(Debug, Default)]
pub(super) struct SideWatch {
    pub(super) stage: Stage,
    /// The head as far as it is kept; empty if it was judged in place.
    pub(super) head: Vec<u8>,
    /// Where its datagrams end, and the packets that brought them. Not for TCP.
    pub(super) datagrams: Option<Box<Datagrams>>,
    /// Where the head starts in what this side sent.
    pub(super) base: u32,
    /// The packet that brought the head's last octets.
    pub(super) packet: u64,
    /// Octets that recognisers saw, of all heads.
    pub(super) shown: u32,
    /// The head has begun.
    pub(super) started: bool,
    pub(super) from_start: bool,
    /// Octets were lost or cut away behind this head.
    pub(super) cut: bool,
    /// The same, of any head.
    pub(super) any_cut: bool,
    /// How many heads were begun after the first.
    pub(super) fresh: u8,
    /// So much was read on that nobody knew that it is not read any more.
    pub(super) tired: bool,
    refused: Refused,
    tail: [u8; TAIL],
    tail_length: u8,
}

/// Who refused a head, as a set of [`Dispatch`], in halves: a `u128` would make what holds it greater.
#[derive(Clone, Copy, Debug, Default)]
struct Refused([u64; 2]);

impl Refused {
    fn add(&mut self, number: u8) {
        let [high, low] = &mut self.0;
        let half = if number < 64 { low } else { high };
        *half |= 1_u64.checked_shl(u32::from(number & 63)).unwrap_or(0);
    }

    fn set(self) -> u128 {
        let [high, low] = self.0;
        u128::from(high) << 64 | u128::from(low)
    }
}

/// Where the datagrams of a head end, and what brought them.
#[derive(Debug, Default)]
pub(super) struct Datagrams {
    ends: [u32; HEAD_DATAGRAMS],
    packets: [u64; HEAD_DATAGRAMS],
    count: usize,
}

impl Datagrams {
    /// Where each ends.
    pub(super) fn ends(&self) -> &[u32] {
        self.ends.get(..self.count).unwrap_or_default()
    }

    /// Start, end and packet of each.
    pub(super) fn spans(&self) -> impl Iterator<Item = (u32, u32, u64)> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts
            .zip(self.ends.iter().copied())
            .zip(self.packets.iter().copied())
            .map(|((start, end), packet)| (start, end, packet))
            .take(self.count)
    }

    fn push(&mut self, end: usize, packet: u64) {
        if let (Some(slot), Some(brought)) = (self.ends.get_mut(self.count), self.packets.get_mut(self.count))
        {
            *slot = u32::try_from(end).unwrap_or(u32::MAX);
            *brought = packet;
            self.count = self.count.saturating_add(1);
        }
    }
}

/// In-order octets of one side, new or kept.
#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    pub(super) key: &'a FlowKey,
    pub(super) side: Side,
    pub(super) octets: &'a [u8],
    pub(super) offset: u32,
    pub(super) packet: u64,
    pub(super) from_start: bool,
    pub(super) cut: bool,
}

/// Who is asked, and in what order.
#[derive(Clone, Copy)]
pub(super) struct Panel<'r> {
    /// Everybody.
    pub(super) dispatch: &'r Dispatch<'r>,
    /// Who is asked first: who knows the other side.
    pub(super) first: Option<u8>,
    /// Who alone is asked: the protocol that the flow went over to.
    pub(super) only: Option<u8>,
}

impl SideWatch {
    /// Adds octets to the head and asks the recognisers. They see the first octets in place; a
    /// buffer is taken when one of them wants more.
    pub(super) fn grow(&mut self, part: &Part<'_>, panel: Panel<'_>, pool: &mut HeadPool) -> Answer {
        if !self.started {
            (self.started, self.base) = (true, part.offset);
            self.from_start = self.fresh == 0 && (part.from_start || panel.only.is_some());
        }
        self.packet = part.packet;
        let room = HEAD_OCTETS.saturating_sub(self.head.len());
        let octets = part.octets.get(..room).unwrap_or(part.octets);
        let length = u32::try_from(octets.len()).unwrap_or(u32::MAX);
        self.shown = self.shown.saturating_add(length);
        let datagram = part.key.transport != Transport::Tcp;
        let count = self.datagrams.as_ref().map_or(0, |datagrams| datagrams.count);
        let last = datagram && count.saturating_add(1) >= HEAD_DATAGRAMS;
        let finished = part.cut || octets.len() >= room || last;
        self.cut |= part.cut;
        if !self.head.is_empty() || self.datagrams.is_some() {
            let kept = self.keep(octets, datagram, part.packet, pool);
            self.cut |= !kept;
            return self.ask_kept(part.key, part.side, finished || !kept, panel);
        }
        let ends: &[u32] = if datagram { &[length] } else { &[] };
        let answer = self.ask(part.key, part.side, (octets, ends), finished, panel);
        if answer != Answer::Wait || self.keep(octets, datagram, part.packet, pool) {
            return answer;
        }
        self.cut = true;
        self.ask(part.key, part.side, (octets, ends), true, panel)
    }

    /// Keeps octets at the end of the head; false if there is no memory for them.
    fn keep(&mut self, octets: &[u8], datagram: bool, packet: u64, pool: &mut HeadPool) -> bool {
        if !pool.append(&mut self.head, octets) {
            return false;
        }
        if datagram {
            self.datagrams.get_or_insert_with(|| pool.datagrams()).push(self.head.len(), packet);
        }
        true
    }

    /// Gives the head's memory back.
    pub(super) fn release(&mut self, pool: &mut HeadPool) {
        pool.release(&mut self.head);
        if let Some(datagrams) = self.datagrams.take() {
            pool.release_datagrams(datagrams);
        }
    }

    /// Gives the head's memory back, unless it is still asked.
    pub(super) fn release_if_matched(&mut self, pool: &mut HeadPool) {
        if self.stage != Stage::Open {
            self.release(pool);
        }
    }

    /// Begins again with what comes next.
    pub(super) fn restart(&mut self, pool: &mut HeadPool) {
        self.release(pool);
        self.stage = Stage::Open;
        (self.started, self.refused) = (false, Refused::default());
        self.any_cut |= self.cut;
        self.cut = false;
    }

    /// Asks the recognisers about the kept head.
    pub(super) fn ask_kept(&mut self, key: &FlowKey, side: Side, finished: bool, panel: Panel<'_>) -> Answer {
        let head = std::mem::take(&mut self.head);
        let datagrams = self.datagrams.take();
        let ends = datagrams.as_ref().map_or(&[][..], |datagrams| datagrams.ends());
        let answer = self.ask(key, side, (&head, ends), finished, panel);
        (self.head, self.datagrams) = (head, datagrams);
        answer
    }

    /// Asks the recognisers about a head. A certain answer of one counts when all that stand before
    /// it have refused; an uncertain one when nobody wants more. So it is the same however the head
    /// was cut into segments.
    fn ask(
        &mut self,
        key: &FlowKey,
        side: Side,
        (octets, datagram_ends): (&[u8], &[u32]),
        finished: bool,
        panel: Panel<'_>,
    ) -> Answer {
        let head = Head {
            key,
            side,
            octets,
            datagram_ends,
            from_start: self.from_start,
            finished,
            cut: self.cut,
            to_group: key.end(side.other()).0.is_group(),
        };
        let only = panel.only.map_or(u128::MAX, bit);
        let asked = panel.dispatch.asked(&head) & only & !self.refused.set();
        let first = panel.first.map_or(0, bit);
        let (mut waits, mut uncertain) = (false, None);
        for number in numbers(asked & first).chain(numbers(asked & !first)) {
            match self.ask_one(number, &head, panel) {
                Probe::Match(recognition) if recognition.certainty >= Certainty::Consistent => {
                    if waits {
                        break;
                    }
                    return Answer::Match(number, recognition);
                }
                Probe::Match(recognition) => {
                    uncertain.get_or_insert(Answer::Match(number, recognition));
                }
                Probe::NeedMore => waits = true,
                Probe::Refuse | Probe::Malformed => {}
            }
        }
        if waits { Answer::Wait } else { uncertain.unwrap_or(Answer::Nobody) }
    }

    fn ask_one(&mut self, number: u8, head: &Head<'_>, panel: Panel<'_>) -> Probe {
        let Some(recogniser) = panel.dispatch.recogniser(number) else { return Probe::Refuse };
        let probe = match recogniser.probe(head) {
            Probe::NeedMore if head.finished => Probe::Refuse,
            probe => probe,
        };
        if matches!(probe, Probe::Refuse | Probe::Malformed) {
            self.refused.add(number);
        }
        probe
    }

    /// Nothing came of this side, and nothing was missed.
    pub(super) fn is_untouched(&self) -> bool {
        let told = self.started || self.cut || self.any_cut || self.tired || self.fresh > 0;
        self.stage == Stage::Open && !told && self.shown == 0 && self.holds_nothing()
    }

    /// No octets of this side are kept.
    pub(super) fn holds_nothing(&self) -> bool {
        self.head.is_empty() && self.datagrams.is_none() && self.tail_length == 0
    }

    /// Notes the last octets of what was followed.
    pub(super) fn note_tail(&mut self, octets: &[u8]) {
        let kept = self.tail;
        let kept = kept.get(..usize::from(self.tail_length)).unwrap_or_default();
        let new = octets.get(octets.len().saturating_sub(TAIL)..).unwrap_or_default();
        let old = kept.get(kept.len().saturating_sub(TAIL.saturating_sub(new.len()))..).unwrap_or_default();
        let mut length = 0_u8;
        for (slot, octet) in self.tail.iter_mut().zip(old.iter().chain(new)) {
            *slot = *octet;
            length = length.saturating_add(1);
        }
        self.tail_length = length;
    }

    /// The last octets noted.
    pub(super) fn tail(&self) -> &[u8] {
        self.tail.get(..usize::from(self.tail_length)).unwrap_or_default()
    }
}

/// The numbers of the recognisers in a set, in order.
fn numbers(mut set: u128) -> impl Iterator<Item = u8> {
    std::iter::from_fn(move || {
        let number = u8::try_from(set.trailing_zeros()).ok().filter(|_| set != 0)?;
        set &= set.wrapping_sub(1);
        Some(number)
    })
}
