//! The order of the audit's lists: conversations by their keys, addresses ascending.
//!
//! Nearly all ends are IPv4 addresses, and a sort of numbers of 32 bits is several times as fast as one of
//! addresses.

use std::iter::Peekable;

use crate::addr::Addr;
use crate::judge::conversation::Conversation;

/// These conversations by their keys.
pub(super) fn by_key<'c>(conversations: &[&'c Conversation]) -> Vec<&'c Conversation> {
    let (mut narrow, mut wide): (Vec<u64>, Vec<(Addr, u32)>) = (Vec::new(), Vec::new());
    for (place, conversation) in (0_u32..).zip(conversations) {
        let (orig, _) = conversation.addrs();
        match orig.v4_number() {
            Some(orig) => narrow.push(u64::from(orig) << u32::BITS | u64::from(place)),
            None => wide.push((orig, place)),
        }
    }
    narrow.sort_unstable();
    wide.sort_unstable();
    let at = |place: u64| {
        let place = usize::try_from(place & u64::from(u32::MAX)).ok()?;
        conversations.get(place).copied()
    };
    let narrow = narrow.into_iter().filter_map(at);
    let wide = wide.into_iter().filter_map(|(_, place)| at(u64::from(place)));
    let orig = |conversation: &&Conversation| conversation.addrs().0;
    let mut sorted: Vec<&Conversation> = Vec::with_capacity(conversations.len());
    sorted.extend(Merged { one: narrow.peekable(), other: wide.peekable(), by: orig });
    // Most differ in who opened them, so that few of the keys themselves are looked at.
    for same in sorted.chunk_by_mut(|one, other| one.addrs().0 == other.addrs().0) {
        if same.len() > 1 {
            same.sort_unstable_by_key(|conversation| conversation.key());
        }
    }
    sorted
}

/// Both ends of these conversations, which are in their order: ascending, each once.
pub(super) fn ends(sorted: &[&Conversation]) -> Vec<Addr> {
    let mut origs: Vec<Addr> = sorted.iter().map(|conversation| conversation.addrs().0).collect();
    origs.dedup();
    let (mut narrow, mut wide): (Vec<u32>, Vec<Addr>) = (Vec::new(), Vec::new());
    for (_, resp) in sorted.iter().map(|conversation| conversation.addrs()) {
        match resp.v4_number() {
            Some(resp) => narrow.push(resp),
            None => wide.push(resp),
        }
    }
    narrow.sort_unstable();
    narrow.dedup();
    wide.sort_unstable();
    let narrow = narrow.into_iter().map(|number| Addr::v4(number.to_be_bytes()));
    let resps = Merged { one: narrow.peekable(), other: wide.into_iter().peekable(), by: Addr::clone };
    let mut ends: Vec<Addr> =
        Merged { one: origs.into_iter().peekable(), other: resps.peekable(), by: Addr::clone }.collect();
    ends.dedup();
    ends
}

/// Two ascending runs as one.
struct Merged<I: Iterator, J: Iterator<Item = I::Item>, F> {
    one: Peekable<I>,
    other: Peekable<J>,
    /// What both are in the order of.
    by: F,
}

impl<I, J, F> Iterator for Merged<I, J, F>
where
    I: Iterator,
    J: Iterator<Item = I::Item>,
    F: Fn(&I::Item) -> Addr,
{
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        match (self.one.peek(), self.other.peek()) {
            (Some(one), Some(other)) if (self.by)(other) < (self.by)(one) => self.other.next(),
            (Some(_), _) => self.one.next(),
            (None, _) => self.other.next(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::FlowKey;
    use crate::flow::Side;
    use crate::inventory::Inventory;
    use crate::judge::conversation::ConversationKey;
    use crate::judge::flow_state::FlowState;
    use crate::judge::seats::Seats;
    use crate::service::Transport;
    use crate::time::Timestamp;

    /// Of both families, around where they meet in the order of addresses.
    const ADDRESSES: [&str; 9] = [
        "0.0.0.0",
        "10.0.0.1",
        "10.0.0.2",
        "255.255.255.254",
        "::1",
        "::fffe:0:0",
        "::1:0:0:0",
        "fd00::1",
        "fe80::1",
    ];

    #[test]
    fn conversations_and_ends_stand_in_the_order_of_keys_and_addresses() {
        let addrs = ADDRESSES.map(|text| Addr::from(text.parse::<std::net::IpAddr>().unwrap()));
        let (mut seats, inventory) = (Seats::default(), Inventory::new(None));
        let mut make = |orig: Addr, resp: Addr, port: u16| {
            let (flow, side) = FlowKey::canonical((orig, 50_000), (resp, port), Transport::Udp, 0);
            let (port, transport) = (Some(port), Transport::Udp);
            let key = ConversationKey {
                orig,
                resp,
                transport,
                port,
                service: None,
                vlan: 0,
                roles: None,
                called: None,
            };
            let ends = (seats.seat_of(&inventory, orig), seats.seat_of(&inventory, resp));
            assert!(side == Side::A || side == Side::B);
            Conversation::new(&key, ends, &FlowState::opened(flow, Timestamp::default()), side)
        };
        let mut conversations = Vec::new();
        for (index, orig) in addrs.iter().enumerate() {
            for resp in addrs.iter().rev().skip(index % 3) {
                conversations.push(make(*orig, *resp, 7));
                conversations.push(make(*resp, *orig, 5));
            }
        }
        let all: Vec<&Conversation> = conversations.iter().collect();
        let mut expected: Vec<ConversationKey> = all.iter().map(|conversation| conversation.key()).collect();
        expected.sort();
        let sorted = by_key(&all);
        assert_eq!(sorted.iter().map(|conversation| conversation.key()).collect::<Vec<_>>(), expected);
        let mut ascending = addrs.to_vec();
        ascending.sort();
        assert_eq!(ends(&sorted), ascending);
    }
}
