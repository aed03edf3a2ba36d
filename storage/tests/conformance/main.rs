//! What holds of every medium: one suite, run on the simulated disk and on a data folder.
#![allow(clippy::unwrap_used, reason = "a test that finds nothing fails")]

#[path = "../common/mod.rs"]
mod common;
mod journal;
mod medium;
mod store;

/// Runs each case on each medium.
macro_rules! suite {
    ($($module:ident: $($case:ident),* $(,)?);* $(;)?) => {
        mod simulated {
            $($(#[test] fn $case() { crate::$module::$case(&mut crate::medium::Simulated::new()); })*)*
        }
        mod folder {
            $($(#[test] fn $case() { crate::$module::$case(&mut crate::medium::Folder::new()); })*)*
        }
    };
}

suite! {
    journal:
        e6_an_empty_journal_ends_before_position_one,
        e6_what_is_committed_reads_back_in_order,
        e6_several_batches_of_one_append_are_all_there,
        e6_an_append_elsewhere_is_refused_and_writes_nothing,
        e6_a_batch_that_does_not_follow_is_refused_and_writes_nothing,
        e6_nothing_is_appended_before_a_claim,
        e6_a_writer_is_fenced_by_a_later_claim,
        e6_a_term_is_claimed_once_and_only_upwards,
        e6_a_claimed_term_survives_a_crash,
        e6_committed_batches_survive_a_crash_and_an_orderly_end,
        e6_lives_without_a_write_do_no_harm,
        e6_reading_begins_with_the_batch_that_holds_the_position,
        e6_reading_stops_when_told_to,
        e6_a_batch_is_found_by_any_position_in_it,
        e6_trimming_keeps_the_batch_that_holds_the_position,
        e6_trimming_above_the_end_keeps_the_last_batch,
        e6_trimmed_batches_stay_forgotten;
    store:
        e6_a_new_store_has_a_meta_record,
        e6_meta_is_durable_once_set,
        e6_what_is_written_reads_back,
        e6_the_later_image_counts,
        e6_scans_are_in_order_and_whole,
        e6_what_is_dropped_is_gone,
        e6_everything_written_before_meta_is_durable,
        e6_a_write_is_never_torn,
        e6_a_bulk_is_there_once_it_is_finished,
        e6_ids_are_visited_until_the_visitor_stops,
        e6_readers_and_writers_work_at_the_same_time;
}
