//! The protocols as the model checker drives them: production types, each by itself.

pub use crate::idle::{Called, Idle};
pub use crate::latch::{Finished, Home, TaskLatch};
pub use crate::loops::model::{Blocks, LoopLatch, Tickets, Units, combine_here, split, subtrees};
pub use crate::roll::Roll;
pub use crate::sums::{Linked, Sums};

use std::ptr::NonNull;

use crate::chunks::Chunks;
use crate::memory::class_of;
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
        let share = |_| &*Box::leak(Box::new(Share::new(record, Chunks::default())));
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

    /// Room for a job, taken by `worker`, on whose thread this is.
    pub fn take(&self, worker: usize) -> Block {
        let place = self.shares[worker].take();
        Block {
            place,
            home: worker,
        }
    }

    /// A job has ended on `worker`, on whose thread this is, and needs its room no more.
    pub fn give(&self, worker: usize, block: Block) {
        let home = self.shares[block.home];
        let place = block.place.cast();
        // SAFETY: `take` gave the block, whose owner gives it up here.
        unsafe { self.shares[worker].give_home(place, class_of::<Room>(), home) };
    }

    /// Opens the record for another frame, in which nobody is enrolled.
    pub fn open(&self) {
        self.record.open(None);
    }

    /// Turns the share of `worker`, on whose thread this is, to the frame that is open now.
    pub fn turn(&self, worker: usize) {
        assert!(self.is_outlived(worker), "its last frame has ended");
        // SAFETY: it is outlived, as was just seen, and this is its worker.
        unsafe { self.shares[worker].turn_to(self.record) };
        self.enrol(worker);
    }
}

/// As large as what a worker takes from its arena at a time: each block that is not used again is new.
type Room = [u64; 512];

/// Room for a job.
pub struct Block {
    place: NonNull<Room>,
    home: usize,
}

// SAFETY: a block is memory and nothing else.
unsafe impl Send for Block {}

impl Block {
    /// Where it is.
    pub fn address(&self) -> usize {
        self.place.addr().get()
    }
}
