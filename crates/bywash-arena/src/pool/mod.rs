//! Pools: small values that outlive a frame, in blocks that any thread may free.
//!
//! Each thread has a heap per pool: free lists that only it touches, over pages of
//! 64 KiB. A block freed elsewhere comes home through the heap's inbox. The idea of a list per
//! thread, with a second one for frees from outside, is mimalloc's (Leijen, Zorn, de Moura, 2019).

mod boxed;
mod class;
#[cfg_attr(
    not(bywash_loom),
    expect(unreachable_pub, reason = "the model checker drives it by itself")
)]
mod heap;
#[cfg_attr(
    not(bywash_loom),
    expect(unreachable_pub, reason = "the model checker drives it by itself")
)]
mod inbox;
mod large;
#[cfg_attr(
    not(bywash_loom),
    expect(unreachable_pub, reason = "the model checker drives it by itself")
)]
mod leaving;
mod local;
mod page;
mod shared;
#[cfg_attr(
    not(bywash_loom),
    expect(unreachable_pub, reason = "the model checker makes one")
)]
mod trace;

use core::alloc::Layout;
use core::fmt;
use core::marker::PhantomData;
use core::ptr::NonNull;
use std::sync::Arc;
use std::vec::Vec;

pub use boxed::PoolBox;
use class::block_of;
pub use heap::PoolUse;
pub use large::HeapBox;
use shared::Shared;
pub use trace::Leaks;

use crate::error::{ArenaError, refuse};

/// The parts that the model checker drives by themselves.
#[cfg(bywash_loom)]
#[doc(hidden)]
pub mod model {
    pub use super::heap::Heap;
    pub use super::inbox::{Given, Inbox, Node};
    pub use super::trace::Trace;
}

/// The largest value that fits a pool's block: a quarter of a page.
const LARGEST: usize = page::PAGE / 4;

/// A pool of values of one type. Cloning the handle gives the same pool.
///
/// ```
/// use bywash_arena::Pool;
///
/// let pool = Pool::new();
/// let mut level = pool.alloc(3.5);
/// *level += 1.0;
/// std::thread::spawn(move || assert_eq!(*level, 4.5)).join().unwrap();
/// ```
pub struct Pool<T> {
    shared: Arc<Shared>,
    of: PhantomData<fn(T) -> T>,
}

impl<T> Pool<T> {
    const FITS: () = assert!(
        size_of::<T>() <= LARGEST && align_of::<T>() <= 4096,
        "a pool's value is at most 16 KiB, aligned to at most 4096: use `Box` for larger ones"
    );

    /// An empty pool. Takes no page before the first value.
    #[must_use]
    pub fn new() -> Self {
        const { Self::FITS };
        let classes = Vec::from([Layout::new::<T>()]);
        Self {
            shared: Arc::new(Shared::new(classes)),
            of: PhantomData,
        }
    }

    /// Moves `value` into a block of the current thread's.
    ///
    /// Cost: two loads of thread-locals and two of the free list, two stores; a page now and then.
    ///
    /// # Panics
    /// When there is no memory for a page.
    #[inline]
    #[track_caller]
    pub fn alloc(&self, value: T) -> PoolBox<T> {
        self.try_alloc(value)
            .unwrap_or_else(|(error, _)| refuse(error))
    }

    /// Like [`alloc`](Self::alloc), or gives the value back.
    ///
    /// # Errors
    /// [`ArenaError::Exhausted`] when there is no memory for a page, or the thread is ending and
    /// its pools are gone.
    #[inline(always)]
    #[track_caller]
    pub fn try_alloc(&self, value: T) -> Result<PoolBox<T>, (ArenaError, T)> {
        match block(&self.shared, 0) {
            // SAFETY: fresh, and of the only class, which is for `T`.
            Some(block) => Ok(unsafe { PoolBox::new(block, value) }),
            None => Err((exhausted(), value)),
        }
    }

    /// Frees the current thread's pages that hold no value, and says how many bytes that were.
    ///
    /// Takes time proportional to the free blocks. Other threads trim their own.
    pub fn trim(&self) -> usize {
        trim(&self.shared)
    }

    /// What the current thread's part of the pool holds. Time proportional to the free blocks.
    #[must_use]
    pub fn usage(&self) -> PoolUse {
        usage(&self.shared)
    }

    /// What is done, in builds with debug assertions, when the last handle goes and values are
    /// alive: they are reported on the error stream, unless this says otherwise.
    ///
    /// Where boxes are meant to outlive the pool, `pool.on_leak(|_| ())`.
    pub fn on_leak(&self, report: fn(&Leaks)) {
        self.shared.set_on_leak(report);
    }
}

