package measure

import "runtime"

// Heap returns the bytes of live heap objects after two collections, so that
// finalizers of the first are gone as well.
func Heap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// Allocs returns the allocations of one call of run, over n operations, for
// each operation. No other goroutine may allocate meanwhile.
func Allocs(n int, run func()) float64 {
	allocs, _ := Allocated(n, run)
	return allocs
}

// Allocated is Allocs, and also returns the bytes of an operation.
func Allocated(n int, run func()) (allocs, bytes float64) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	run() // what is allocated once and kept does not count
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	run()
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / float64(n), float64(after.TotalAlloc-before.TotalAlloc) / float64(n)
}
