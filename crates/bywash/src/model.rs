//! The protocols as the model checker drives them: production types, each by itself.

pub use crate::idle::Idle;
pub use crate::latch::{Finished, Home, TaskLatch};
pub use crate::loops::model::{Blocks, LoopLatch, Tickets, Units, combine_here, split, subtrees};
pub use crate::sums::{Linked, Sums};

use crate::record::FrameRecord;
use crate::share::Share;
use crate::wait::Awaited;

/// A frame's books: its record, and a share for each worker.
///
/// Records and shares live until the process ends, as they live as long as their system.
pub struct Books {
    record: &'static FrameRecord,
    shares: Vec<&'static Share>,
}

impl Books {
    /// An open frame, and shares for so many workers, none of them enrolled.
    pub fn new(workers: usize) -> Self {
        let record: &'static FrameRecord = Box::leak(Box::new(FrameRecord::new()));
        record.open(None);
        let share = |_| &*Box::leak(Box::new(Share::new(record)));
        Self {
            record,
            shares: (0..workers).map(share).collect(),
        }
    }

    /// Worker `worker` touches the frame for the first time.
    pub fn enrol(&self, worker: usize) {
        self.record.enrol(self.shares[worker]);
    }

    /// Counts jobs as spawned by `worker`, on whose thread this is.
    pub fn spawn(&self, worker: usize, jobs: u64) {
        self.shares[worker].count_spawned(jobs);
    }

    /// Counts jobs as executed by `worker`, on whose thread this is.
    pub fn execute(&self, worker: usize, jobs: u64) {
        self.shares[worker].count_executed(jobs);
    }

    /// After a worker's last job: whether somebody has to be woken.
    pub fn is_waited(&self) -> bool {
        self.record.is_waited()
    }

    /// Whether every job of the frame has ended.
    pub fn is_quiet(&self) -> bool {
        self.record.is_quiet()
    }

    /// Who waits for the frame's end is about to sleep.
    pub fn expect_sleep(&self) {
        self.record.add_waiter();
    }

    /// It is up again.
    pub fn end_sleep(&self) {
        self.record.remove_waiter();
    }

    /// Ends the frame.
    pub fn close(&self) {
        self.record.close();
    }

    /// Whether `worker`, on whose thread this is, may use its share for another frame.
    pub fn is_outlived(&self, worker: usize) -> bool {
        self.shares[worker].is_outlived()
    }
}
