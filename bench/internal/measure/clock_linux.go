package measure

import (
	"time"

	"golang.org/x/sys/unix"
)

// cpuTime reads a clock of CPU time; ok is false if there is none.
func cpuTime(clock int32) (t time.Duration, ok bool) {
	var ts unix.Timespec
	if err := unix.ClockGettime(clock, &ts); err != nil {
		return 0, false
	}
	return time.Duration(ts.Nano()), true
}

// threadTime returns the CPU time of this thread.
func threadTime() (time.Duration, bool) { return cpuTime(unix.CLOCK_THREAD_CPUTIME_ID) }

// processTime returns the CPU time of all threads of this process.
func processTime() (time.Duration, bool) { return cpuTime(unix.CLOCK_PROCESS_CPUTIME_ID) }
