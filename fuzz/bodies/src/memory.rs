//! How much memory a piece of work takes.

/// Does the work and asserts that its thread never had more than `most` bytes at once beyond what was there before.
///
/// # Panics
/// When it took more.
pub(crate) fn within<T>(what: &str, most: usize, work: impl FnOnce() -> T) -> T {
    let mut made = None;
    let took = allocation_counter::measure(|| made = Some(work())).bytes_max;
    assert!(took <= most as u64, "{what} took {took} bytes at once, at most {most} are right");
    made.expect("the work is done")
}

#[cfg(test)]
mod tests {
    use super::within;

    #[test]
    fn what_is_given_back_does_not_count_twice() {
        within("a thousand bytes, ten times", 1_000, || {
            (0..10).for_each(|_| drop(std::hint::black_box(vec![1_u8; 1_000])));
        });
    }

    #[test]
    #[should_panic(expected = "took 1001 bytes")]
    fn a_byte_too_many_is_seen() {
        within("vector", 1_000, || drop(std::hint::black_box(vec![1_u8; 1_001])));
    }
}
