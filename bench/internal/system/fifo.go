package system

import "sync"

// A fifo is the calls that wait for replies which come in order. The zero value
// is ready.
type fifo struct {
	mu      sync.Mutex
	waiting []chan answer
	err     error
	spare   sync.Pool // of chan answer
}

type answer struct {
	body []byte
	err  error
}

// call takes a place, sends under the lock, which orders the requests, and
// waits.
func (f *fifo) call(order *sync.Mutex, send func() error) ([]byte, error) {
	c, ok := f.spare.Get().(chan answer)
	if !ok {
		c = make(chan answer, 1)
	}
	order.Lock()
	err := f.join(c)
	if err == nil {
		err = send()
	}
	order.Unlock()
	if err != nil {
		return nil, err
	}
	a := <-c
	f.spare.Put(c)
	return a.body, a.err
}

func (f *fifo) join(c chan answer) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiting = append(f.waiting, c)
	return f.err
}

// answer ends the call that has waited longest; with an error, all.
func (f *fifo) answer(body []byte, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := min(1, len(f.waiting))
	if err != nil {
		f.err, n = err, len(f.waiting)
	}
	for _, c := range f.waiting[:n] {
		c <- answer{body, err}
	}
	f.waiting = f.waiting[n:]
}
