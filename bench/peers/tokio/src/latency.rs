use crate::mixed::{spin, spin_turns};
use crate::{check, ms, ns_per, quantile};
use std::ffi::CString;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

pub async fn wake(_: usize) -> f64 {
    wake_run(0.50).await
}

pub async fn wake_p99(_: usize) -> f64 {
    wake_run(0.99).await
}

async fn wake_run(q: f64) -> f64 {
    const N: usize = 20_000;
    let (request, mut requests) = mpsc::channel(1);
    let (answer, answers) = sync_channel(1);
    let (finish, finished) = oneshot::channel();
    tokio::spawn(async move {
        while let Some(i) = requests.recv().await {
            answer.send(i + 1).unwrap(); // never full, so it never blocks
        }
    });
    thread::spawn(move || {
        let ask = |i| {
            thread::sleep(Duration::from_micros(200));
            let start = Instant::now();
            request.blocking_send(i).unwrap();
            check(answers.recv().unwrap() == i + 1, "wake: wrong answer");
            ns_per(1_000, start)
        };
        finish.send((0..N).map(ask).collect()).unwrap();
    });
    quantile(finished.await.unwrap(), q)
}

pub async fn stall(workers: usize) -> f64 {
    worst_tick(workers.max(1) * 4, read_pipe).await
}

/// Blocks its worker, as the row asks, instead of going to spawn_blocking.
fn read_pipe() {
    let mut fd = [0; 2];
    check(unsafe { libc::pipe(fd.as_mut_ptr()) } == 0, "pipe");
    let filler = thread::spawn(move || {
        thread::sleep(Duration::from_millis(200));
        unsafe { libc::write(fd[1], [1u8].as_ptr().cast(), 1) };
    });
    let n = unsafe { libc::read(fd[0], [0u8].as_mut_ptr().cast(), 1) };
    check(n == 1, "stall: read failed");
    filler.join().unwrap();
    for end in fd {
        unsafe { libc::close(end) };
    }
}

pub async fn hog(workers: usize) -> f64 {
    let turns = spin_turns(300_000);
    worst_tick(workers.max(1), move || spin(turns)).await
}

/// Sleeps 1 ms at a time for 1 s, and 100 ms in starts the tasks that disturb;
/// returns the worst lateness of a tick.
async fn worst_tick(tasks: usize, disturb: impl Fn() + Clone + Send + 'static) -> f64 {
    let ticker = tokio::spawn(async {
        let (begin, mut worst) = (Instant::now(), 0f64);
        while begin.elapsed() < Duration::from_secs(1) {
            let start = Instant::now();
            tokio::time::sleep(Duration::from_millis(1)).await;
            worst = worst.max(ms(start) - 1.0);
        }
        worst
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let spawn = |_| {
        let disturb = disturb.clone();
        tokio::spawn(async move { disturb() })
    };
    for task in (0..tasks).map(spawn).collect::<Vec<_>>() {
        task.await.unwrap();
    }
    ticker.await.unwrap()
}

pub fn startup(workers: usize) -> f64 {
    let path = std::env::current_exe().unwrap();
    let args = [path.to_str().unwrap(), "once-startup", &workers.to_string()]
        .map(|arg| CString::new(arg).unwrap());
    quantile((0..200).map(|_| start_once(&args)).collect(), 0.5)
}

fn start_once(args: &[CString; 3]) -> f64 {
    unsafe extern "C" {
        static environ: *const *mut libc::c_char;
    }
    use std::ptr::{null, null_mut};
    let [path, mode, workers] = args.each_ref().map(|arg| arg.as_ptr().cast_mut());
    let argv = [path, mode, workers, null_mut()];
    let (mut pid, mut status) = (0, 0);
    let start = Instant::now();
    let waited = unsafe {
        libc::posix_spawn(&mut pid, path, null(), null(), argv.as_ptr(), environ);
        libc::waitpid(pid, &mut status, 0)
    };
    check(waited == pid && status == 0, "startup: child failed");
    ns_per(1_000, start)
}

pub async fn once_startup() {
    tokio::spawn(async {}).await.unwrap();
}
