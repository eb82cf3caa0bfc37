package measure

import (
	"runtime"
	"time"
)

// A Clock says which time is measured.
type Clock uint8

const (
	// Thread is the CPU time of the measuring thread: what other processes of a
	// shared machine take is not in it. It is for work of one goroutine.
	Thread Clock = iota
	// Process is the CPU time of all threads: work that a contender hands to
	// other goroutines counts in full.
	Process
	// Wall is the time that passes. It is for work that several goroutines
	// share, and for what might wait.
	Wall
)

// Now returns what the clock shows; only differences mean anything. Where the
// system has no clock of CPU time, it is the wall's.
func (c Clock) Now() time.Duration {
	read := threadTime
	if c == Process {
		read = processTime
	}
	if t, ok := read(); ok && c != Wall {
		return t
	}
	return time.Duration(time.Now().UnixNano())
}

// Time returns how long run takes by the clock. Where the system has no clock of
// CPU time, it is the wall's.
func (c Clock) Time(run func()) time.Duration {
	switch c {
	case Thread:
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
	case Wall:
		start := time.Now()
		run()
		return time.Since(start)
	}
	start := c.Now()
	run()
	return c.Now() - start
}
