//! What flow tables hand over, written down to be shown again; and a receiver that wants nothing.

use camsentry::capture::FrameBatch;
use camsentry::decode::DecodeSettings;
use camsentry::decode::Decoded;
use camsentry::decode::Decoder;
use camsentry::flow::FlowFacts;
use camsentry::flow::FlowKey;
use camsentry::flow::FlowSettings;
use camsentry::flow::FlowSink;
use camsentry::flow::FlowTable;
use camsentry::flow::Side;
use camsentry::flow::Tracer;
use camsentry::flow::facts::Initiation;
use camsentry::flow::facts::Opening;
use camsentry::flow::facts::Outcome;
use camsentry::flow::facts::SideTally;
use camsentry::flow::key::FlowNumber;
use camsentry::flow::key::SHARDS;
use camsentry::flow::sink::Chunk;
use camsentry::flow::sink::Interest;
use camsentry::flow::sink::Reaction;
use camsentry::recognise::Recogniser;
use camsentry::recognise::attached::Attached;
use camsentry::recognise::dispatch::Dispatch;
use camsentry::recognise::heads::HeadPool;
use camsentry::recognise::registry::RECOGNISERS;
use camsentry::recognise::watch::Notice;
use camsentry::recognise::watch::Watching;
use camsentry::time::Timestamp;

/// A chunk that owns its octets.
#[derive(Clone)]
pub(crate) struct Said {
    key: FlowKey,
    side: Side,
    packet: u64,
    time: Timestamp,
    octets: Vec<u8>,
    offset: u32,
    from_start: bool,
    cut: bool,
}

impl Said {
    fn of(chunk: &Chunk<'_>) -> Self {
        let Chunk { key, side, packet, time, octets, offset, from_start, cut } = *chunk;
        Self { key: *key, side, packet, time, octets: octets.to_vec(), offset, from_start, cut }
    }
}

/// What recognisers need around them.
pub(super) struct Readers<'r> {
    dispatch: Dispatch<'r>,
    pool: HeadPool,
    notices: Vec<Notice>,
}

/// Readers that ask these recognisers.
pub(super) fn readers<'r>(recognisers: &'r [&'r dyn Recogniser]) -> Readers<'r> {
    Readers {
        dispatch: Dispatch::new(recognisers),
        pool: HeadPool::new(HeadPool::OCTETS_PER_SHARD, 1),
        notices: Vec::new(),
    }
}

impl Readers<'_> {
    /// Shows what was said; gives how much was learned.
    pub(super) fn show(&mut self, attached: &mut Attached, said: &Said) -> usize {
        let Said { ref key, side, packet, time, ref octets, offset, from_start, cut } = *said;
        let chunk = Chunk { key, side, packet, time, octets, offset, from_start, cut };
        self.ask(|desk| attached.octets(&chunk, desk));
        self.notices.drain(..).count()
    }

    /// Says that no more comes.
    pub(super) fn end(&mut self, mut attached: Attached, first: Option<&Said>) -> usize {
        if let Some(said) = first {
            self.ask(|desk| attached.end(&said.key, desk));
        }
        attached.let_go(&mut self.pool);
        self.notices.drain(..).count()
    }

    fn ask(&mut self, ask: impl FnOnce(&mut Watching<'_>) -> Reaction) -> Reaction {
        ask(&mut Watching { dispatch: &self.dispatch, pool: &mut self.pool, notices: &mut self.notices })
    }
}

/// Writes down what is said on one port of servers.
struct Recorder<'r> {
    readers: Readers<'r>,
    port: u16,
    flows: Vec<Vec<Said>>,
}

