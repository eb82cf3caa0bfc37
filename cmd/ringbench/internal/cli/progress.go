package cli

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

const (
	progressMin   = 2 * time.Second        // shorter work shows no bar
	progressProbe = 250 * time.Millisecond // wait before guessing how long it takes
)

// A Progress shows how far some work has come and how long it will still take.
// It draws only on a terminal, and only when the work is going to take longer
// than two seconds. It may be advanced by any number of goroutines.
type Progress struct {
	mu    sync.Mutex
	w     io.Writer // nil: draw nothing
	what  string
	total int64
	done  int64
	start time.Time
	bar   *progressbar.ProgressBar // nil until the work proves long
}

// NewProgress returns a progress for total steps of the work that what names.
// It draws on w if w is a terminal and does nothing otherwise. A total below 1
// means that nobody knows how many steps there are.
func NewProgress(w io.Writer, what string, total int64) *Progress {
	p := &Progress{what: what, total: total, start: time.Now()}
	if w != nil && IsTerminal(w) {
		p.w = w
	}
	return p
}

// Add says that n more steps are done.
func (p *Progress) Add(n int64) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.w == nil {
		return
	}
	p.done += n
	if p.bar == nil {
		if !p.long() {
			return
		}
		p.draw()
	}
	// A bar that cannot be drawn must not stop the work.
	p.bar.Describe(p.what + p.left())
	_ = p.bar.Set64(p.done)
}

// Done takes the bar off the terminal.
func (p *Progress) Done() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		_ = p.bar.Clear()
	}
	p.w, p.bar = nil, nil
}

// long reports whether the work will take longer than progressMin, judged by
// how long the steps so far took.
func (p *Progress) long() bool {
	elapsed := time.Since(p.start)
	if elapsed >= progressMin {
		return true
	}
	if elapsed < progressProbe || p.total < 1 || p.done < 1 {
		return false
	}
	return float64(elapsed)*float64(p.total)/float64(p.done) > float64(progressMin)
}

// left says how long the rest will take if it goes on as it went so far, or how
// much was done and how fast if nobody knows how much there is.
func (p *Progress) left() string {
	elapsed := time.Since(p.start)
	if p.total < 1 {
		return fmt.Sprintf(", %d so far, %.0f a second", p.done, float64(p.done)/elapsed.Seconds())
	}
	if p.done < 1 || p.done > p.total {
		return ""
	}
	rest := time.Duration(float64(elapsed) * float64(p.total-p.done) / float64(p.done))
	return ", " + rest.Round(time.Second).String() + " left"
}

// draw makes the bar. Its own estimate is off, since it would count from the
// moment the bar appears and not from the start of the work.
func (p *Progress) draw() {
	total := p.total
	if total < 1 {
		total = -1
	}
	p.bar = progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(p.w),
		progressbar.OptionSetDescription(p.what),
		progressbar.OptionSetWidth(min(30, max(8, Width(p.w, 80)-len(p.what)-24))),
		progressbar.OptionSetPredictTime(false),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionSetTheme(progressbar.Theme{Saucer: "=", SaucerHead: ">", SaucerPadding: ".", BarStart: "[", BarEnd: "]"}),
	)
}
