//! Micro benchmarks of the engine's pure part, in `benches/`. Nothing here is part of the product.
//!
//! Run them with `cargo bench -p fentan-bench`.
