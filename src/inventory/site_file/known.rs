//! What a site file may refer to: the packs in force, their features and rules.

use std::sync::Arc;

use crate::policy::rule::Pack;
use crate::policy::rule::Ports;

/// Names that a site file may use.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Known {
    /// Packs that a zone may name.
    pub packs: Vec<Arc<str>>,
    /// Features that may be switched on.
    pub features: Vec<Arc<str>>,
    /// Ids of rules and assertions; a site's own rule must have another one.
    pub rules: Vec<Arc<str>>,
    /// Ids of rules whose ports the site has to name.
    pub named_ports: Vec<Arc<str>>,
    /// Ids of rules whose peers the site has to name.
    pub named_peers: Vec<Arc<str>>,
    /// Kinds of zones that rules ask for: `dmz`.
    pub zone_kinds: Vec<Arc<str>>,
}

impl Known {
    /// The names in `packs`.
    pub fn of(packs: &[Pack]) -> Self {
        let mut known = Self::default();
        for pack in packs {
            known.packs.push(Arc::clone(&pack.id.0));
            known.features.extend(pack.features.iter().map(|(name, _)| Arc::clone(name)));
            known.rules.extend(pack.assertions.iter().map(|assertion| Arc::clone(&assertion.id.0)));
            for rule in &pack.rules {
                known.rules.push(Arc::clone(&rule.id.0));
                if rule.ports == Ports::Named {
                    known.named_ports.push(Arc::clone(&rule.id.0));
                }
                if rule.peers_named {
                    known.named_peers.push(Arc::clone(&rule.id.0));
                }
                known.zone_kinds.extend(rule.to_zone_kind.clone());
            }
        }
        known
    }
}

/// The words as `&str`, for suggestions.
pub(super) fn names(words: &[Arc<str>]) -> Vec<&str> {
    words.iter().map(|word| &**word).collect()
}
