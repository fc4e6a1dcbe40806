//! Locks for the paths that may block, in the world the build was made for.

#[cfg(bywash_loom)]
pub use loom::sync::{Condvar, Mutex, MutexGuard};

#[cfg(bywash_shuttle)]
pub use shuttle::sync::{Condvar, Mutex, MutexGuard};

#[cfg(not(any(bywash_loom, bywash_shuttle, bywash_tsan)))]
pub use std::sync::{Condvar, Mutex, MutexGuard};

#[cfg(bywash_tsan)]
pub use told::{Condvar, Mutex, MutexGuard};

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
        // Ends before the lock is given back.
        told: Told,
        guard: std::sync::MutexGuard<'a, T>,
    }

    /// The time from when a lock was taken until it is given back.
    #[derive(Debug)]
    struct Told(*const c_void);

    impl Told {
        fn taken(lock: *const c_void) -> Self {
            // SAFETY: the address is a name and nothing else.
            unsafe { __tsan_acquire(lock) };
            Self(lock)
        }
    }

    impl Drop for Told {
        fn drop(&mut self) {
            // SAFETY: the address is a name and nothing else.
            unsafe { __tsan_release(self.0) };
        }
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
            let told = Told::taken(std::ptr::from_ref(self).cast());
            MutexGuard { told, guard }
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

    /// A place to wait for what others do under a lock.
    #[derive(Debug, Default)]
    pub struct Condvar(std::sync::Condvar);

    impl Condvar {
        /// Nobody waits yet.
        pub const fn new() -> Self {
            Self(std::sync::Condvar::new())
        }

        /// Gives the lock back until somebody notifies.
        ///
        /// # Errors
        /// As the standard library's.
        pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
            let MutexGuard { told, guard } = guard;
            let lock = told.0;
            drop(told);
            let told = |guard| MutexGuard {
                told: Told::taken(lock),
                guard,
            };
            match self.0.wait(guard) {
                Ok(guard) => Ok(told(guard)),
                Err(poisoned) => Err(PoisonError::new(told(poisoned.into_inner()))),
            }
        }

        /// Wakes all who wait.
        pub fn notify_all(&self) {
            self.0.notify_all();
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
}
