//! The settings of all stages of a run.

use crate::decode::DecodeSettings;
use crate::flow::FlowSettings;
use crate::recognise::Recogniser;
use crate::recognise::heads::HeadPool;
use crate::recognise::registry::RECOGNISERS;

/// Settings of a run. Its memory is bounded by the sum of what each stage's settings say.
#[derive(Clone, Copy)]
pub struct PipelineSettings<'r> {
    /// Those of the decoder.
    pub decode: DecodeSettings,
    /// Those of each of the 256 flow tables.
    pub flow: FlowSettings,
    /// Most octets that the heads of a shard hold while a recogniser waits for more of them.
    pub head_octets_per_shard: usize,
    /// Who is asked what is spoken, at most 128.
    pub registry: &'r [&'r dyn Recogniser],
}

impl Default for PipelineSettings<'_> {
    fn default() -> Self {
        Self {
            decode: DecodeSettings::default(),
            flow: FlowSettings::default(),
            head_octets_per_shard: HeadPool::OCTETS_PER_SHARD,
            registry: RECOGNISERS,
        }
    }
}
