//! What the deque carries: a thin pointer, and a label that a thief may read before it takes it.

use std::ptr::NonNull;
use std::sync::Arc;

/// An item that is one thin, non-null pointer.
///
/// # Safety
/// `from_raw(into_raw(x))` must be `x`, on any thread of the deque; `into_raw` must not lose or
/// duplicate ownership. None of the three functions may use the deque that the item is in.
pub unsafe trait Item: Sized {
    /// Whether a Chase-Lev deque keeps the items' labels beside them too, which then must not be null.
    const IS_LABELLED: bool = false;

    /// Gives up the item for its pointer.
    fn into_raw(self) -> NonNull<()>;

    /// The item again.
    ///
    /// # Safety
    /// `raw` came from `into_raw`, and each such pointer is turned back at most once.
    unsafe fn from_raw(raw: NonNull<()>) -> Self;

    /// A word that travels beside the item where thieves see it; they choose by it without touching
    /// the item's memory. Null unless a type says otherwise.
    fn label(&self) -> *mut () {
        std::ptr::null_mut()
    }
}

// SAFETY: `Box::into_raw` and `Box::from_raw` are inverse, and a box's pointer is thin for `T: Sized`.
unsafe impl<T> Item for Box<T> {
    fn into_raw(self) -> NonNull<()> {
        // SAFETY: a box's pointer is never null.
        unsafe { NonNull::new_unchecked(Box::into_raw(self)) }.cast()
    }

    unsafe fn from_raw(raw: NonNull<()>) -> Self {
        // SAFETY: by this function's contract `raw` came from `Box::into_raw`, and comes back once.
        unsafe { Box::from_raw(raw.cast().as_ptr()) }
    }
}

// SAFETY: `Arc::into_raw` and `Arc::from_raw` are inverse and move one strong count.
unsafe impl<T> Item for Arc<T> {
    fn into_raw(self) -> NonNull<()> {
        // SAFETY: an Arc's data pointer is never null.
        unsafe { NonNull::new_unchecked(Arc::into_raw(self).cast_mut()) }.cast()
    }

    unsafe fn from_raw(raw: NonNull<()>) -> Self {
        // SAFETY: by this function's contract `raw` came from `Arc::into_raw`, and comes back once.
        unsafe { Arc::from_raw(raw.cast().as_ptr()) }
    }
}

// SAFETY: a plain pointer carries no ownership, so it comes back as it went.
unsafe impl<T> Item for NonNull<T> {
    fn into_raw(self) -> NonNull<()> {
        self.cast()
    }

    unsafe fn from_raw(raw: NonNull<()>) -> Self {
        raw.cast()
    }
}

// SAFETY: a shared reference is a non-null pointer that may be copied freely for its lifetime.
unsafe impl<T> Item for &'static T {
    fn into_raw(self) -> NonNull<()> {
        NonNull::from(self).cast()
    }

    unsafe fn from_raw(raw: NonNull<()>) -> Self {
        // SAFETY: by this function's contract `raw` came from a `&'static T`.
        unsafe { raw.cast().as_ref() }
    }
}
