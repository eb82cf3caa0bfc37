package transport

import (
	"fmt"
	"sync"
)

// outStreams are the streams that this node writes on a link.
type outStreams struct {
	mu      sync.Mutex
	byID    map[uint64]*outStream
	last    uint64
	answers int   // of byID
	owed    int64 // bytes of bodies in byID that this node keeps for them
	err     error
	done    chan struct{} // closed when no cast is under way; nil if nobody asked
	none    chan struct{} // closed when no stream is open; nil if nobody asked

	fewer chan struct{} // closed when there may be room for another; nil if nobody waits
}

// How many streams a node has open on a link, for requests and for answers, and
// how many more that have ended may wait to be written: together what the peer
// bears. Answers have their own, or they might wait for requests that wait for them.
const (
	outRequestsMax = streamsMax * 3 / 8
	outAnswersMax  = streamsMax / 8
	outEndsMax     = streamsMax / 2
)

// open begins a stream of a request or an answer: the body of a cast to a server,
// or another if castTo is empty. Of its body this node owes so many bytes until the
// stream is removed. If too many are open it returns none, and a channel that is
// closed when it is worth trying again.
func (s *outStreams) open(answer bool, castTo string, owed int) (o *outStream, fewer <-chan struct{}, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errLink, s.err)
	}
	if answer && s.answers >= outAnswersMax || !answer && len(s.byID)-s.answers >= outRequestsMax {
		if s.fewer == nil {
			s.fewer = make(chan struct{})
		}
		return nil, s.fewer, nil
	}
	s.last++
	o = &outStream{sid: s.last, credit: streamCredit, answer: answer, castTo: castTo, owed: int64(owed)}
	if s.byID == nil {
		s.byID = make(map[uint64]*outStream)
	}
	s.byID[o.sid] = o
	if answer {
		s.answers++
	}
	return o, nil, nil
}

// openAnswer opens the stream of an answer, and waits while there are too many.
func (s *outStreams) openAnswer(owed int) (*outStream, error) {
	for {
		o, fewer, err := s.open(true, "", owed)
		if o != nil || err != nil {
			return o, err
		}
		<-fewer
	}
}

func (s *outStreams) get(sid uint64) *outStream {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byID[sid]
}

func (s *outStreams) remove(sid uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.byID[sid]; o != nil {
		s.owed -= o.owed
		if o.answer {
			s.answers--
		}
	}
	delete(s.byID, sid)
	s.signalDone()
}

// owe counts n bytes that this node keeps until the peer takes them, and returns
// how many there are.
func (s *outStreams) owe(n int) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.owed += int64(n)
	return s.owed
}

// signalDone tells those who asked that no cast is under way, or no stream, and
// those who wait that one fewer is open. s is locked.
func (s *outStreams) signalDone() {
	if s.fewer != nil {
		close(s.fewer)
		s.fewer = nil
	}
	if s.none != nil && len(s.byID) == 0 {
		close(s.none)
		s.none = nil
	}
	if s.done == nil {
		return
	}
	for _, o := range s.byID {
		if o.castTo != "" {
			return
		}
	}
	close(s.done)
	s.done = nil
}

// arrived returns a channel that is closed once the peer has all long casts
// whole, or there is no link any more.
func (s *outStreams) arrived() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.done == nil {
		s.done = make(chan struct{})
	}
	done := s.done
	s.signalDone()
	return done
}

// ended returns a channel that is closed once no stream is open.
func (s *outStreams) ended() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.none == nil {
		s.none = make(chan struct{})
	}
	none := s.none
	s.signalDone()
	return none
}

// len returns how many streams are open.
func (s *outStreams) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.byID)
}

// fail breaks all streams, and returns how many casts to each server were sent
// whole and are not known to have arrived. Of the others their senders learn it.
func (s *outStreams) fail(err error) map[string]int {
	s.mu.Lock()
	open := s.byID
	s.byID, s.err = nil, err
	s.signalDone()
	s.mu.Unlock()
	lost := make(map[string]int)
	for _, o := range open {
		o.stop(err)
		if o.castTo != "" && o.whole.Load() {
			lost[o.castTo]++
		}
	}
	return lost
}
