package load_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/bench/internal/load"
	"github.com/clusterluck/clusterluck/bench/internal/system"
)

// fake is a pair within the process, with faults.
type fake struct {
	sink     system.Sink
	calls    atomic.Int64
	casts    int
	badReply int64 // the call that is answered wrongly; 0: none
	lose     int   // every so many-th cast; 0: none
	refuse   int
	lie      bool // delivers shorter bodies
	reports  int  // losses that the system says it had
	told     int  // times it was asked
}

func (f *fake) Call(_, req []byte) ([]byte, error) {
	rep := append([]byte(nil), req...)
	if f.calls.Add(1) == f.badReply {
		rep[7]++ // the number of another call
	}
	return rep, nil
}

func (f *fake) Cast(body []byte) error {
	f.casts++
	switch {
	case f.refuse > 0 && f.casts%f.refuse == 0:
		return errors.New("refused")
	case f.lose > 0 && f.casts%f.lose == 0:
		return nil
	case f.lie:
		body = body[1:]
	}
	f.sink.Take(body)
	return nil
}

func (f *fake) Flush() error { return nil }
func (f *fake) Close() error { return nil }

func (f *fake) Reported() int {
	f.told++
	return f.reports * f.told
}

func (f *fake) Expect(n int) error {
	f.sink.Expect(n)
	return nil
}

func (f *fake) Wait(idle, _ time.Duration) (system.Tally, error) { return f.sink.Wait(idle), nil }

const short = 5 * time.Millisecond

// A reply that belongs to another call must end the measurement, whoever waits
// for it.
func TestWrongReplyIsAnError(t *testing.T) {
	if _, err := load.Latency(&fake{badReply: 100}, short); err == nil {
		t.Error("latency: no error")
	}
	if _, err := load.Rate(&fake{badReply: 100}, 8, short); err == nil {
		t.Error("rate: no error")
	}
	if _, _, err := load.Beside(&fake{badReply: 100}, 1<<20, 50*time.Millisecond); err == nil {
		t.Error("beside: no error")
	}
}

func TestCallsAreCounted(t *testing.T) {
	var f fake
	x, err := load.Latency(&f, short)
	if err != nil || x.Calls == 0 || x.P50 <= 0 || x.P99 < x.P50 || int64(x.Calls) > f.calls.Load() {
		t.Errorf("%+v, %v after %d calls", x, err, f.calls.Load())
	}
	f.calls.Store(0)
	rate, err := load.Rate(&f, 4, 20*time.Millisecond)
	// What the callers did to warm up is counted apart.
	if err != nil || rate.Warm != 4 || int64(rate.Calls+rate.Warm) != f.calls.Load() || rate.Took < 20*time.Millisecond {
		t.Errorf("%+v, %v after %d calls", rate, err, f.calls.Load())
	}
}

// What is lost must be seen, and what the system said of it set off.
func TestLossesAreCounted(t *testing.T) {
	tests := []struct {
		name                                  string
		f                                     *fake
		sent, refused, delivered, lost, quiet int
	}{
		{"all arrive", &fake{}, 100, 0, 100, 0, 0},
		{"every tenth is lost", &fake{lose: 10}, 100, 0, 90, 10, 10},
		{"and six are reported", &fake{lose: 10, reports: 6}, 100, 0, 90, 10, 4},
		{"what may have been lost was not", &fake{reports: 6}, 100, 0, 100, 0, 0},
		{"every tenth is refused", &fake{refuse: 10}, 90, 10, 90, 0, 0},
		{"all are lost", &fake{lose: 1}, 100, 0, 0, 100, 100},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, err := load.OneWay(tt.f, 100, 100)
			if err != nil || f.Sent != tt.sent || f.Refused != tt.refused || f.Delivered != tt.delivered || f.Lost() != tt.lost || f.Silent() != tt.quiet {
				t.Errorf("%+v, %d lost, %d in silence, %v", f, f.Lost(), f.Silent(), err)
			}
		})
	}
	if _, err := load.OneWay(&fake{lie: true}, 100, 100); err == nil {
		t.Error("shorter messages arrived, and there is no error")
	}
	if _, err := load.OneWay(&fake{refuse: 1}, 100, 100); err == nil {
		t.Error("all casts were refused, and there is no error")
	}
}

// Casts and transfers come after calls, which are compared like all and change no
// count.
func TestCallsWarmUpForCasts(t *testing.T) {
	var f fake
	if x, err := load.OneWay(&f, 100, 100); err != nil || f.calls.Load() == 0 || x.Sent != 100 || x.Delivered != 100 {
		t.Errorf("%+v, %v after %d calls, want some calls and 100 casts", x, err, f.calls.Load())
	}
	if _, err := load.OneWay(&fake{badReply: 1}, 100, 100); err == nil {
		t.Error("a call before the casts was answered wrongly, and there is no error")
	}
}

// The clock stops at the last arrival, not when the loss was certain.
func TestRateOfCastsEndsWithTheLast(t *testing.T) {
	f, err := load.OneWay(&fake{lose: 2}, 10, 10)
	if err != nil || f.Took > 250*time.Millisecond {
		t.Errorf("took %v, %v, want less than the time that losses are waited for", f.Took, err)
	}
}

func TestLossOfATransferIsAnError(t *testing.T) {
	_, _, err := load.Beside(&fake{lose: 5}, 1<<20, short)
	if err == nil || !strings.Contains(err.Error(), "lost") {
		t.Errorf("error %v, want one about the loss", err)
	}
	x, rate, err := load.Beside(&fake{}, 1<<20, short)
	if err != nil || x.Calls == 0 || rate <= 0 {
		t.Errorf("%+v, %v, %v", x, rate, err)
	}
}

func TestQuantiles(t *testing.T) {
	took := make([]float64, 1000)
	for i := range took {
		took[len(took)-1-i] = float64(i)
	}
	if x := load.Quantiles(took); x.P50 != 500 || x.P99 != 990 || x.Calls != 1000 {
		t.Errorf("%+v, want 500 and 990 of 1000", x)
	}
	if x := load.Quantiles([]float64{7}); x.P50 != 7 || x.P99 != 7 {
		t.Errorf("%+v of one value, want it", x)
	}
}
