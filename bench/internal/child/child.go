// Package child runs another process that answers lines with lines.
//
// A child must end when its standard input does. That is how it ends with its
// parent, whatever ended the parent: the system closes the pipe.
package child

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"time"
)

const (
	endMax  = 2 * time.Second // for a child to end by itself, before it is killed
	tailMax = 2 << 10         // bytes of standard error that are kept
)

// A Child is a running process. One goroutine asks at a time; Kill may be called
// by any.
type Child struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines chan string
	tail  tail
	ended chan struct{}
	err   error // of the process, once ended is closed
}

// Start starts a process. Its standard streams must not be set.
func Start(cmd *exec.Cmd) (*Child, error) {
	c := &Child{cmd: cmd, lines: make(chan string), ended: make(chan struct{})}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.in, cmd.Stderr = in, &c.tail
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			c.lines <- lines.Text()
		}
		close(c.lines)
		c.err = cmd.Wait()
		close(c.ended)
	}()
	return c, nil
}

// PID returns the id of the process.
func (c *Child) PID() int { return c.cmd.Process.Pid }

// Ask writes a line, unless it is empty, and returns the line that comes back.
// After an error the child has been killed.
func (c *Child) Ask(line string, limit time.Duration) (string, error) {
	if line != "" {
		if _, err := io.WriteString(c.in, line+"\n"); err != nil {
			return "", c.died(err)
		}
	}
	t := time.NewTimer(limit)
	defer t.Stop()
	select {
	case answer, ok := <-c.lines:
		if !ok {
			return "", c.died(io.ErrUnexpectedEOF)
		}
		return answer, nil
	case <-t.C:
		return "", c.died(fmt.Errorf("no answer to %q within %v", line, limit))
	}
}

// died kills the child and says what it wrote last.
func (c *Child) died(err error) error {
	c.Kill()
	if said := strings.TrimSpace(c.tail.String()); said != "" {
		return fmt.Errorf("%w; it wrote: %s", err, said)
	}
	return err
}

// Kill ends the process at once and waits until it is gone.
func (c *Child) Kill() {
	_ = c.cmd.Process.Kill()
	c.in.Close()
	c.drain(nil)
}

// drain waits for the end, or until the timer fires, and throws away what is
// still said.
func (c *Child) drain(limit <-chan time.Time) bool {
	for {
		select {
		case <-c.ended:
			return true
		case <-limit:
			return false
		case <-c.lines:
		}
	}
}

// Stop closes the standard input and waits for the process to end. One that does
// not is killed.
func (c *Child) Stop() error {
	c.in.Close()
	t := time.NewTimer(endMax)
	defer t.Stop()
	if c.drain(t.C) {
		return c.err
	}
	c.Kill()
	return errors.New("child: it went on after its input ended, and was killed")
}

// tail keeps the last bytes that are written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if n := len(t.text) - tailMax; n > 0 {
		t.text = append(t.text[:0], t.text[n:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}
