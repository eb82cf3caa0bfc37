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
	trimmed.Trim(1_500_000_100_000_000, vectorclock.DefaultPolicy)
	trimmed.Trim(1_500_000_100_000_000, vectorclock.Policy{Lower: 1, Upper: 1, Young: 5})
	for name, tt := range map[string]struct {
		clock        *vectorclock.Clock
		binary, cbor string
		hash         uint64
	}{
		"zero": {new(vectorclock.Clock),
			"564301000000",
			"81a0", 0},
		"plain": {&plain,
			"56430100030f0005616c7068610303696e6500016202000000000000000000002c0158020100c029f73d54050000010200fbffffffffffffff",
			"81a3616283190258241b0005543df729c00265616c7068618300241b0005543df729c00066616c70696e658319012c241b0005543df729c001", 0x6d5b72dda623e115},
		"uuids": {&uuids,
			"56430101022000112233445546778899aabbccddeefffedcba98765442108fedcba9876543210007000000000000000100000000000000000001030000000000000000000000701101",
			"81a2782430303131323233332d343435352d343637372d383839392d61616262636364646565666683070000782466656463626139382d373635342d343231302d386665642d63626139383736353433323183071a0001117001", 0x923a1c67c37fde1b},
		"trimmed": {&trimmed,
			"5643010201030001620058020000000000000002c029f73d54050000fbffffffffffffff01c029f73d5405002612c3c8e3d5651a",
			"83a1616283190258241b0005543df729c0021b0005543df729c0011b1a65d5e3c8c31226", 0x984f7d510ecd0fce},
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
