package measure

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/keys"
)

// Digest identifies a multiset of keys and its order, so that two results can
// tell whether they are of the same keys.
func Digest(set *keys.Set) string {
	h := sha256.New()
	var length [8]byte
	for i := range set.Distinct() {
		key := set.Key(i)
		binary.LittleEndian.PutUint64(length[:], uint64(len(key)))
		h.Write(length[:])
		h.Write([]byte(key))
	}
	for i := range set.Len() {
		binary.LittleEndian.PutUint64(length[:], uint64(set.Index(i)))
		h.Write(length[:])
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}
