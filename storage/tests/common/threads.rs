//! What the system says of a thread.

/// What the system calls a thread like any other, and one that runs when nobody else wants the processor.
pub(crate) const NORMAL: u32 = 0;
pub(crate) const IDLE: u32 = 5;

/// Number, name and class of a thread, as its `stat` tells them.
pub(crate) fn thread(stat: &str) -> (u32, &str, u32) {
    // Behind the name, which may have spaces in it, the class is the 39th word.
    let (name, words) = stat.rsplit_once(") ").unwrap();
    let (number, name) = name.split_once(" (").unwrap();
    (number.parse().unwrap(), name, words.split(' ').nth(38).unwrap().parse().unwrap())
}
