//! Events in, ledger out: the pure state machine that owns conversations, roles and violations.
//!
//! Flows gather facts until they are *settled*: they ended, or the identification deadline passed.
//! A settled flow joins its conversation; what is learned later is absorbed there. Rulings are made
//! when they are asked for, from the facts that a conversation then has, so that neither the number
//! of workers nor the size of batches can change them.

pub mod audit;
pub mod community_id;
pub mod conversation;
pub mod conversations;
mod count;
pub mod details;
pub mod durations;
pub mod flow_state;
mod flows;
mod forgetting;
mod joining;
pub mod ledger;
mod live;
pub mod live_counts;
mod memory;
pub mod message;
pub mod names;
mod order;
pub mod orient;
mod pair;
pub mod related;
pub mod ruling;
pub mod seats;
mod slab;
mod slot;
mod standing;
pub mod summary;
mod taking;
pub mod transition;
pub mod tuples;
mod violations;
mod watching;
pub mod wording;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::inventory::Inventory;
use crate::judge::audit::JudgeTotals;
use crate::judge::conversations::Conversations;
use crate::judge::durations::Durations;
use crate::judge::flows::Flows;
use crate::judge::live::ClosedFlow;
use crate::judge::memory::Memory;
use crate::judge::names::Names;
use crate::judge::related::Related;
use crate::judge::ruling::FoldKey;
use crate::judge::seats::Seats;
use crate::judge::watching::Watch;
use crate::policy::force::Policy;
use crate::time::Span;

/// What bounds the judge.
#[derive(Clone, Copy, Debug)]
pub struct JudgeSettings {
    /// Most conversations kept; default 655,360. Beyond it violations fold by reason, rule and role pair;
    /// totals stay exact and `complete` is false. The last eighth is for initiators that the site
    /// declares, each with a 64th of the whole at most.
    ///
    /// Memory of the judge, at most:
    ///
    /// ```text
    /// conversations × 152 octets (record, index)
    ///     + 48 for those with an end that has no IPv4 address
    ///     + 100 for those of which octets told more, or that share their verdict, or were mirrored twice
    ///     + 90 for those with several 5-tuples + what octets told of them (names, certificates)
    ///   + 4,194,304 further 5-tuples × 16 octets
    ///   + flows of the flow table × 52 octets (IPv6: 76) + those of which more than the opening is known × 208 octets,
    ///     and 88 once they are settled and go on, as all are in a watch
    ///   + 65,536 × (kinds of hosts 150 + addresses with their MAC 300 + what hosts did 200 + rulings 300) octets
    ///   + 65,536 × (announced media 160 + questions 120 + ended sessions 80 + resolved addresses 300) octets
    /// ```
    ///
    /// At the end of the run, when the flows are gone: conversations × 320 octets more, for the audit's
    /// lines on them and on both their ends.
    pub conversations: usize,
    /// Keep every closed flow for the flow log, which takes about 1 KiB for each flow of the run and has
    /// no other bound. Default off.
    pub keep_flows: bool,
    /// How long a flow may show itself before it is judged. Default 5 s of packet time.
    pub deadline: Span,
    /// For a judge that watches, see [`Judge::advance`]: after so much silence a violation is closed and a
    /// conversation forgotten. Default `None`: everything is kept, and judged at the end.
    pub quiet: Option<Span>,
}

impl Default for JudgeSettings {
    fn default() -> Self {
        Self { conversations: 655_360, keep_flows: false, deadline: Span::from_secs(5), quiet: None }
    }
}

/// So many events are looked ahead at a time: few enough that what was fetched for them is still there.
const TOGETHER: usize = 32;

/// The judge of one run.
#[derive(Debug)]
pub struct Judge {
    policy: Arc<Policy>,
    inventory: Inventory,
    settings: JudgeSettings,
    flows: Flows,
    conversations: Conversations,
    related: Related,
    names: Names,
    closed: Vec<ClosedFlow>,
    folded: BTreeMap<FoldKey, u64>,
    /// What the ends of conversations have in common.
    seats: Seats,
    /// Rulings that were made.
    memory: Memory,
    totals: JudgeTotals,
    durations: Durations,
    /// Only of one that watches.
    watch: Option<Box<Watch>>,
}

impl Judge {
    /// A judge with these rules and this inventory.
    pub fn new(policy: Arc<Policy>, inventory: Inventory, settings: JudgeSettings) -> Self {
        Self {
            inventory,
            settings,
            flows: Flows::default(),
            conversations: Conversations::new(settings.conversations),
            related: Related::default(),
            names: Names::default(),
            closed: Vec::new(),
            folded: BTreeMap::new(),
            seats: Seats::default(),
            memory: Memory::of(&policy),
            totals: JudgeTotals::default(),
            durations: Durations::default(),
            watch: settings.quiet.map(Watch::new).map(Box::new),
            policy,
        }
    }

    /// The inventory, for the draft of a site file.
    pub fn inventory(&self) -> &Inventory {
        &self.inventory
    }
}

#[cfg(test)]
mod tests {
    use super::flows;
    use super::live::ClosedFlow;
    use super::live::LiveFlow;
    use crate::judge::audit::ConversationRecord;
    use crate::judge::audit::HostRecord;
    use crate::judge::audit::Violation;
    use crate::judge::conversation::Conversation;
    use crate::judge::seats::HostKind;

    #[test]
    fn the_sizes_of_all_that_there_are_many_of_are_known() {
        let [ipv4, ipv6] = flows::SLOT_OCTETS;
        let sizes = [
            ("IPv4 flow going on, nothing known but its opening", ipv4, 40),
            ("IPv6 flow going on, nothing known but its opening", ipv6, 64),
            ("flow going on, on top of that when more is known", size_of::<LiveFlow>(), 192),
            ("flow in the flow log", size_of::<ClosedFlow>(), 1024),
            ("conversation", size_of::<Conversation>(), 136),
            ("conversation in the audit", size_of::<ConversationRecord>(), 192),
            ("endpoint in the audit", size_of::<HostRecord>(), 48),
            ("kind of endpoint, shared", size_of::<HostKind>(), 128),
            ("violation", size_of::<Violation>(), 512),
        ];
        for (what, octets, at_most) in sizes {
            println!("{octets:4} octets: {what}");
            assert!(octets <= at_most, "{what}: {octets} octets");
        }
    }
}
