//! Locks for the paths that may block, in the world the build was made for.

#[cfg(bywash_loom)]
pub use loom::sync::{Condvar, Mutex, MutexGuard};

#[cfg(bywash_shuttle)]
pub use shuttle::sync::{Condvar, Mutex, MutexGuard};

#[cfg(not(any(bywash_loom, bywash_shuttle, bywash_tsan)))]
pub use std::sync::{Condvar, Mutex, MutexGuard};

#[cfg(bywash_tsan)]
pub use told::{Mutex, MutexGuard};

/// The standard library's lock for ThreadSanitizer, which sees of it only what was inlined: who had to wait
/// for it would seem to have come in without order.
#[cfg(bywash_tsan)]
mod told {
    use std::ffi::c_void;
    use std::ops::{Deref, DerefMut};
    use std::sync::{LockResult, PoisonError, TryLockError, TryLockResult};

    unsafe extern "C" {
        fn __tsan_acquire(address: *const c_void);
        fn __tsan_release(address: *const c_void);
    }

    /// A lock that says when it was taken and when it is given back.
    #[derive(Debug, Default)]
    pub struct Mutex<T>(std::sync::Mutex<T>);

    /// The right to what is locked.
    #[derive(Debug)]
    pub struct MutexGuard<'a, T> {
        guard: std::sync::MutexGuard<'a, T>,
        lock: *const c_void,
    }

    impl<T> Mutex<T> {
        /// Locks `value` up.
        pub const fn new(value: T) -> Self {
            Self(std::sync::Mutex::new(value))
        }

        /// Waits until nobody has the lock.
        ///
        /// # Errors
        /// As the standard library's.
        pub fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
            match self.0.lock() {
                Ok(guard) => Ok(self.taken(guard)),
                Err(poisoned) => Err(self.taken_poisoned(poisoned)),
            }
        }

        /// Takes the lock if nobody has it.
        ///
        /// # Errors
        /// As the standard library's.
        pub fn try_lock(&self) -> TryLockResult<MutexGuard<'_, T>> {
            match self.0.try_lock() {
                Ok(guard) => Ok(self.taken(guard)),
                Err(TryLockError::WouldBlock) => Err(TryLockError::WouldBlock),
                Err(TryLockError::Poisoned(poisoned)) => Err(self.taken_poisoned(poisoned).into()),
            }
        }

        fn taken<'a>(&'a self, guard: std::sync::MutexGuard<'a, T>) -> MutexGuard<'a, T> {
            let lock = std::ptr::from_ref(self).cast();
            // SAFETY: the address is a name and nothing else.
            unsafe { __tsan_acquire(lock) };
            MutexGuard { guard, lock }
        }

        fn taken_poisoned<'a>(
            &'a self,
            poisoned: PoisonError<std::sync::MutexGuard<'a, T>>,
        ) -> PoisonError<MutexGuard<'a, T>> {
            PoisonError::new(self.taken(poisoned.into_inner()))
        }

        /// Takes the value out.
        ///
        /// # Errors
        /// As the standard library's.
        pub fn into_inner(self) -> LockResult<T> {
            self.0.into_inner()
        }
    }

    impl<T> Deref for MutexGuard<'_, T> {
        type Target = T;

        fn deref(&self) -> &T {
            &self.guard
        }
    }

    impl<T> DerefMut for MutexGuard<'_, T> {
        fn deref_mut(&mut self) -> &mut T {
            &mut self.guard
        }
    }

    impl<T> Drop for MutexGuard<'_, T> {
        fn drop(&mut self) {
            // SAFETY: the address is a name and nothing else.
            unsafe { __tsan_release(self.lock) };
        }
    }
}
