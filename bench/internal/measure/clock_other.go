//go:build !linux

package measure

import "time"

func threadTime() (time.Duration, bool)  { return 0, false }
func processTime() (time.Duration, bool) { return 0, false }

// OfProcess returns the CPU time that all threads of another process have taken;
// ok is false if the system does not tell.
func OfProcess(int) (time.Duration, bool) { return 0, false }
