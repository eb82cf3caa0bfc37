package fuzz_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/clusterluck/clusterluck/hashring"
	"github.com/leanovate/gopter"
	"github.com/leanovate/gopter/prop"
)

// What is stored must come back as it was, in either encoding, into a new ring
// or over an old one; and equal rings must have equal bytes, so that bytes can
// be compared and signed.
func TestDecodeUndoesEncode(t *testing.T) {
	codecs := []struct {
		name   string
		encode func(*hashring.Ring) ([]byte, error)
		decode func([]byte, hashring.Limits) (*hashring.Ring, error)
		over   func(*hashring.Ring, []byte) error
	}{
		{"binary", (*hashring.Ring).MarshalBinary, hashring.Decode, (*hashring.Ring).UnmarshalBinary},
		{"JSON", (*hashring.Ring).MarshalJSON, hashring.DecodeJSON, (*hashring.Ring).UnmarshalJSON},
		{
			"JSON of encoding/json",
			func(r *hashring.Ring) ([]byte, error) { return json.Marshal(r) },
			hashring.DecodeJSON,
			func(r *hashring.Ring, data []byte) error { return json.Unmarshal(data, r) },
		},
	}
	props := gopter.NewProperties(lawful(300, 8))
	for _, codec := range codecs {
		props.Property(codec.name, prop.ForAll(
			func(o hashring.Options, x []hashring.Node, p hashring.Options, y []hashring.Node, changes []change) string {
				r := ring(o, x)
				applyEach(r, changes)
				data := must(codec.encode(r))
				decoded := must(codec.decode(data, hashring.Limits{}))
				over := ring(p, y)
				if err := codec.over(over, data); err != nil {
					return err.Error()
				}
				if again := must(codec.encode(over)); !bytes.Equal(again, data) {
					return "equal rings have different bytes"
				}
				return same(decoded, r) + same(over, r)
			}, genOptions(), genNodes(), genOptions(), genNodes(), genChanges()))
	}
	props.TestingRun(t)
}
