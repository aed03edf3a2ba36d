//! What the system's scheduler is told about a thread.
//!
//! A request passes through three threads, and where there are more threads to run than processors each of them may wait
//! for the end of somebody's slice, 3 to 4 ms by default. A thread that asks for short slices is asked to step aside as
//! often as it runs: it has its share of the processor, in smaller pieces. What that is worth, and what it is not, is in
//! `docs/performance.md`.
//!
//! Everything here is a hint: where the system does not know it the thread runs like any other. Linux
//! knows slices since 6.12.

use std::time::Duration;

/// The slice of a thread that answers somebody: the shortest that Linux takes.
const PROMPT: Duration = Duration::from_micros(100);

/// The calling thread has little to do at a time and somebody waits for it. Its priority stays what it is. Threads that it
/// starts begin like it.
///
/// Returns whether the system took note of it.
pub fn prompt() -> bool {
    system::change(|attributes| attributes.set_slice(PROMPT))
}

/// The calling thread does what nobody waits for: of two that want a processor, those that are waited for get most of it.
/// `nice` says how far it stands back, from 1 (nearly like any other) to 19 (one part in seventy). Threads that it starts
/// stand back as well, and there is no way back without a right.
///
/// Returns whether the system took note of it.
pub fn behind(nice: u8) -> bool {
    system::change(|attributes| attributes.set_nice(nice))
}

/// The calling thread runs when nobody else wants the processor, and threads that it starts as well. There is no way back
/// without a right.
///
/// Returns whether the system took note of it.
pub fn idle() -> bool {
    system::change(system::Attributes::set_idle)
}

#[cfg(target_os = "linux")]
mod system {
    #![allow(
        unsafe_code,
        reason = "the two calls have no safe wrapper; they read and write one structure that lives here"
    )]

    use std::time::Duration;

    /// What the scheduler knows of a thread.
    pub(super) struct Attributes(libc::sched_attr);

    /// The size of the structure in the first version of these calls, which every later one takes.
    const SIZE: u32 = 48;
    const _: () = assert!(size_of::<libc::sched_attr>() >= SIZE as usize);

    impl Attributes {
        /// Those of the calling thread.
        pub(super) fn get() -> Option<Self> {
            let mut attributes = libc::sched_attr {
                size: SIZE,
                sched_policy: 0,
                sched_flags: 0,
                sched_nice: 0,
                sched_priority: 0,
                sched_runtime: 0,
                sched_deadline: 0,
                sched_period: 0,
            };
            let (own, flags) = (0, 0);
            // SAFETY: the system writes no more than SIZE bytes, which the structure has.
            let done = unsafe { libc::syscall(libc::SYS_sched_getattr, own, &raw mut attributes, SIZE, flags) };
            (done == 0).then_some(Self(attributes))
        }

        /// Gives them to the calling thread.
        fn set(&self) -> bool {
            let (own, flags) = (0, 0);
            // SAFETY: the system reads as many bytes as `size` says, which the structure has.
            unsafe { libc::syscall(libc::SYS_sched_setattr, own, &raw const self.0, flags) == 0 }
        }

        pub(super) fn set_slice(&mut self, slice: Duration) {
            self.0.sched_runtime = u64::try_from(slice.as_nanos()).unwrap_or(0);
        }

        pub(super) fn set_nice(&mut self, nice: u8) {
            self.0.sched_nice = nice.into();
        }

        pub(super) fn set_idle(&mut self) {
            self.0.sched_policy = libc::SCHED_IDLE.unsigned_abs();
            (self.0.sched_nice, self.0.sched_runtime) = (0, 0);
        }

        #[cfg(test)]
        pub(super) fn slice(&self) -> Duration {
            Duration::from_nanos(self.0.sched_runtime)
        }

        #[cfg(test)]
        pub(super) fn is_idle(&self) -> bool {
            self.0.sched_policy == libc::SCHED_IDLE.unsigned_abs()
        }

        #[cfg(test)]
        pub(super) fn nice(&self) -> i32 {
            self.0.sched_nice
        }
    }

    pub(super) fn change(change: impl FnOnce(&mut Attributes)) -> bool {
        let Some(mut attributes) = Attributes::get() else { return false };
        change(&mut attributes);
        attributes.set()
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::time::Duration;

    pub(super) struct Attributes;

    impl Attributes {
        pub(super) fn set_slice(&mut self, _: Duration) {}

        pub(super) fn set_nice(&mut self, _: u8) {}

        pub(super) fn set_idle(&mut self) {}
    }

    pub(super) fn change(_: impl FnOnce(&mut Attributes)) -> bool {
        false
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::system::Attributes;
    use super::{PROMPT, behind, idle, prompt};

    /// On a thread of its own: there is no way back.
    fn apart(test: impl FnOnce() + Send) {
        std::thread::scope(|scope| scope.spawn(test).join().expect("the thread's assertions"));
    }

    #[test]
    fn a_prompt_thread_keeps_its_priority_and_has_short_slices_where_the_system_knows_them() {
        apart(|| {
            let before = Attributes::get().expect("attributes");
            assert!(prompt());
            let after = Attributes::get().expect("attributes");
            assert_eq!((after.nice(), after.is_idle()), (before.nice(), before.is_idle()));
            // A system from before 6.12 says zero.
            assert!(after.slice() == PROMPT || after.slice().is_zero(), "{:?}", after.slice());
        });
    }

    #[test]
    fn a_thread_that_stands_back_does_so_alone() {
        let nice = || Attributes::get().expect("attributes").nice();
        let before = nice();
        apart(|| {
            assert!(behind(10) && behind(19));
            assert_eq!(nice(), 19);
            apart(|| assert_eq!(nice(), 19, "what it starts stands there too"));
        });
        assert_eq!(nice(), before);
    }

    #[test]
    fn an_idle_thread_is_idle_and_nobody_else() {
        apart(|| {
            assert!(idle() && Attributes::get().expect("attributes").is_idle());
            apart(|| assert!(Attributes::get().expect("attributes").is_idle(), "what it starts is as well"));
        });
        assert!(!Attributes::get().expect("attributes").is_idle());
    }
}
