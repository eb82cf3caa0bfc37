package measure

import (
	"slices"
	"time"
)

const (
	// quietSlack is how much slower than its best the reference may run
	// beside a batch that counts. Measured on a 2-core virtual machine: alone
	// it stays within 1 %, beside work on the same core it is 40 % slower.
	quietSlack = 1.04

	// bestRank is which of the fastest runs of the reference is the best. The
	// very fastest may owe its time to the resolution of the clock.
	bestRank = 8

	referenceRounds = 200
	referenceSeeds  = 64
)

// A reference is a fixed piece of work that shows how fast the machine is right
// now. It must never change: times of two files are compared in its terms.
type reference struct {
	seeds [referenceSeeds]uint64
	sum   uint64
	fast  []float64 // the bestRank fastest runs, fastest first
	all   []float64
}

func newReference() *reference {
	r := &reference{}
	for i := range r.seeds {
		r.seeds[i] = mix64(uint64(i))
	}
	return r
}

// mix64 is the finalizer of splitmix64.
func mix64(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

// run does the work and returns the nanoseconds that one step of it took. The
// work has no branch that depends on data: a processor learns such branches when
// the same work comes again and again, and would be faster without being quieter.
func (r *reference) run() float64 {
	start := time.Now()
	sum := uint64(0)
	for i := range uint64(referenceRounds) {
		h := i * 0x9e3779b97f4a7c15
		for _, seed := range &r.seeds {
			sum += mix64(h ^ seed)
		}
	}
	r.sum += sum
	ns := float64(time.Since(start)) / (referenceRounds * referenceSeeds)
	r.note(ns)
	return ns
}

// note remembers how long a step took.
func (r *reference) note(ns float64) {
	r.all = append(r.all, ns)
	if i, _ := slices.BinarySearch(r.fast, ns); i < bestRank {
		r.fast = slices.Insert(r.fast, i, ns)
		r.fast = r.fast[:min(len(r.fast), bestRank)]
	}
}

// best returns how fast the machine can do a step, as far as is known yet.
func (r *reference) best() float64 { return r.fast[len(r.fast)-1] }

// quiet reports whether the machine ran at its best when a step took ns.
func (r *reference) quiet(ns float64) bool { return ns <= r.best()*quietSlack }
