// Command peer-go runs the rows of ../ROWS.md on goroutines.
package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"time"
)

// row is one line of ROWS.md; run does the work once and returns the value, or
// the ns it took where the unit is a speed-up.
type row struct {
	name, unit string
	run        func() float64
}

var rows = []row{
	{"spawn_join", "ns/task", spawnJoin},
	{"burst", "ns/task", burst},
	{"yield", "ns/yield", yield},
	{"yield_10k", "ns/yield", yield10k},
	{"pingpong", "ns/round trip", pingpong},
	{"pingpong_pairs", "ns/round trip", pingpongPairs},
	{"chan_buf", "ns/item", chanBuf},
	{"chan_mpmc", "ns/item", chanMpmc},
	{"chan_contended", "ns/pair", chanContended},
	{"select", "ns/item", selectFour},
	{"mutex", "ns/pair", mutex},
	{"mutex_contended", "ns/pair", mutexContended},
	{"skynet", "ms", skynet},
	{"ring", "ns/hop", ring},
	{"prime_sieve", "ms", primeSieve},
	{"pipe_1000", speedUp, pipe1000},
	{"pipe_100", speedUp, pipe100},
	{"pipe_10", speedUp, pipe10},
	{"pipe4_10", speedUp, pipe4},
	{"burst20", speedUp, burst20},
	{"serve", "p50 us", serve},
	{"fib", "ns/call", fib},
	{"nqueens", "ms", nqueens},
	{"matmul", "ms", matmul},
	{"reduce", "ms", reduce},
	{"sleepers", "ms over", sleepers},
	{"sleepers_cpu", "ms CPU", sleepersCPU},
	{"parked_mem", "bytes/task", parkedMem},
	{"parked_mem_10k", "bytes/task", parkedMem10k},
	{"wake", "p50 us", wake},
	{"wake_p99", "p99 us", wakeP99},
	{"stall", "max ms", stall},
	{"hog", "max ms", hog},
	{"startup", "us", startup},
}

const speedUp = "speed-up"

// p99s give a second value of a row's last run, printed as a row NAME_p99.
var p99s = map[string]func() float64{"serve": serveP99}

// modes are what the rows start as processes of their own.
var modes = map[string]func(args []string){
	"once-parked":  onceParked,
	"once-startup": onceStartup,
	"once-timed":   onceTimed,
}

var workers int

const (
	repeats  = 3
	longRun  = 60 * time.Second // a warm-up longer than this is the result
	usageMsg = "usage: peer-go list | peer-go ROW WORKERS"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == "list" {
		for _, r := range rows {
			fmt.Println(r.name)
		}
		return
	}
	check(len(os.Args) >= 3, usageMsg)
	var err error
	workers, err = strconv.Atoi(os.Args[2])
	check(err == nil && workers > 0, usageMsg)
	runtime.GOMAXPROCS(workers)
	if mode := modes[os.Args[1]]; mode != nil {
		mode(os.Args[3:])
		return
	}
	r := findRow(os.Args[1])
	if r.unit == speedUp {
		printValue(r.name, measureSpeedUp(r.name), r.unit)
	} else {
		measure(r)
	}
}

func findRow(name string) row {
	i := slices.IndexFunc(rows, func(r row) bool { return r.name == name })
	check(i >= 0, usageMsg)
	return rows[i]
}

// measure prints the median of the repeats after one warm-up.
func measure(r row) {
	start := time.Now()
	first, count := r.run(), repeats
	if time.Since(start) > longRun {
		count = 1
	}
	values, tails := make([]float64, count), make([]float64, count)
	p99 := p99s[r.name]
	for i := range count {
		values[i] = first
		if count > 1 {
			values[i] = r.run()
		}
		if p99 != nil {
			tails[i] = p99()
		}
	}
	printValue(r.name, quantile(values, 0.5), r.unit)
	if p99 != nil {
		printValue(r.name+"_p99", quantile(tails, 0.5), "p99 us")
	}
}

func printValue(name string, value float64, unit string) {
	fmt.Printf("%s\t%d\t%.3f\t%s\n", name, workers, value, unit)
}

func quantile(values []float64, q float64) float64 {
	slices.Sort(values)
	return values[int(q*float64(len(values)))]
}

func check(ok bool, what string) {
	if !ok {
		fmt.Fprintln(os.Stderr, what)
		os.Exit(1)
	}
}

// nsPer and ms time one run of work.
func nsPer(ops int, work func()) float64 {
	start := time.Now()
	work()
	return float64(time.Since(start).Nanoseconds()) / float64(ops)
}

func ms(work func()) float64 { return nsPer(1e6, work) }
