package pages_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"log"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/clusterluck/clusterluck/hashring"
	"github.com/zeebo/xxh3"
)

// What follows is a second implementation, written from docs/ring-format.md
// and shown there. The tests below hold it against the package.

const golden = 0x9e3779b97f4a7c15 // 2^64 divided by the golden ratio

func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// point returns the position of point i of a node.
func point(id string, i int) uint64 {
	return mix(xxh3.HashString(id)+uint64(i+1)*golden) >> 20
}

// owner returns the node that owns a key. It looks at every point: slow, and
// easy to compare with.
func owner(points map[string]int, probes int, key string) (best string) {
	nearest, hash := uint64(1<<44), xxh3.HashString(key)
	for range probes {
		id, distance := first(points, hash>>20)
		if distance < nearest { // not <=: the earlier probe wins a tie
			best, nearest = id, distance
		}
		hash = mix(hash + golden) // the next probe's
	}
	return best
}

// first returns the node of the first point at or after a position, and how
// far away it is clockwise.
func first(points map[string]int, position uint64) (best string, nearest uint64) {
	nearest = 1 << 44
	for id, n := range points {
		for i := range n {
			distance := (point(id, i) - position) & (1<<44 - 1)
			if distance < nearest || distance == nearest && id < best {
				best, nearest = id, distance
			}
		}
	}
	return best, nearest
}

func label(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// clusterluckOwner returns the node of the first label after the key's, or of
// the first label of all.
func clusterluckOwner(points map[string]int, key string) string {
	var after, lowest string
	owners := make(map[string]string)
	for id, n := range points {
		for i := 1; i <= n; i++ {
			l := label(id + "_" + strconv.Itoa(i))
			owners[l] = id
			if lowest == "" || l < lowest {
				lowest = l
			}
			if l > label(key) && (after == "" || l < after) {
				after = l
			}
		}
	}
	if after == "" {
		after = lowest
	}
	return owners[after]
}

// node returns the encoding of a node.
func node(id string, weight int, zone, meta string) []byte {
	b := text(nil, id)
	b = binary.AppendUvarint(b, uint64(weight))
	return text(text(b, zone), meta)
}

func text(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// fingerprint returns the fingerprint of a ring of encoded nodes.
func fingerprint(layout, points, probes uint64, nodes ...[]byte) [16]byte {
	var high, low uint64 // sums without carry between them
	for _, n := range nodes {
		h := xxh3.Hash128(n)
		high, low = high+h.Hi, low+h.Lo
	}
	var b []byte
	for _, v := range []uint64{layout, points, probes, uint64(len(nodes)), high, low} {
		b = binary.BigEndian.AppendUint64(b, v)
	}
	return xxh3.Hash128(b).Bytes() // big-endian
}

// The points and answers that docs/ring-format.md lists.
func Example_format() {
	fmt.Printf("%016x %011x %011x %011x\n", xxh3.HashString("a"), point("a", 0), point("a", 1), point("a", 159))
	fmt.Println(label("a_1"))
	fmt.Printf("%x\n", fingerprint(0, 160, 1, node("a", 1, "", ""), node("b", 2, "z", "m")))

	ring, err := hashring.New(hashring.Options{},
		hashring.Node{ID: "a"}, hashring.Node{ID: "b", Weight: 2, Zone: "z", Meta: "m"})
	if err != nil {
		log.Fatal(err)
	}
	data, err := ring.MarshalBinary()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(hex.EncodeToString(data))
	// Output:
	// e6c632b61e964e1f dbac1e875f4 9e8d7fa925e 3e67c4e683f
	// FCZnTEToh29Qz6U0OQwulaxmvF2xfukiKvLJonFN1ew=
	// afebfb9b64f5aee4fd830cfc2848f0f9
	// 434c48520100a00101afebfb9b64f5aee4fd830cfc2848f0f9020161010000016202017a016d
}

// The second implementation must answer as the package does.
func TestFormat(t *testing.T) {
	const keys = 300
	random := rand.New(rand.NewPCG(1, 2))
	for _, opts := range []hashring.Options{
		{Points: 7}, {Points: 5, Probes: 2}, {Points: 3, Probes: 5}, {Layout: hashring.Clusterluck, Points: 3},
	} {
		t.Run(fmt.Sprintf("%v/points=%d/probes=%d", opts.Layout, opts.Points, opts.Probes), func(t *testing.T) {
			ring, err := hashring.New(opts)
			if err != nil {
				t.Fatal(err)
			}
			points := make(map[string]int)
			for i := range 9 {
				n := hashring.Node{ID: fmt.Sprintf("node-%d", i), Weight: 1 + random.IntN(4)}
				if err := ring.Set(n); err != nil {
					t.Fatal(err)
				}
				points[n.ID] = n.Weight * opts.Points
			}
			for i := range keys {
				key := fmt.Sprintf("key-%d", i)
				want := clusterluckOwner(points, key)
				if opts.Layout == hashring.V1 {
					want = owner(points, max(opts.Probes, 1), key)
				}
				if got, _ := ring.Owner(key); got != want {
					t.Errorf("Owner(%q) = %s, by the page it is %s", key, got, want)
				}
			}
		})
	}
}

func TestFormatEncoding(t *testing.T) {
	ring, err := hashring.New(hashring.Options{Points: 300, Probes: 2},
		hashring.Node{ID: "b", Weight: 700, Zone: "z", Meta: "\xff"}, hashring.Node{ID: "a"})
	if err != nil {
		t.Fatal(err)
	}
	nodes := [][]byte{node("a", 1, "", ""), node("b", 700, "z", "\xff")}
	print := fingerprint(0, 300, 2, nodes...)
	if got := ring.Fingerprint(); got != print {
		t.Errorf("Fingerprint() = %x, by the page it is %x", got, print)
	}

	want := []byte("CLHR\x01\x00")
	want = binary.AppendUvarint(want, 300)
	want = binary.AppendUvarint(want, 2)
	want = append(want, print[:]...)
	want = binary.AppendUvarint(want, 2)
	want = append(append(want, nodes[0]...), nodes[1]...)
	if got, err := ring.MarshalBinary(); err != nil || !bytes.Equal(got, want) {
		t.Errorf("MarshalBinary() = %x, %v, by the page it is %x", got, err, want)
	}
}
