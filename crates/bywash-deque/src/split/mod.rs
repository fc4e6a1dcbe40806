//! The scheduler's deque: a private stack in plain memory, and a small public ring beside it.
//!
//! The owner pushes and pops on a stack that nobody else can see: a slot store, a length, one
//! compare; no fence and no read-modify-write. Thieves see only the ring, 256 slots with a
//! `top` that thieves move by compare-and-swap and a `tail` that the owner alone writes. Both count
//! up for ever in 64 bits, so a batch steal (`top + k`) has no ABA.
//!
//! The owner moves its *oldest* items to the ring when a thief asks. A thief asks by storing 0 into
//! `limit`, the very word that the owner compares with on each push, so that the overflow check and
//! the demand flag are one. Taking items back is one compare-and-swap of `top` to `tail`.
//!
//! ```text
//!    stack   │ hole │ hole │ hole │ item │ item │ item │
//!              └──┬─────────────┘  ▲ published           ▲ len
//!    ring         top ─────▶ tail
//! ```
//!
//! Invariants, and who keeps them:
//! * Slots below `published` are holes: their items are in the ring, or were stolen. Slots from
//!   `published` to `len` hold items. The items in the ring are those of the last `tail - top`
//!   holes, in order, so that reclaiming them puts each back where it was.
//! * Only the owner touches the stack, `published` and `tail`.
//! * `limit` is at most the capacity of the stack, whoever wrote it last; the slot at `len` exists.
//!
//! The stack doubles when it is full, and halves after 256 pops that found nothing with no push in
//! between that reached half of it.
//!
//! **What a thief may expect of an owner that never touches its deque again:** exactly the items
//! that are in the ring. The rules that bound what stays hidden:
//! * A thief that finds nothing, or leaves no more than it took, asks. The owner answers at its next push,
//!   and before its next item if it looks whether it [was asked](Owner::is_asked). A question stands until
//!   something was published for it.
//! * Unasked, a stream of pushes exposes the older half of what is private whenever that is as much as is
//!   public, and at the latest after 64 pushes (128 if nothing is), as long as the ring has room. What is pushed and popped
//!   again in between stays private, unless the owner [shares eagerly](Sharing::Eager).
//! * An owner that comes back for what it published offers the older half of it again.

mod core;
mod owner;
mod pair;
mod ring;
mod sharing;
mod stack;

pub use self::core::Core;
pub use self::owner::{Owner, Position, TakeBack};
pub use self::pair::{Stealer, Worker, deque};
pub use self::ring::{Haul, RING_SLOTS, Steal};
pub use self::sharing::Sharing;
pub use crate::item::Item;
