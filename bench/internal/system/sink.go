package system

import (
	"sync/atomic"
	"time"
)

// A Sink counts the casts that arrive. The zero value is ready. Any number of
// goroutines may use it.
type Sink struct {
	count, bytes, target atomic.Int64
	reached              atomic.Int64 // Unix time in ns at which count was target
}

// Take counts a message.
func (s *Sink) Take(body []byte) {
	s.bytes.Add(int64(len(body)))
	if n := s.count.Add(1); n == s.target.Load() {
		s.reached.Store(time.Now().UnixNano())
	}
}

// Expect begins to count anew, towards n messages.
func (s *Sink) Expect(n int) {
	s.target.Store(-1) // what is late does not hit the new target
	s.count.Store(0)
	s.bytes.Store(0)
	s.reached.Store(0)
	s.target.Store(int64(n))
}

// A Tally is what a sink has counted.
type Tally struct {
	Count int   `json:"count"`
	Bytes int   `json:"bytes"`
	Last  int64 `json:"last"` // Unix time in ns of the last message, to 1 ms if some are missing
}

// Wait returns when what was expected has come, or when nothing came for idle.
func (s *Sink) Wait(idle time.Duration) Tally {
	now := time.Now()
	last, seen := now, s.count.Load()
	for s.reached.Load() == 0 && now.Sub(last) < idle {
		time.Sleep(time.Millisecond)
		now = time.Now()
		if n := s.count.Load(); n != seen {
			last, seen = now, n
		}
	}
	t := Tally{Count: int(s.count.Load()), Bytes: int(s.bytes.Load()), Last: s.reached.Load()}
	if t.Last == 0 {
		t.Last = last.UnixNano()
	}
	return t
}
