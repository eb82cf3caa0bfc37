// Package pair holds the two processes of a measurement: this one, which calls,
// and a child of it, which serves.
//
// The child is the same program, started with [Flag] and the name of a system,
// so that nothing else needs to be built. It answers [Serve]'s few questions in
// lines of JSON and ends with its standard input.
package pair

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/clusterluck/clusterluck/bench/internal/child"
	"github.com/clusterluck/clusterluck/bench/internal/system"
)

// Flag is the first argument of a serving process; the name of the system is the
// second. It is for this program's own use.
const Flag = "-serve"

// startMax is how long the serving process may take to listen.
const startMax = 20 * time.Second

// A Pair is a client and the process that serves it.
type Pair struct {
	system.Client
	Addr  string // where the server listens
	child *child.Child
}

// question is a line to the serving process.
type question struct {
	Expect int           `json:"expect,omitempty"` // how many casts will come
	Idle   time.Duration `json:"idle,omitempty"`   // wait for them, and no longer than this after the last
}

// answer is a line of the serving process.
type answer struct {
	Addr string `json:"addr,omitempty"`
	system.Tally
}

// Serve is the serving process: it says where it listens, answers questions and
// returns when they end.
func Serve(name string, in io.Reader, out io.Writer) error {
	s, err := system.ByName(name)
	if err != nil {
		return err
	}
	if s.Serve == nil {
		return fmt.Errorf("system %q does not serve other processes", name)
	}
	var sink system.Sink
	server, err := s.Serve(&sink)
	if err != nil {
		return fmt.Errorf("system %q: %w", name, err)
	}
	say := json.NewEncoder(out)
	if err := say.Encode(answer{Addr: server.Addr}); err != nil {
		return err
	}
	for lines := bufio.NewScanner(in); lines.Scan(); {
		var q question
		if err := json.Unmarshal(lines.Bytes(), &q); err != nil {
			return err
		}
		var a answer
		if q.Expect > 0 {
			sink.Expect(q.Expect)
		} else {
			a.Tally = sink.Wait(q.Idle)
		}
		if err := say.Encode(a); err != nil {
			return err
		}
	}
	// The server is not closed: the process ends, and some would wait for
	// their clients.
	return nil
}

// Start starts the serving process of a system and connects to it.
func Start(s system.System) (*Pair, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c, err := child.Start(exec.Command(self, Flag, s.Name))
	if err != nil {
		return nil, err
	}
	p := &Pair{child: c}
	a, err := p.ask("", startMax)
	if err != nil {
		return nil, err
	}
	p.Addr = a.Addr
	if p.Client, err = s.Dial(a.Addr); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return p, nil
}

// Expect tells the server how many casts will come.
func (p *Pair) Expect(n int) error {
	_, err := p.put(question{Expect: n}, time.Second)
	return err
}

// Wait waits for the casts that are expected, and no longer than idle after the
// last, and returns what arrived.
func (p *Pair) Wait(idle, limit time.Duration) (system.Tally, error) {
	a, err := p.put(question{Idle: idle}, limit)
	return a.Tally, err
}

// PID returns the id of the serving process.
func (p *Pair) PID() int { return p.child.PID() }

// Kill ends the serving process at once, so that calls fail that would wait for
// ever.
func (p *Pair) Kill() { p.child.Kill() }

// Close ends the client and the serving process.
func (p *Pair) Close() error {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		_ = p.Client.Close() // some report that the connection is closed
	}()
	err := p.child.Stop()
	select {
	case <-closed:
	case <-time.After(time.Second): // a client that waits for its server is left to itself
	}
	return err
}

func (p *Pair) put(q question, limit time.Duration) (answer, error) {
	line, err := json.Marshal(q)
	if err != nil {
		return answer{}, err
	}
	return p.ask(string(line), limit)
}

func (p *Pair) ask(line string, limit time.Duration) (a answer, err error) {
	text, err := p.child.Ask(line, limit)
	if err == nil {
		err = json.Unmarshal([]byte(text), &a)
	}
	return a, err
}

// Unwrap returns the client itself.
func (p *Pair) Unwrap() system.Client { return p.Client }
