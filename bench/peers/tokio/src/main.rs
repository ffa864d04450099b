//! The Rust peer: the rows of ../ROWS.md on tokio, the fork-join rows on rayon.

mod channels;
mod forkjoin;
mod latency;
mod locks;
mod memory;
mod mixed;
mod net;
mod tasks;
mod timers;

use std::future::Future;
use std::pin::Pin;
use std::process::exit;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// One run of a row; returns the row's value. The argument is WORKERS.
enum Run {
    /// Inside a tokio task.
    Task(fn(usize) -> Pin<Box<dyn Future<Output = f64> + Send>>),
    /// Inside a rayon pool.
    Pool(fn() -> f64),
    /// On the plain main thread.
    Plain(fn(usize) -> f64),
    /// On the plain main thread, beside a runtime; p50 and p99.
    Delays(fn(&Runtime) -> [f64; 2]),
    /// Inside a tokio task of processes with 1 and with WORKERS workers, whose ns are compared.
    SpeedUp(fn() -> Pin<Box<dyn Future<Output = f64> + Send>>),
}

macro_rules! task {
    ($run:path) => {
        Run::Task(|workers| Box::pin($run(workers)))
    };
}

macro_rules! speed_up {
    ($run:path) => {
        Run::SpeedUp(|| Box::pin($run()))
    };
}

struct Row(&'static str, &'static str, Run);

const ROWS: &[Row] = &[
    Row("spawn_join", "ns/task", task!(tasks::spawn_join)),
    Row("burst", "ns/task", task!(tasks::burst)),
    Row("yield", "ns/yield", task!(tasks::yield_100)),
    Row("yield_10k", "ns/yield", task!(tasks::yield_10k)),
    Row("pingpong", "ns/round trip", task!(channels::pingpong)),
    Row("pingpong_pairs", "ns/round trip", task!(channels::pingpong_pairs)),
    Row("chan_buf", "ns/item", task!(channels::chan_buf)),
    Row("chan_mpmc", "ns/item", task!(channels::chan_mpmc)),
    Row("chan_contended", "ns/pair", task!(channels::chan_contended)),
    Row("select", "ns/item", task!(channels::select)),
    Row("mutex", "ns/pair", task!(locks::mutex)),
    Row("mutex_contended", "ns/pair", task!(locks::mutex_contended)),
    Row("skynet", "ms", task!(channels::skynet)),
    Row("ring", "ns/hop", task!(channels::ring)),
    Row("prime_sieve", "ms", task!(channels::prime_sieve)),
    Row("pipe_1000", "speed-up", speed_up!(mixed::pipe_1000)),
    Row("pipe_100", "speed-up", speed_up!(mixed::pipe_100)),
    Row("pipe_10", "speed-up", speed_up!(mixed::pipe_10)),
    Row("pipe4_10", "speed-up", speed_up!(mixed::pipe4_10)),
    Row("burst20", "speed-up", speed_up!(mixed::burst20)),
    Row("serve", "p50 us", Run::Delays(mixed::serve)),
    Row("fib", "ns/call", Run::Pool(forkjoin::fib)),
    Row("nqueens", "ms", Run::Pool(forkjoin::nqueens)),
    Row("matmul", "ms", Run::Pool(forkjoin::matmul)),
    Row("reduce", "ms", Run::Pool(forkjoin::reduce)),
    Row("sleepers", "ms over", task!(timers::sleepers)),
    Row("sleepers_cpu", "ms CPU", task!(timers::sleepers_cpu)),
    Row("parked_mem", "bytes/task", Run::Plain(memory::parked_mem)),
    Row("parked_mem_10k", "bytes/task", Run::Plain(memory::parked_mem_10k)),
    Row("wake", "p50 us", task!(latency::wake)),
    Row("wake_p99", "p99 us", task!(latency::wake_p99)),
    Row("stall", "max ms", task!(latency::stall)),
    Row("hog", "max ms", task!(latency::hog)),
    Row("startup", "us", Run::Plain(latency::startup)),
];

