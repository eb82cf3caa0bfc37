// Package keys makes the keys and the node ids that every measurement uses.
package keys

import (
	_ "embed"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"unsafe"
)

// words is a sample of Debian's wamerican word list; words.COPYRIGHT has its
// licence.
//
//go:embed words.txt
var words string

// Mixed returns n distinct keys: a third random UUIDs, a third "user:N", a
// third one to three English words. The same seed gives the same keys.
//
// The order is a random permutation, so that no predictor and no cache learns
// from one key where the next one lies on a ring. The bytes of the keys stand
// in one block in the order of the slice, so that the hardware prefetches them
// and the cost of reading a key is small and the same for every contender.
func Mixed(n int, seed uint64) []string {
	rnd := rand.New(rand.NewPCG(seed, 0x6b657973))
	list := strings.Fields(words)
	keys := make([]string, n)
	for i := range keys {
		switch i % 3 {
		case 0:
			keys[i] = uuid(rnd)
		case 1:
			keys[i] = "user:" + strconv.Itoa(i/3)
		case 2:
			keys[i] = phrase(list, i/3)
		}
	}
	rnd.Shuffle(n, func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	return packed(keys)
}

// packed returns the keys with their bytes moved into one block.
func packed(keys []string) []string {
	size := 0
	for _, k := range keys {
		size += len(k)
	}
	block := make([]byte, 0, size)
	out := make([]string, len(keys))
	for i, k := range keys {
		start := len(block)
		block = append(block, k...)
		// The block never grows and is never written again.
		out[i] = unsafe.String(&block[start], len(k))
	}
	return out
}

func uuid(rnd *rand.Rand) string {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:8], rnd.Uint64())
	binary.LittleEndian.PutUint64(b[8:], rnd.Uint64())
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// phrase is the i-th sequence of words: single words first, then pairs, then
// triples.
func phrase(list []string, i int) string {
	n := len(list)
	switch {
	case i < n:
		return list[i]
	case i < n+n*n:
		// The multiplier spreads first words over the list: neighbours of one
		// first word are n/2.6 places apart.
		i -= n
		return list[(i*1553)%n] + " " + list[i/n]
	}
	i -= n + n*n
	return list[i%n] + " " + list[i/n%n] + " " + list[i/n/n%n]
}

// Nodes returns the ids of n nodes.
func Nodes(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = Node(i)
	}
	return out
}

// Node returns the id of one node.
func Node(i int) string { return fmt.Sprintf("node-%05d", i) }
