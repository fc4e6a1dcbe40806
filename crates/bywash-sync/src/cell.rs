//! A cell whose accesses a model checker can see.

#[cfg(bywash_loom)]
pub use loom::cell::UnsafeCell;

#[cfg(not(bywash_loom))]
pub use plain::UnsafeCell;

#[cfg(not(bywash_loom))]
mod plain {
    /// [`std::cell::UnsafeCell`] with its accesses spelt as closures, the form loom checks.
    ///
    /// Costs nothing in a real build.
    #[derive(Debug, Default)]
    #[repr(transparent)]
    pub struct UnsafeCell<T: ?Sized>(std::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        /// Wraps `value`.
        pub const fn new(value: T) -> Self {
            Self(std::cell::UnsafeCell::new(value))
        }

        /// Takes the value out.
        pub fn into_inner(self) -> T {
            self.0.into_inner()
        }
    }

    impl<T: ?Sized> UnsafeCell<T> {
        /// Hands out a pointer for reading; under loom a concurrent write is reported as a race.
        #[inline(always)]
        pub fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
            read(self.0.get())
        }

        /// Hands out a pointer for writing; under loom any concurrent access is reported as a race.
        #[inline(always)]
        pub fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
            write(self.0.get())
        }
    }
}
