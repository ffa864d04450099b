package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// measureSpeedUp runs a row in processes with 1 and with WORKERS workers by turns,
// and returns the quotient of their best times.
func measureSpeedUp(name string) float64 {
	const rounds = 5
	var alone, together []float64
	for range rounds {
		alone = append(alone, timedChild(name, 1))
		together = append(together, timedChild(name, workers))
	}
	return slices.Min(alone) / slices.Min(together)
}

func timedChild(name string, workers int) float64 {
	args := []string{"once-timed", strconv.Itoa(workers), name, strconv.Itoa(spinSpeed())}
	out, err := exec.Command("/proc/self/exe", args...).Output()
	check(err == nil, name+": child failed")
	value, err := strconv.ParseFloat(string(bytes.TrimSpace(out)), 64)
	check(err == nil, name+": bad output")
	return value
}

func onceTimed(args []string) {
	turnsPerMs, _ = strconv.Atoi(args[1])
	r := findRow(args[0])
	r.run() // the warm-up
	fmt.Println(r.run())
}

func burst20() float64 {
	const n = 10_000
	turns := spinTurns(20)
	var count atomic.Int64
	value := nsPer(1, func() {
		var wg sync.WaitGroup
		for range n {
			wg.Go(func() {
				spin(turns)
				count.Add(1)
			})
		}
		wg.Wait()
	})
	check(count.Load() == n, "burst20: wrong count")
	return value
}

func pipe1000() float64 { return pipeRun(2, 0, 1_000) }
func pipe100() float64  { return pipeRun(2, 0, 100) }
func pipe10() float64   { return pipeRun(2, 0, 10) }
func pipe4() float64    { return pipeRun(4, 4, 10) }

// pipeRun passes items along stages that each compute some us per item, 1 s in all.
func pipeRun(stages, capacity, us int) float64 {
	items := 1_000_000 / (stages * us)
	turns := spinTurns(us)
	sum := 0
	value := nsPer(1, func() {
		in := make(chan int, capacity)
		go pipeSource(in, items, turns)
		for range stages - 2 {
			out := make(chan int, capacity)
			go pipeStage(in, out, turns)
			in = out
		}
		for i := range in {
			spin(turns)
			sum += i
		}
	})
	check(sum == items*(items-1)/2+items*(stages-2), "pipe: wrong sum")
	return value
}

func pipeSource(out chan<- int, items, turns int) {
	for i := range items {
		spin(turns)
		out <- i
	}
	close(out)
}

func pipeStage(in <-chan int, out chan<- int, turns int) {
	for i := range in {
		spin(turns)
		out <- i + 1
	}
	close(out)
}

const serveInterval = 170 * time.Microsecond

// serveDelays are the us from spawn to start of the last run, each written by its own task.
var serveDelays [3 * time.Second / serveInterval]float64

func serveP99() float64 { return quantile(serveDelays[:], 0.99) }

func serve() float64 {
	spinSpeed() // measured here, before there is anything to serve
	var wg sync.WaitGroup
	var done atomic.Int64
	sum := 0
	osThread(func() {
		random := uint64(randomSeed)
		due := time.Now()
		for i := range serveDelays {
			random = nextRandom(random)
			turns := spinTurns(int(1 + random%500))
			sum += turns
			due = due.Add(serveInterval)
			if early := time.Until(due); early > 0 {
				threadSleep(early)
			}
			spawned := time.Now()
			wg.Go(func() {
				serveDelays[i] = float64(time.Since(spawned).Nanoseconds()) / 1e3
				spin(turns)
				done.Add(int64(turns))
			})
		}
	}).Wait()
	wg.Wait()
	check(done.Load() == int64(sum), "serve: wrong sum")
	return quantile(serveDelays[:], 0.50)
}

const randomSeed = 88_172_645_463_325_252

func nextRandom(x uint64) uint64 {
	x ^= x << 13
	x ^= x >> 7
	x ^= x << 17
	return x
}

var turnsPerMs int // of spin; 0: not yet measured

//go:noinline
func spin(turns int) {
	x := uint64(randomSeed)
	for range turns {
		x = nextRandom(x)
	}
	check(x != 0, "spin: wrong state")
}

// spinSpeed is that of the quickest probe, which nothing disturbed.
func spinSpeed() int {
	const probes, turns = 5, 5_000_000
	if turnsPerMs == 0 {
		for range probes {
			took := nsPer(turns, func() { spin(turns) })
			turnsPerMs = max(turnsPerMs, int(1e6/took))
		}
	}
	return turnsPerMs
}

func spinTurns(us int) int { return spinSpeed() * us / 1_000 }
