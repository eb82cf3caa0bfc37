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

// OfProcess returns the CPU time that all threads of another process have taken;
// ok is false if the system does not tell.
func OfProcess(pid int) (t time.Duration, ok bool) {
	const ofAllThreads = 2 // of the three clocks that the kernel has for a process, the scheduler's
	return cpuTime(int32(^pid<<3 | ofAllThreads))
}
