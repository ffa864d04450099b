//! Tasks that compute for a while: the pipelines, burst20, serve.

use crate::tasks::WaitGroup;
use crate::{check, ns_per, quantile};
use std::hint::black_box;
use std::process::Command;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::*};
use std::thread;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

/// Runs a row in processes with 1 and with `workers` workers by turns; the quotient of their
/// best times.
pub fn speed_up(name: &str, workers: usize) -> f64 {
    const ROUNDS: usize = 5;
    let (mut alone, mut together) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..ROUNDS {
        alone = alone.min(timed_child(name, 1));
        together = together.min(timed_child(name, workers));
    }
    alone / together
}

fn timed_child(name: &str, workers: usize) -> f64 {
    let mut child = Command::new("/proc/self/exe");
    child.args(["once-timed", &workers.to_string(), name, &spin_speed().to_string()]);
    let output = child.output().unwrap();
    check(output.status.success(), "speed-up: child failed");
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

pub async fn burst20() -> f64 {
    const N: usize = 10_000;
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    COUNT.store(0, Relaxed);
    let turns = spin_turns(20);
    let start = Instant::now();
    let wg = WaitGroup::new(N);
    for _ in 0..N {
        let wg = wg.clone();
        tokio::spawn(async move {
            spin(turns);
            COUNT.fetch_add(1, Relaxed);
            wg.done();
        });
    }
    wg.wait().await;
    let value = ns_per(1, start);
    check(COUNT.load(Relaxed) == N, "burst20: wrong count");
    value
}

pub async fn pipe_1000() -> f64 {
    pipe_run(2, 1, 1_000).await
}

pub async fn pipe_100() -> f64 {
    pipe_run(2, 1, 100).await
}

pub async fn pipe_10() -> f64 {
    pipe_run(2, 1, 10).await
}

pub async fn pipe4_10() -> f64 {
    pipe_run(4, 4, 10).await
}

/// Passes items along stages that each compute some us per item, 1 s in all.
async fn pipe_run(stages: usize, capacity: usize, us: usize) -> f64 {
    let items = 1_000_000 / (stages * us);
    let turns = spin_turns(us);
    let start = Instant::now();
    let (tx, mut rx) = mpsc::channel(capacity);
    tokio::spawn(async move {
        for i in 0..items {
            spin(turns);
            tx.send(i).await.unwrap();
        }
    });
    for _ in 0..stages - 2 {
        let (tx, next) = mpsc::channel(capacity);
        let mut from = std::mem::replace(&mut rx, next);
        tokio::spawn(async move {
            while let Some(i) = from.recv().await {
                spin(turns);
                tx.send(i + 1).await.unwrap();
            }
        });
    }
    let mut sum = 0;
    while let Some(i) = rx.recv().await {
        spin(turns);
        sum += i;
    }
    check(sum == items * (items - 1) / 2 + items * (stages - 2), "pipe: wrong sum");
    ns_per(1, start)
}

/// Called on a plain thread, which is the one that starts the tasks; p50 and p99.
pub fn serve(runtime: &Runtime) -> [f64; 2] {
    const INTERVAL: Duration = Duration::from_micros(170);
    const N: usize = 3_000_000 / 170;
    static DONE: AtomicUsize = AtomicUsize::new(0);
    DONE.store(0, Relaxed);
    spin_speed(); // measured here, before there is anything to serve
    let delays: Arc<[AtomicU64]> = (0..N).map(|_| AtomicU64::new(0)).collect();
    let (mut random, mut sum) = (RANDOM_SEED, 0);
    let mut tasks = Vec::with_capacity(N);
    let mut due = Instant::now();
    for i in 0..N {
        random = next_random(random);
        let turns = spin_turns(1 + (random % 500) as usize);
        sum += turns;
        due += INTERVAL;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let delays = delays.clone();
        let spawned = Instant::now();
        tasks.push(runtime.spawn(async move {
            delays[i].store(spawned.elapsed().as_nanos() as u64, Relaxed);
            spin(turns);
            DONE.fetch_add(turns, Relaxed);
        }));
    }
    for task in tasks {
        runtime.block_on(task).unwrap();
    }
    check(DONE.load(Relaxed) == sum, "serve: wrong sum");
    let us: Vec<f64> = delays.iter().map(|ns| ns.load(Relaxed) as f64 / 1e3).collect();
    [0.50, 0.99].map(|q| quantile(us.clone(), q))
}

const RANDOM_SEED: u64 = 88_172_645_463_325_252;

fn next_random(mut x: u64) -> u64 {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    x
}

pub fn spin(turns: usize) {
    let mut x = black_box(RANDOM_SEED);
    for _ in 0..turns {
        x = next_random(x);
    }
    check(black_box(x) != 0, "spin: wrong state");
}

/// Turns of `spin` per ms; set from the outside in a process that another one compares.
pub static SPIN_SPEED: OnceLock<usize> = OnceLock::new();

/// That of the quickest probe, which nothing disturbed.
fn spin_speed() -> usize {
    const PROBES: usize = 5;
    const TURNS: usize = 5_000_000;
    *SPIN_SPEED.get_or_init(|| {
        let probe = |_| {
            let start = Instant::now();
            spin(TURNS);
            (1e6 / ns_per(TURNS, start)) as usize
        };
        (0..PROBES).map(probe).max().unwrap()
    })
}

pub fn spin_turns(us: usize) -> usize {
    spin_speed() * us / 1_000
}
