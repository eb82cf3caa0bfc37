package fuzz_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/clusterluck/clusterluck/transport/wire"
	"github.com/flynn/noise"
	"github.com/fxamacker/cbor/v2"
)

// wirePage returns docs/wire-format.md, from which other implementations are
// written.
func wirePage(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../docs/wire-format.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The frames of the page must be what their diagnostic notation says, what the
// parser takes, and what is written of what it read. There must be one of each
// kind.
func TestWirePageExamples(t *testing.T) {
	kinds := make(map[wire.Kind]bool)
	for _, row := range regexp.MustCompile("(?m)^\\| `(\\[.*\\])` \\| `([0-9a-f]+)` \\|$").FindAllStringSubmatch(wirePage(t), -1) {
		frame := unhex(t, row[2])
		m, err := parsed(frame)
		if err != nil {
			t.Errorf("%s: %v", row[2], err)
			continue
		}
		kinds[m.Kind] = true
		if got, err := cbor.Diagnose(frame[wire.FrameHeaderLen:]); err != nil || got != row[1] {
			t.Errorf("%s is %s, %v; the page says %s", row[2], got, err, row[1])
		}
		if again := wire.Append(nil, &m); !bytes.Equal(again, frame) {
			t.Errorf("%s is written as %x", row[2], again)
		}
	}
	if len(kinds) != 20 {
		t.Errorf("the page shows %d kinds of 20", len(kinds))
	}
}

// What the page says is refused must be, and for no other reason: with its one
// fault mended each must be taken.
func TestWirePageRefusals(t *testing.T) {
	mended := map[string]string{
		"821318": "821305", "8213184000": "82131840", "82131805": "821305", "9f1305ff": "821305", "82c11305": "821305",
		"821320": "821300", "8113": "821300", "821505": "821305", "8313059f": "83130580", "83120060": "8312006161",
		"83121910006161": "8312190fff6161", "84090160f6": "840901f6f6", "8504006161f640": "84046161f640",
		"850400f64002": "850400f64001", "8a06010002f6191388f6f6f600": "8a0601000200191388f6f6f600",
	}
	rows := regexp.MustCompile("(?m)^\\| `([0-9a-f]+)` \\| ").FindAllStringSubmatch(wirePage(t), -1)
	if len(rows) != len(mended) {
		t.Errorf("the page has %d refusals, the test %d", len(rows), len(mended))
	}
	for _, row := range rows {
		if err := wire.Parse(unhex(t, row[1]), new(wire.Msg)); err == nil {
			t.Errorf("%s is taken", row[1])
		}
		if err := wire.Parse(unhex(t, mended[row[1]]), new(wire.Msg)); err != nil {
			t.Errorf("%s, with its fault mended as %q, is refused: %v", row[1], mended[row[1]], err)
		}
	}
}

// vectors returns the lines of the page's text blocks: names and bytes.
func vectors(t *testing.T) map[string][]byte {
	all := make(map[string][]byte)
	for _, line := range regexp.MustCompile("(?m)^([a-z0-9 ]{11}) ([0-9a-f]+)$").FindAllStringSubmatch(wirePage(t), -1) {
		all[strings.TrimSpace(line[1])] = unhex(t, line[2])
	}
	return all
}

// The handshake of the page, done from the page with a Noise library.
func TestWirePageHandshake(t *testing.T) {
	v := vectors(t)
	same := func(name string, got []byte) {
		t.Helper()
		if want, ok := v[name]; !ok || !bytes.Equal(got, want) {
			t.Errorf("%s is %x, the page says %x", name, got, want)
		}
	}
	cookie := regexp.MustCompile("(?m)^cookie +clk1-([a-z2-7]{52})$").FindStringSubmatch(wirePage(t))
	if cookie == nil {
		t.Fatal("the page has no cookie")
	}
	same("input key", must(base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(cookie[1]))))
	psk := must(hkdf.Key(sha256.New, v["input key"], []byte("clk-go psk v1"), "role=node", 32))
	same("psk node", psk)
	preamble := wire.AppendPreamble(nil, wire.Preamble{Max: 1, Min: 1, Role: wire.RoleNode})
	same("prologue", slices.Concat([]byte("clk-go handshake v1\x00"), preamble, []byte{0}))

	side := func(initiator bool, ephemeral string) *noise.HandshakeState {
		return must(noise.NewHandshakeState(noise.Config{
			CipherSuite: noise.NewCipherSuite(noise.DH25519, noise.CipherAESGCM, noise.HashSHA256),
			Random:      bytes.NewReader(v[ephemeral]), Pattern: noise.HandshakeNN, Initiator: initiator,
			Prologue: v["prologue"], PresharedKey: psk,
		}))
	}
	i, r := side(true, "e initiator"), side(false, "e responder")
	first, _, _, err := i.WriteMessage(nil, v["payload 1"])
	if err != nil {
		t.Fatal(err)
	}
	same("message 1", first)
	hello, _, _, err := r.ReadMessage(nil, first)
	if err != nil {
		t.Fatal(err)
	}
	same("payload 1", hello)
	second, toR, toI, err := r.WriteMessage(nil, v["payload 2"])
	if err != nil {
		t.Fatal(err)
	}
	same("message 2", second)
	same("h", r.ChannelBinding())
	key := toR.UnsafeKey()
	same("key i to r", key[:])
	back := toI.UnsafeKey()
	same("key r to i", back[:])
}

