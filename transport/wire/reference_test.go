package wire_test

import (
	"bytes"
	"testing"
	"unicode/utf8"

	"github.com/clusterluck/clusterluck/transport/wire"
	"github.com/fxamacker/cbor/v2"
)

// schema is the table of docs/wire-format.md, a letter an element behind the
// kind: u an unsigned integer, 4 one of 32 bits, i an index, n a name or
// an index, B a body, C a chunk, E data or null, H a header or null,
// c a code, t a text, s a name, D names.
// An x is left to the code of acceptable.
var schema = map[uint64]string{
	1: "un4HB", 2: "uB", 3: "uctE", 4: "nHB", 5: "un", 6: "uxuxxxxx", 7: "uC", 8: "uu", 9: "uxx", 10: "un", 11: "uct",
	12: "u", 13: "uu", 14: "uu", 15: "ctE", 16: "DHB", 17: "u", 18: "is", 19: "u", 20: "nuct",
}

// A judge says what Parse must take, by the library and the table: slowly, and
// from the page instead of the code.
type judge struct {
	well  cbor.DecMode // well-formed within limits
	plain cbor.EncMode
}

func newJudge(t testing.TB) *judge {
	t.Helper()
	well, err := cbor.DecOptions{
		MaxNestedLevels: wire.NestMax, MaxArrayElements: wire.FrameMax, MaxMapPairs: wire.FrameMax,
		IndefLength: cbor.IndefLengthForbidden, TagsMd: cbor.TagsForbidden,
	}.DecMode()
	if err != nil {
		t.Fatal(err)
	}
	plain, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		t.Fatal(err)
	}
	return &judge{well, plain}
}

// accepts reports whether b is a message that Parse must take.
func (j *judge) accepts(b []byte) bool {
	var all []cbor.RawMessage
	if len(b) > wire.FrameMax || len(b) == 0 || b[0]>>5 != 4 || j.well.Unmarshal(b, &all) != nil || !shortest(b) || len(all) == 0 {
		return false
	}
	kind, ok := j.uint(all[0], 255)
	if !ok || kind == 0 || kind > 20 && kind < 32 {
		return false
	}
	letters, known := schema[kind]
	all = all[1:]
	if !known {
		return true
	}
	if len(all) < len(letters) {
		return false
	}
	for i, letter := range letters {
		if !j.fits(all[i], letter) {
			return false
		}
	}
	if kind == 9 && !(null(all[1]) && null(all[2]) || j.string(all[1], 3, 1, wire.CodeMax) && j.fits(all[2], 't')) || kind == 6 && !j.open(all) {
		return false
	}
	if laned(wire.Kind(kind)) && len(all) > len(letters) {
		_, ok = j.uint(all[len(letters)], 1)
		return ok
	}
	return true
}

// open judges what of an OPEN depends on its mode.
func (j *judge) open(all []cbor.RawMessage) bool {
	mode, ok := j.uint(all[1], 4)
	server, body := null(all[3]), null(all[7])
	if mode == 0 || mode == 1 || mode == 3 {
		server = j.fits(all[3], 'n')
	}
	if mode >= 3 {
		body = j.fits(all[7], 'B')
	}
	return ok && server && body && j.fits(all[4], '4') && j.fits(all[5], 'H') && (null(all[6]) || j.fits(all[6], 'u'))
}

func (j *judge) fits(e cbor.RawMessage, letter rune) bool {
	switch letter {
	case 'u':
		_, ok := j.uint(e, 1<<64-1)
		return ok
	case '4':
		_, ok := j.uint(e, 1<<32-1)
		return ok
	case 'i':
		_, ok := j.uint(e, wire.NamesMax-1)
		return ok
	case 'n':
		return j.fits(e, 'i') || j.fits(e, 's')
	case 'B':
		return j.string(e, 2, 0, wire.BodyMax)
	case 'C':
		return j.string(e, 2, 0, wire.ChunkMax)
	case 'E':
		return null(e) || j.string(e, 2, 0, wire.BodyMax)
	case 'H':
		return null(e) || j.string(e, 2, 0, wire.HdrMax)
	case 's':
		return j.string(e, 3, 1, wire.NameMax)
	case 'c':
		return j.string(e, 3, 0, wire.CodeMax)
	case 't':
		return j.string(e, 3, 0, wire.TextMax)
	case 'D':
		var names []cbor.RawMessage
		if e[0]>>5 != 4 || j.well.Unmarshal(e, &names) != nil || len(names) == 0 || len(names) > wire.DstsMax {
			return false
		}
		for _, n := range names {
			if !j.fits(n, 'n') {
				return false
			}
		}
	}
	return true
}

func null(e cbor.RawMessage) bool { return bytes.Equal(e, []byte{0xf6}) }

func (j *judge) uint(e cbor.RawMessage, most uint64) (n uint64, ok bool) {
	return n, e[0]>>5 == 0 && j.well.Unmarshal(e, &n) == nil && n <= most
}

// string judges a byte string, major 2, or a text, major 3.
func (j *judge) string(e cbor.RawMessage, major byte, least, most int) bool {
	if e[0]>>5 != major {
		return false
	}
	var s string
	if major == 2 {
		var b []byte
		err := j.well.Unmarshal(e, &b)
		return err == nil && len(b) >= least && len(b) <= most
	}
	err := j.well.Unmarshal(e, &s)
	return err == nil && utf8.ValidString(s) && len(s) >= least && len(s) <= most
}

// shortest reports whether every number in well-formed CBOR is in its shortest
// form.
func shortest(b []byte) bool {
	for len(b) > 0 {
		major, info := b[0]>>5, b[0]&31
		b = b[1:]
		n := uint64(info)
		if info >= 24 && info <= 27 {
			size := 1 << (info - 24)
			n = 0
			for _, c := range b[:size] {
				n = n<<8 | uint64(c)
			}
			b = b[size:]
			if least := [4]uint64{24, 1 << 8, 1 << 16, 1 << 32}[info-24]; n < least && major != 7 {
				return false
			}
		}
		if major == 2 || major == 3 {
			b = b[n:]
		}
	}
	return true
}
