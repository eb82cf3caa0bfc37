package vectorclock_test

import (
	"encoding/hex"
	"testing"

	"github.com/clusterluck/clusterluck/vectorclock"
)

// The encodings are frozen: what is written today must be read for ever, and
// written alike on every platform.
func TestWireIsFrozen(t *testing.T) {
	var plain, uuids, trimmed vectorclock.Clock
	for i, actor := range []string{"alpha", "alpine", "b"} {
		if _, err := plain.Set(actor, uint64(i)*300, 1_500_000_000_000_000+int64(i), -5); err != nil {
			t.Fatal(err)
		}
	}
	for i, actor := range []string{"00112233-4455-4677-8899-aabbccddeeff", "fedcba98-7654-4210-8fed-cba987654321"} {
		if _, err := uuids.Set(actor, 7, int64(i), int64(i)*70_000); err != nil {
			t.Fatal(err)
		}
	}
	trimmed = plain.Clone()
	trimmed.Trim(1_500_000_100_000_000, vectorclock.DefaultPolicy())
	trimmed.Trim(1_500_000_100_000_000, vectorclock.Policy{Lower: 1, Upper: 1, Young: 5})
	for name, tt := range map[string]struct {
		clock        *vectorclock.Clock
		binary, cbor string
		hash         uint64
	}{
		"zero": {new(vectorclock.Clock),
			"431000",
			"81a0", 0x5692161d100b05e5},
		"plain": {&plain,
			"4310030f0005616c7068610303696e650001620200002c01580271008053ee7ba80a00010270098053ee7ba80a",
			"81a3616283190258241b0005543df729c00265616c7068618300241b0005543df729c00066616c70696e658319012c241b0005543df729c001", 0xe32a29a58f779754},
		"uuids": {&uuids,
			"43110200112233445546778899aabbccddeefffedcba98765442108fedcba987654321100e01000103000000701101",
			"81a2782430303131323233332d343435352d343637372d383839392d61616262636364646565666683070000782466656463626139382d373635342d343231302d386665642d63626139383736353433323183071a0001117001", 0x745933af5e200d2b},
		"trimmed": {&trimmed,
			"4312010300016220b00470048053ee7ba80a700d8053ee7ba80a01c029f73d540500d3fa7695dc5e93a9",
			"83a1616283190258241b0005543df729c0021b0005543df729c0011ba9935edc9576fad3", 0x5d46247a8c3ca8b0},
	} {
		data, err := tt.clock.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		packed, err := tt.clock.MarshalCBOR()
		if err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(data); got != tt.binary {
			t.Errorf("%s: binary %s, want %s", name, got, tt.binary)
		}
		if got := hex.EncodeToString(packed); got != tt.cbor {
			t.Errorf("%s: CBOR %s, want %s", name, got, tt.cbor)
		}
		if got := tt.clock.Hash(); got != tt.hash {
			t.Errorf("%s: hash %#x, want %#x", name, got, tt.hash)
		}
	}
}
