//! The program `fentan`.

use std::process::ExitCode;

// Requests are many small allocations that one thread makes and another frees.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    fentan_gateway::run()
}