/// What was said in the flows on this port: only what the recognisers wanted to have.
pub(super) fn recorded(batches: Vec<FrameBatch>, port: u16) -> Vec<Vec<Said>> {
    let mut recorder = Recorder { readers: readers(RECOGNISERS), port, flows: Vec::new() };
    let mut decoder = Decoder::new(DecodeSettings::default());
    let settings = FlowSettings { flows_per_shard: u32::MAX, ..FlowSettings::default() };
    let (mut table, tracer) = (FlowTable::new(settings, SHARDS), Tracer::new(&settings));
    let mut decoded = Decoded::default();
    for mut batch in batches {
        decoded.clear();
        for index in 0..batch.frames.len() {
            decoder.decode(&mut batch, index, &mut decoded);
        }
        for segment in &decoded.segments {
            let start = usize::try_from(segment.payload_start).unwrap();
            let end = start + usize::try_from(segment.payload_len).unwrap();
            let payload = batch.octets.get(start..end).unwrap();
            table.segment(tracer.trace(segment), segment, payload, &mut recorder);
        }
    }
    recorder.flows.retain(|flow| !flow.is_empty());
    recorder.flows
}

/// What hangs on a flow that is written down: its place among the flows.
type Written = (Attached, usize);

impl FlowSink<Written> for Recorder<'_> {
    fn opened(&mut self, _: FlowNumber, _: Timestamp, _: &Opening) -> Written {
        self.flows.push(Vec::new());
        (Attached::default(), self.flows.len() - 1)
    }

    fn octets(&mut self, _: FlowNumber, (attached, place): &mut Written, chunk: &Chunk<'_>) -> Reaction {
        if let Some(flow) = self.flows.get_mut(*place)
            && (chunk.key.a_port == self.port || chunk.key.b_port == self.port)
        {
            flow.push(Said::of(chunk));
        }
        self.readers.ask(|desk| attached.octets(chunk, desk))
    }

    fn gap(
        &mut self,
        _: FlowNumber,
        (attached, _): &mut Written,
        key: &FlowKey,
        side: Side,
        _: Timestamp,
    ) -> Reaction {
        self.readers.ask(|desk| attached.gap(key, side, desk))
    }

    fn ending(
        &mut self,
        _: FlowNumber,
        (attached, _): &mut Written,
        key: &FlowKey,
        _: Timestamp,
    ) -> Reaction {
        self.readers.ask(|desk| attached.end(key, desk))
    }

    fn initiated(&mut self, _: FlowNumber, _: Timestamp, _: Side, _: Initiation) {}

    fn reached(&mut self, _: FlowNumber, _: Timestamp, _: Outcome) {}

    fn tally(&mut self, _: FlowNumber, _: Timestamp, _: &[SideTally; 2]) {}

    fn closed(&mut self, _: Timestamp, (mut attached, _): Written, _: FlowFacts) {
        attached.let_go(&mut self.readers.pool);
    }
}

/// Wants no octets: what is left is the work of the table.
pub(super) struct NoReaders;

/// No side is wanted.
const NOTHING: Reaction = Reaction { interest: [Interest::Enough; 2], initiator: None };

impl FlowSink<()> for NoReaders {
    fn opened(&mut self, _: FlowNumber, _: Timestamp, _: &Opening) {}

    fn octets(&mut self, _: FlowNumber, (): &mut (), _: &Chunk<'_>) -> Reaction {
        NOTHING
    }

    fn gap(&mut self, _: FlowNumber, (): &mut (), _: &FlowKey, _: Side, _: Timestamp) -> Reaction {
        NOTHING
    }

    fn ending(&mut self, _: FlowNumber, (): &mut (), _: &FlowKey, _: Timestamp) -> Reaction {
        NOTHING
    }

    fn initiated(&mut self, _: FlowNumber, _: Timestamp, _: Side, _: Initiation) {}

    fn reached(&mut self, _: FlowNumber, _: Timestamp, _: Outcome) {}

    fn tally(&mut self, _: FlowNumber, _: Timestamp, _: &[SideTally; 2]) {}

    fn closed(&mut self, _: Timestamp, (): (), _: FlowFacts) {}
}
