//! Hands the arguments to the command line.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    std::process::exit(tribune::cli::run(std::env::args_os().collect()));
}
