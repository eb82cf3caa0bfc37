package wire_test

import (
	"fmt"
	"testing"

	"github.com/clusterluck/clusterluck/transport/wire"
	"github.com/fxamacker/cbor/v2"
)

// calls returns small calls whose numbers differ, so that no branch predictor
// learns one.
func calls(n, bodyLen int) []wire.Msg {
	all := make([]wire.Msg, n)
	for i := range all {
		all[i] = wire.Msg{
			Kind: wire.KindCall, Corr: uint64(i) << (i % 20), Dst: wire.Name{Index: uint32(i % 40)}, TTL: 5000,
			Body: make([]byte, bodyLen+i%4),
		}
	}
	return all
}

// arrayCall is a CALL as the library writes and reads it.
type arrayCall struct {
	_    struct{} `cbor:",toarray"`
	Kind uint8
	Corr uint64
	Dst  uint32
	TTL  uint32
	Hdr  []byte
	Body []byte
}

func BenchmarkAppendCall(b *testing.B) {
	for _, size := range []int{16, 64, 1024} {
		msgs, dst := calls(256, size), make([]byte, 0, 4096)
		b.Run(fmt.Sprintf("by=hand/body=%d", size), func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				m := &msgs[i%len(msgs)]
				dst = wire.AppendCall(dst[:0], m.Corr, m.Dst, m.TTL, m.Lane, m.Hdr, m.Body)
			}
		})
		b.Run(fmt.Sprintf("by=msg/body=%d", size), func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				dst = wire.Append(dst[:0], &msgs[i%len(msgs)])
			}
		})
		b.Run(fmt.Sprintf("by=library/body=%d", size), func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				m := &msgs[i%len(msgs)]
				v := arrayCall{Kind: 1, Corr: m.Corr, Dst: m.Dst.Index, TTL: m.TTL, Hdr: m.Hdr, Body: m.Body}
				var err error
				if dst, err = wire.AppendValue(dst[:0], &v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParseCall(b *testing.B) {
	for _, size := range []int{16, 64, 1024} {
		var bodies [][]byte
		for _, m := range calls(256, size) {
			bodies = append(bodies, body(b, wire.Append(nil, &m)))
		}
		b.Run(fmt.Sprintf("by=hand/body=%d", size), func(b *testing.B) {
			b.ReportAllocs()
			var m wire.Msg
			for i := 0; b.Loop(); i++ {
				if err := wire.Parse(bodies[i%len(bodies)], &m); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("by=library/body=%d", size), func(b *testing.B) {
			mode, err := cbor.DecOptions{IndefLength: cbor.IndefLengthForbidden, TagsMd: cbor.TagsForbidden}.DecMode()
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			var v arrayCall
			for i := 0; b.Loop(); i++ {
				if err := mode.Unmarshal(bodies[i%len(bodies)], &v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkParse is of one message of each kind.
func BenchmarkParse(b *testing.B) {
	seen := map[wire.Kind]bool{}
	for _, m := range samples() {
		if seen[m.Kind] {
			continue
		}
		seen[m.Kind] = true
		in := body(b, wire.Append(nil, &m))
		b.Run("kind="+m.Kind.String(), func(b *testing.B) {
			b.ReportAllocs()
			var m wire.Msg
			for b.Loop() {
				if err := wire.Parse(in, &m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParseFrame(b *testing.B) {
	stream := wire.AppendReply(nil, 7, make([]byte, 64))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, ok, err := wire.ParseFrame(stream, wire.FrameMax); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}

// BenchmarkBody is of a small struct and of a text, the commonest bodies.
func BenchmarkBody(b *testing.B) {
	type request struct {
		Name  string
		Count int
	}
	for name, v := range map[string]any{"struct": &request{"counter", 5}, "text": "hello"} {
		data, err := wire.Marshal(v)
		if err != nil {
			b.Fatal(err)
		}
		b.Run("do=append/type="+name, func(b *testing.B) {
			b.ReportAllocs()
			dst := make([]byte, 0, 256)
			for b.Loop() {
				if dst, err = wire.AppendValue(dst[:0], v); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("do=unmarshal/type="+name, func(b *testing.B) {
			b.ReportAllocs()
			var r request
			var s string
			var into any = &r
			if name == "text" {
				into = &s
			}
			for b.Loop() {
				if err := wire.Unmarshal(data, into); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
