package main

import (
	"os"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"
)

func wake() float64    { return wakeRun(0.50) }
func wakeP99() float64 { return wakeRun(0.99) }

func wakeRun(q float64) float64 {
	const n = 20_000
	request, answer := make(chan int), make(chan int)
	go func() {
		for i := range request {
			answer <- i + 1
		}
	}()
	took := make([]float64, n)
	osThread(func() {
		for i := range took {
			threadSleep(200 * time.Microsecond)
			start := time.Now()
			request <- i
			check(<-answer == i+1, "wake: wrong answer")
			took[i] = float64(time.Since(start).Nanoseconds()) / 1e3
		}
	}).Wait()
	close(request)
	return quantile(took, q)
}

// osThread runs f on a thread of its own, the nearest Go has to a plain one.
func osThread(f func()) *sync.WaitGroup {
	var wg sync.WaitGroup
	wg.Go(func() {
		runtime.LockOSThread()
		f()
	})
	return &wg
}

// threadSleep blocks the thread in the system call, past the Go timers.
func threadSleep(d time.Duration) {
	t := syscall.NsecToTimespec(d.Nanoseconds())
	syscall.Nanosleep(&t, nil)
}

func stall() float64 { return worstTick(workers*4, readPipe) }

func readPipe() {
	var fd [2]int
	check(syscall.Pipe(fd[:]) == nil, "pipe")
	filler := osThread(func() {
		threadSleep(200 * time.Millisecond)
		syscall.Write(fd[1], []byte{1})
	})
	n, err := syscall.Read(fd[0], make([]byte, 1))
	check(n == 1 && err == nil, "stall: read failed")
	filler.Wait()
	syscall.Close(fd[0])
	syscall.Close(fd[1])
}

func hog() float64 {
	turns := spinTurns(300_000)
	return worstTick(workers, func() { spin(turns) })
}

// worstTick sleeps 1 ms at a time for 1 s, and 100 ms in starts the tasks that
// disturb; it returns the worst lateness of a tick.
func worstTick(tasks int, disturb func()) float64 {
	var wg sync.WaitGroup
	var worst time.Duration
	wg.Go(func() {
		for begin := time.Now(); time.Since(begin) < time.Second; {
			start := time.Now()
			time.Sleep(time.Millisecond)
			worst = max(worst, time.Since(start)-time.Millisecond)
		}
	})
	time.Sleep(100 * time.Millisecond)
	for range tasks {
		wg.Go(disturb)
	}
	wg.Wait()
	return float64(worst.Nanoseconds()) / 1e6
}

func startup() float64 {
	self, err := os.Executable()
	check(err == nil, "startup: no path")
	args := []string{self, "once-startup", strconv.Itoa(workers)}
	took := make([]float64, 200)
	for i := range took {
		took[i] = nsPer(1_000, func() {
			pid, err := syscall.ForkExec(self, args, &syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{0, 1, 2}})
			check(err == nil, "startup: fork failed")
			var status syscall.WaitStatus
			_, err = syscall.Wait4(pid, &status, 0, nil)
			check(err == nil && status == 0, "startup: child failed")
		})
	}
	return quantile(took, 0.5)
}

func onceStartup([]string) {
	var wg sync.WaitGroup
	wg.Go(func() {})
	wg.Wait()
}
