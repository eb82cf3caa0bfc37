package wire_test

import (
	"strings"
	"testing"

	"github.com/clusterluck/clusterluck/transport/wire"
)

// One allocation a message would be more work than all of the message: what is
// said to allocate nothing must do so for every kind.
func TestAllocations(t *testing.T) {
	dst := make([]byte, 0, wire.FrameMax)
	none := func(what string, do func()) {
		t.Helper()
		do() // what is remembered after the first time is not counted
		if got := testing.AllocsPerRun(100, do); got != 0 {
			t.Errorf("%s allocates %v times", what, got)
		}
	}
	var into wire.Msg
	why := strings.Repeat("why ", 200)
	for _, m := range samples() {
		none("Append of "+m.Kind.String(), func() { dst = wire.Append(dst[:0], &m) })
		none("append of "+m.Kind.String(), func() { dst = appendSame(dst[:0], &m, why) })
		frame := wire.Append(nil, &m)
		none("Parse of "+m.Kind.String(), func() {
			body, _, _, err := wire.ParseFrame(frame, wire.FrameMax)
			if err == nil {
				err = wire.Parse(body, &into)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	p := wire.Preamble{Max: 1, Min: 1, Role: wire.RoleNode}
	none("a preamble", func() {
		dst = wire.AppendPreamble(dst[:0], p)
		if _, err := wire.ParsePreamble(dst); err != nil {
			t.Error(err)
		}
	})
	none("a record's header", func() {
		dst = wire.AppendRecordHeader(dst[:0], wire.RecordData, 99)
		if _, _, err := wire.ParseRecordHeader(dst); err != nil {
			t.Error(err)
		}
	})
	var value any = struct {
		Name  string
		Count int
	}{"counter", 5}
	none("AppendValue of a struct", func() {
		b, err := wire.AppendValue(dst[:0], value)
		if err != nil || len(b) == 0 {
			t.Error(err)
		}
	})
}

// appendSame is appendEach for texts that are strings already.
func appendSame(dst []byte, m *wire.Msg, why string) []byte {
	switch m.Kind {
	case wire.KindError:
		return wire.AppendError(dst, m.Corr, "no-server", why, m.Data)
	case wire.KindEnd:
		return wire.AppendEnd(dst, m.Sid, "stopped", why)
	case wire.KindDown:
		return wire.AppendDown(dst, m.Corr, "node-down", why)
	case wire.KindGoAway:
		return wire.AppendGoAway(dst, "closed", why, m.Data)
	case wire.KindName:
		return wire.AppendBind(dst, m.Dst.Index, why)
	case wire.KindDropped:
		return wire.AppendDropped(dst, m.Dst, m.Count, "overload", why)
	case wire.KindOpen:
		return wire.Append(dst, m)
	}
	return appendEach(dst, m)
}
