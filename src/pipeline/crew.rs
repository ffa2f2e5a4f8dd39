//! The workers, on threads of their own or, if there is one, inline.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::SyncSender;
use std::sync::mpsc::sync_channel;
use std::thread::Scope;
use std::thread::ScopedJoinHandle;

use crate::event::Event;
use crate::flow::key::FlowNumber;
use crate::pipeline::settings::PipelineSettings;
use crate::pipeline::tally::WorkerTally;
use crate::pipeline::work::Work;
use crate::pipeline::worker::Worker;
use crate::time::Timestamp;

/// Batches that are on their way at a time: enough that nobody waits, few enough to stay in cache.
const DEPTH: usize = 4;

/// Something for all workers to do.
#[derive(Clone)]
pub(super) enum Order {
    /// Take your part of this batch.
    Take(Arc<Work>),
    /// The run is over: close the flows with numbers below this.
    Close(FlowNumber, Timestamp),
}

/// All workers.
pub(super) enum Crew<'scope, 'r> {
    /// One, called where the orders are given.
    Inline(Box<Worker<'r>>, Vec<Vec<Event>>),
    /// Several.
    Threads {
        /// Their threads.
        hands: Vec<Hand<'scope>>,
        /// How many orders were given.
        given: usize,
    },
}

/// One worker's thread.
pub(super) struct Hand<'scope> {
    orders: SyncSender<Order>,
    answers: Receiver<Vec<Event>>,
    /// How many orders it has obeyed.
    obeyed: Arc<AtomicUsize>,
    thread: ScopedJoinHandle<'scope, WorkerTally>,
}

impl<'scope, 'r: 'scope> Crew<'scope, 'r> {
    /// Hires the workers.
    pub(super) fn new<'env>(
        workers: NonZeroUsize,
        settings: &PipelineSettings<'r>,
        scope: &'scope Scope<'scope, 'env>,
    ) -> Self {
        let count = workers.get();
        if count == 1 {
            return Self::Inline(Box::new(Worker::new(0, 1, settings)), Vec::new());
        }
        // One thread more reads, decodes and judges: the caller's.
        let helping = count.saturating_sub(1);
        let hands = (0..helping).map(|number| {
            let (orders, inbox) = sync_channel(DEPTH);
            let (outbox, answers) = sync_channel(DEPTH);
            let worker = Worker::new(number, helping, settings);
            let obeyed = Arc::new(AtomicUsize::new(0));
            let count = Arc::clone(&obeyed);
            let thread = scope.spawn(move || work(worker, &inbox, &outbox, &count));
            Hand { orders, answers, obeyed, thread }
        });
        Self::Threads { hands: hands.collect(), given: 0 }
    }

    /// How many orders may be unanswered. Inline none need wait, and one batch's memory that is used
    /// again and again stays in the cache.
    pub(super) fn depth(&self) -> usize {
        match self {
            Self::Inline(..) => 1,
            Self::Threads { .. } => DEPTH,
        }
    }

    /// Whether a worker has so much to do that it waits for nothing: then what it can be spared is better
    /// done here. It decides who does it, never what comes out.
    pub(super) fn is_busy(&self) -> bool {
        match self {
            Self::Inline(..) => false,
            Self::Threads { hands, given } => {
                let left = hands.iter().map(|hand| given.saturating_sub(hand.obeyed.load(Ordering::Relaxed)));
                left.max().unwrap_or(0) >= DEPTH / 2
            }
        }
    }

    /// Gives an order to all. At most [`Crew::depth`] may be unanswered.
    pub(super) fn give(&mut self, order: &Order) {
        match self {
            Self::Inline(worker, answers) => answers.push(obey(worker, order)),
            Self::Threads { hands, given } => {
                *given = given.saturating_add(1);
                for hand in hands {
                    // A worker that died is found when its answer is missing.
                    let _sent = hand.orders.send(order.clone());
                }
            }
        }
    }

    /// The events of the oldest order that is unanswered, from all workers.
    pub(super) fn answer(&mut self) -> Vec<Event> {
        match self {
            Self::Inline(_, answers) if answers.is_empty() => Vec::new(),
            Self::Inline(_, answers) => answers.remove(0),
            Self::Threads { hands, .. } => {
                hands.iter().flat_map(|hand| hand.answers.recv().unwrap_or_default()).collect()
            }
        }
    }

    /// Lets the workers go: what they counted, and how many had died.
    pub(super) fn dismiss(self) -> (WorkerTally, u64) {
        let (mut sum, mut lost) = (WorkerTally::default(), 0_u64);
        match self {
            Self::Inline(worker, _) => sum = worker.tally(),
            Self::Threads { hands, .. } => {
                for Hand { orders, answers, thread, .. } in hands {
                    drop((orders, answers));
                    match thread.join() {
                        Ok(tally) => sum.add(&tally),
                        Err(_) => lost = lost.saturating_add(1),
                    }
                }
            }
        }
        (sum, lost)
    }
}

fn work(
    mut worker: Worker<'_>,
    inbox: &Receiver<Order>,
    outbox: &SyncSender<Vec<Event>>,
    obeyed: &AtomicUsize,
) -> WorkerTally {
    while let Ok(order) = inbox.recv() {
        let answer = obey(&mut worker, &order);
        obeyed.fetch_add(1, Ordering::Relaxed);
        // Before the answer, so that the batch's memory can be used again at once.
        drop(order);
        if outbox.send(answer).is_err() {
            break;
        }
    }
    worker.tally()
}

fn obey(worker: &mut Worker<'_>, order: &Order) -> Vec<Event> {
    let mut events = Vec::with_capacity(worker.expected());
    match order {
        Order::Take(work) => worker.take(work, &mut events),
        Order::Close(below, time) => worker.close(*below, *time, &mut events),
    }
    worker.expect(events.len());
    events
}