/// Size classes from 16 to 4096 bytes behind one handle, for values of any type that fits.
///
/// ```
/// let pool = bywash_arena::ClassPool::new();
/// let small = pool.alloc(1u8);
/// let large = pool.alloc([0u64; 512]);
/// assert_eq!((*small, large.len()), (1, 512));
/// ```
#[derive(Clone)]
pub struct ClassPool {
    shared: Arc<Shared>,
    /// The place of the tag that heap boxes count under.
    tag: Option<usize>,
}

/// The smallest and the largest class, as powers of two.
const CLASSES: core::ops::RangeInclusive<u32> = 4..=12;

/// The class of a value: its place among the powers of two from 16 on.
struct ClassOf<T>(PhantomData<T>);

impl<T> ClassOf<T> {
    const INDEX: usize = {
        let block = block_of(Layout::new::<T>());
        let size = if block.size() > block.align() {
            block.size()
        } else {
            block.align()
        };
        let size = size.next_power_of_two();
        assert!(
            size <= 4096,
            "a class pool's value is at most 4096 bytes: use `Pool` or `Box`"
        );
        if size <= 16 {
            0
        } else {
            size.ilog2() as usize - 4
        }
    };
}

impl ClassPool {
    /// An empty pool. Takes no page before the first value.
    #[must_use]
    pub fn new() -> Self {
        let class = |power| {
            let size = 1usize << power;
            Layout::from_size_align(size, size).unwrap_or(Layout::new::<u64>())
        };
        Self {
            shared: Arc::new(Shared::new(CLASSES.map(class).collect())),
            tag: None,
        }
    }

    /// Moves `value` into a block of the current thread's; its class is chosen by the compiler.
    ///
    /// # Panics
    /// When there is no memory for a page.
    #[inline]
    #[track_caller]
    pub fn alloc<T>(&self, value: T) -> PoolBox<T> {
        self.try_alloc(value)
            .unwrap_or_else(|(error, _)| refuse(error))
    }

    /// Like [`alloc`](Self::alloc), or gives the value back.
    ///
    /// # Errors
    /// As for [`Pool::try_alloc`].
    #[inline(always)]
    #[track_caller]
    pub fn try_alloc<T>(&self, value: T) -> Result<PoolBox<T>, (ArenaError, T)> {
        match block(&self.shared, const { ClassOf::<T>::INDEX }) {
            // SAFETY: fresh, and of the class for `T`.
            Some(block) => Ok(unsafe { PoolBox::new(block, value) }),
            None => Err((exhausted(), value)),
        }
    }

    /// As [`Pool::trim`].
    pub fn trim(&self) -> usize {
        trim(&self.shared)
    }

    /// As [`Pool::usage`].
    #[must_use]
    pub fn usage(&self) -> PoolUse {
        usage(&self.shared)
    }

    /// As [`Pool::on_leak`].
    pub fn on_leak(&self, report: fn(&Leaks)) {
        self.shared.set_on_leak(report);
    }
}

#[inline(always)]
#[track_caller]
fn block(shared: &Arc<Shared>, class: usize) -> Option<NonNull<u8>> {
    let heap = local::heap_of(shared)?;
    // SAFETY: the thread's list keeps its heap while the pool's handle is there.
    let heap = unsafe { heap.as_ref() };
    // SAFETY: the heap is this thread's and open, and has a class for each of the pool's.
    unsafe { heap.alloc(class) }
}

fn trim(shared: &Arc<Shared>) -> usize {
    // SAFETY: the heap is this thread's and open.
    local::heap_of(shared).map_or(0, |heap| unsafe { heap.as_ref() }.trim())
}

fn usage(shared: &Arc<Shared>) -> PoolUse {
    // SAFETY: the heap is this thread's and open.
    local::heap_of(shared).map_or(PoolUse::default(), |heap| unsafe { heap.as_ref() }.usage())
}

fn exhausted() -> ArenaError {
    ArenaError::Exhausted {
        requested: page::PAGE,
        left: 0,
        limit: usize::MAX,
    }
}

impl<T> Clone for Pool<T> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            of: PhantomData,
        }
    }
}

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl Default for ClassPool {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for Pool<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = core::any::type_name::<T>();
        let usage = self.usage();
        f.debug_struct("Pool")
            .field("of", &format_args!("{name}"))
            .field("on_this_thread", &usage)
            .finish()
    }
}

impl fmt::Debug for ClassPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClassPool")
            .field("on_this_thread", &self.usage())
            .field("heap_bytes", &self.heap_bytes())
            .field("tags", &self.tags())
            .finish()
    }
}
