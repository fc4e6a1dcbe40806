//! Loom's atomics, each beside a decoy that makes every pair of accesses dependent.

use loom::sync::atomic as checked;
use std::fmt;
use std::sync::atomic::Ordering;

/// The second atomic, stored to before each operation on the first.
struct Decoy(checked::AtomicU8);

impl Decoy {
    #[track_caller]
    fn new() -> Self {
        Self(checked::AtomicU8::new(0))
    }

    #[track_caller]
    fn touch(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// The operations that booleans, integers and pointers share.
macro_rules! shared_operations {
    ($value:ty) => {
        /// Loads the value.
        #[track_caller]
        pub fn load(&self, order: Ordering) -> $value {
            self.decoy.touch();
            self.value.load(order)
        }

        /// Stores `new`.
        #[track_caller]
        pub fn store(&self, new: $value, order: Ordering) {
            self.decoy.touch();
            self.value.store(new, order);
        }

        /// Stores `new` and returns what was there.
        #[track_caller]
        pub fn swap(&self, new: $value, order: Ordering) -> $value {
            self.decoy.touch();
            self.value.swap(new, order)
        }

        /// Stores `new` if the value is `current`.
        #[track_caller]
        pub fn compare_exchange(
            &self,
            current: $value,
            new: $value,
            success: Ordering,
            failure: Ordering,
        ) -> Result<$value, $value> {
            self.decoy.touch();
            self.value.compare_exchange(current, new, success, failure)
        }

        /// As `compare_exchange`; loom never lets it fail spuriously.
        #[track_caller]
        pub fn compare_exchange_weak(
            &self,
            current: $value,
            new: $value,
            success: Ordering,
            failure: Ordering,
        ) -> Result<$value, $value> {
            self.compare_exchange(current, new, success, failure)
        }

        /// Replaces the value by `update` of it, until that succeeds or `update` declines.
        #[track_caller]
        pub fn fetch_update<F>(
            &self,
            set_order: Ordering,
            fetch_order: Ordering,
            mut update: F,
        ) -> Result<$value, $value>
        where
            F: FnMut($value) -> Option<$value>,
        {
            let mut seen = self.load(fetch_order);
            while let Some(next) = update(seen) {
                match self.compare_exchange(seen, next, set_order, fetch_order) {
                    Ok(before) => return Ok(before),
                    Err(now) => seen = now,
                }
            }
            Err(seen)
        }
    };
}

/// Read-modify-write operations that take one operand.
macro_rules! fetch_operations {
    ($value:ty, $($operation:ident)*) => {
        $(
            /// The operation of the same name in `std`.
            #[track_caller]
            pub fn $operation(&self, operand: $value, order: Ordering) -> $value {
                self.decoy.touch();
                self.value.$operation(operand, order)
            }
        )*
    };
}

macro_rules! atomic {
    ($name:ident, $value:ty, $($operation:ident)*) => {
        /// The type of the same name in `std`, checked by loom.
        pub struct $name {
            value: checked::$name,
            decoy: Decoy,
        }

        impl $name {
            /// Wraps `value`.
            #[track_caller]
            pub fn new(value: $value) -> Self {
                Self { value: checked::$name::new(value), decoy: Decoy::new() }
            }

            /// Takes the value out.
            #[track_caller]
            pub fn into_inner(self) -> $value {
                self.value.into_inner()
            }

            shared_operations!($value);
            fetch_operations!($value, $($operation)*);
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new(<$value>::default())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.value.fmt(f)
            }
        }
    };
}

atomic!(AtomicBool, bool, fetch_and fetch_nand fetch_or fetch_xor);
atomic!(AtomicU8, u8, fetch_add fetch_sub fetch_and fetch_nand fetch_or fetch_xor fetch_max fetch_min);
atomic!(AtomicU32, u32, fetch_add fetch_sub fetch_and fetch_nand fetch_or fetch_xor fetch_max fetch_min);
atomic!(AtomicU64, u64, fetch_add fetch_sub fetch_and fetch_nand fetch_or fetch_xor fetch_max fetch_min);
atomic!(AtomicUsize, usize, fetch_add fetch_sub fetch_and fetch_nand fetch_or fetch_xor fetch_max fetch_min);

/// The type of the same name in `std`, checked by loom.
pub struct AtomicPtr<T> {
    value: checked::AtomicPtr<T>,
    decoy: Decoy,
}

impl<T> AtomicPtr<T> {
    /// Wraps `value`.
    #[track_caller]
    pub fn new(value: *mut T) -> Self {
        Self {
            value: checked::AtomicPtr::new(value),
            decoy: Decoy::new(),
        }
    }

    /// Takes the pointer out.
    #[track_caller]
    pub fn into_inner(self) -> *mut T {
        self.value.into_inner()
    }

    shared_operations!(*mut T);
}

impl<T> Default for AtomicPtr<T> {
    fn default() -> Self {
        Self::new(std::ptr::null_mut())
    }
}

impl<T> fmt::Debug for AtomicPtr<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}
