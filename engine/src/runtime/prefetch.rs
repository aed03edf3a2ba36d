//! The engine's one place with `unsafe`: a hint to the processor that a value will be read soon.
//!
//! A spend touches a handful of random places (the index of ids, the index of wallets, the wallet), and each costs
//! 200 to 400 ns when it has to come from memory. Asked for together, a step's requests ahead, they cost little more
//! than one. What that saves is in `docs/performance.md`.

#![allow(unsafe_code, reason = "a prefetch reads nothing and cannot fault; the pointer comes from a reference")]

/// Asks for the cache lines of a value, without waiting for them. Changes nothing that a program can see.
#[inline]
pub(crate) fn prefetch<T>(value: &T) {
    const LINE: usize = 64;
    let start = std::ptr::from_ref(value).cast::<i8>();
    for offset in (0..size_of::<T>().max(1)).step_by(LINE) {
        hint(start.wrapping_add(offset));
    }
}

#[cfg(target_arch = "x86_64")]
#[inline]
fn hint(line: *const i8) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: a prefetch never faults, whatever the address, and has no effect but on the cache. SSE is part of x86-64.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(line) }
}

#[cfg(not(target_arch = "x86_64"))]
#[inline]
fn hint(_: *const i8) {}