const REPEATS: usize = 3;
/// A warm-up longer than this is the result.
const LONG_RUN: Duration = Duration::from_secs(60);

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["list"] => ROWS.iter().for_each(|row| println!("{}", row.0)),
        ["once-parked", w, tasks] => on_tokio(number(w), memory::once_parked(number(tasks))),
        ["once-startup", w] => on_tokio(number(w), latency::once_startup()),
        ["once-timed", w, name, speed] => once_timed(number(w), name, number(speed)),
        ["serve-echo", w, port] => on_tokio(number(w), net::serve_echo(number(port))),
        ["serve-http", w, port] => on_tokio(number(w), net::serve_http(number(port))),
        [name, workers] => run_row(find_row(name), number(workers)),
        _ => usage(),
    }
}

fn usage() -> ! {
    eprintln!("usage: peer-tokio list | ROW WORKERS | serve-echo|serve-http WORKERS PORT");
    exit(2)
}

fn number<T: std::str::FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| usage())
}

/// Runs `work` as a task of a new runtime.
fn on_tokio<T: Send + 'static>(
    workers: usize,
    work: impl Future<Output = T> + Send + 'static,
) -> T {
    let runtime = new_runtime(workers);
    runtime.block_on(async { tokio::spawn(work).await.unwrap() })
}

/// 0 workers asks for the current_thread runtime.
fn new_runtime(workers: usize) -> Runtime {
    let mut builder = match workers {
        0 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    builder.worker_threads(workers.max(1)).enable_all().build().unwrap()
}

fn find_row(name: &str) -> &'static Row {
    ROWS.iter().find(|row| row.0 == name).unwrap_or_else(|| usage())
}

fn run_row(&Row(name, unit, ref run): &Row, workers: usize) {
    let print = |name: &str, value, unit| println!("{name}\t{workers}\t{value:.3}\t{unit}");
    match *run {
        Run::Plain(run) => print(name, measure(|| run(workers)), unit),
        Run::Pool(run) => {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(workers.max(1));
            print(name, pool.build().unwrap().install(|| measure(run)), unit)
        }
        Run::Task(run) => {
            let runtime = new_runtime(workers);
            let work = || runtime.block_on(async { tokio::spawn(run(workers)).await.unwrap() });
            print(name, measure(work), unit)
        }
        Run::Delays(run) => {
            let runtime = new_runtime(workers);
            let [p50, p99] = measure_all(|| run(&runtime));
            print(name, p50, unit);
            print(&format!("{name}_p99"), p99, "p99 us")
        }
        Run::SpeedUp(_) => print(name, mixed::speed_up(name, workers), unit),
    }
}

/// One run of a row that is compared, after one warm-up.
fn once_timed(workers: usize, name: &str, spin_speed: usize) {
    let Row(_, _, Run::SpeedUp(run)) = find_row(name) else { usage() };
    mixed::SPIN_SPEED.set(spin_speed).unwrap();
    let runtime = new_runtime(workers);
    let work = || runtime.block_on(async { tokio::spawn(run()).await.unwrap() });
    work();
    println!("{}", work());
}

fn measure(run: impl Fn() -> f64) -> f64 {
    let [value] = measure_all(|| [run()]);
    value
}

/// The median of the repeats after one warm-up, for each value of a run.
fn measure_all<const N: usize>(run: impl Fn() -> [f64; N]) -> [f64; N] {
    let start = Instant::now();
    let warm = run();
    if start.elapsed() > LONG_RUN {
        return warm;
    }
    let runs: Vec<_> = (0..REPEATS).map(|_| run()).collect();
    std::array::from_fn(|i| quantile(runs.iter().map(|values| values[i]).collect(), 0.5))
}

fn quantile(mut values: Vec<f64>, q: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[(q * values.len() as f64) as usize]
}

fn check(ok: bool, what: &str) {
    if !ok {
        eprintln!("{what}");
        exit(1);
    }
}

fn ns_per(ops: usize, start: Instant) -> f64 {
    start.elapsed().as_nanos() as f64 / ops as f64
}

fn ms(start: Instant) -> f64 {
    ns_per(1_000_000, start)
}