// The records of the page, sealed from the page with the standard library.
func TestWirePageRecords(t *testing.T) {
	v := vectors(t)
	gcm := must(cipher.NewGCM(must(aes.NewCipher(v["key i to r"]))))
	nonce := func(n uint64) []byte { return binary.BigEndian.AppendUint64(make([]byte, 4), n) }
	for n, record := range []struct {
		name  string
		typ   wire.Record
		plain []byte
	}{
		{"record 0", wire.RecordFin, nil},
		{"record 1", wire.RecordData, wire.AppendPing(nil, 1, 0)},
		{"record 2", wire.RecordClose, nil},
	} {
		header := wire.AppendRecordHeader(nil, record.typ, len(record.plain)+wire.RecordTag)
		if got := gcm.Seal(header, nonce(uint64(n)), record.plain, header); !bytes.Equal(got, v[record.name]) {
			t.Errorf("%s is %x, the page says %x", record.name, got, v[record.name])
		}
		typ, length, err := wire.ParseRecordHeader(v[record.name])
		if err != nil || typ != record.typ || length != len(v[record.name])-wire.RecordHeaderLen {
			t.Errorf("the header of %s says type %d and %d bytes, %v", record.name, typ, length, err)
		}
	}
	if got := gcm.Seal(nil, nonce(1<<64-1), make([]byte, 32), nil)[:32]; !bytes.Equal(got, v["next key"]) {
		t.Errorf("next key is %x, the page says %x", got, v["next key"])
	}
}

// The limits of the page are those of the package.
func TestWirePageLimits(t *testing.T) {
	page := wirePage(t)
	for what, n := range map[string]int{
		"| a record, without its header of 3 bytes | %s bytes |":   wire.RecordMax,
		"| a frame, without its length | %s bytes |":               wire.FrameMax,
		"| a body in one frame, data of an error | %s bytes |":     wire.BodyMax,
		"| a chunk | %s bytes |":                                   wire.ChunkMax,
		"| a header | %s bytes |":                                  wire.HdrMax,
		"| a name | %s bytes |":                                    wire.NameMax,
		"| names bound in a direction | %s |":                      wire.NamesMax,
		"| servers of a MULTI | %s |":                              wire.DstsMax,
		"| a code, a text | %s bytes, ":                            wire.CodeMax,
		" bytes, %s bytes |\n| levels":                             wire.TextMax,
		"| levels of arrays and maps | %s |":                       wire.NestMax,
		"| elements of an array, pairs of a map, in a body | %s |": wire.ItemsMax,
	} {
		if row := strings.Replace(what, "%s", grouped(n), 1); !strings.Contains(page, row) {
			t.Errorf("the page lacks %q", row)
		}
	}
}

// grouped writes n as people do.
func grouped(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%s,%03d", grouped(n/1000), n%1000)
}
