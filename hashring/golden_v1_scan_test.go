package hashring_test

import (
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/clusterluck/clusterluck/hashring"
	"github.com/zeebo/xxh3"
)

// A v1Scan is layout v1 as docs/ring-format.md has it, by scanning all points.
// It shares no code with the package.
type v1Scan struct {
	v1Ring
	points []v1Point // clockwise
}

type v1Point struct {
	at uint64
	id string
}

func (p v1Point) line() string { return fmt.Sprintf("%011x %s", p.at, p.id) }

func v1Mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	x ^= x >> 31
	return x
}

const (
	v1Gamma  = 0x9e3779b97f4a7c15
	v1Circle = 1 << 44
)

func newV1Scan(r v1Ring) *v1Scan {
	s := &v1Scan{v1Ring: r}
	for _, n := range r.nodes {
		state := xxh3.HashString(n.ID)
		for range n.Weight * r.Points {
			state += v1Gamma
			s.points = append(s.points, v1Point{v1Mix(state) >> 20, n.ID})
		}
	}
	slices.SortFunc(s.points, func(p, q v1Point) int { return cmp.Or(cmp.Compare(p.at, q.at), cmp.Compare(p.id, q.id)) })
	return s
}

// start returns the index of the point that wins a hash.
func (s *v1Scan) start(h uint64) int {
	winner, nearest := 0, uint64(v1Circle)
	for range s.Probes {
		at, first := h>>20, 0
		for i, p := range s.points {
			if p.at >= at {
				first = i
				break
			}
		}
		if distance := (s.points[first].at + v1Circle - at) % v1Circle; distance < nearest {
			winner, nearest = first, distance
		}
		h = v1Mix(h + v1Gamma)
	}
	return winner
}

// distinct returns the nodes met from a point on, each once, at most n.
func (s *v1Scan) distinct(from, step, n int) []string {
	var ids []string
	for i := range s.points {
		at := (from + i*step + 2*len(s.points)) % len(s.points)
		if id := s.points[at].id; len(ids) < n && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// others is distinct without the node of the point itself.
func (s *v1Scan) others(from, step, n int) (ids []string) {
	return append(ids, s.distinct(from, step, n+1)[1:]...)
}

func (s *v1Scan) zoneOwners(from, n int) (ids []string) {
	zone := make(map[string]string)
	for _, n := range s.nodes {
		zone[n.ID] = n.Zone
	}
	var passed, zones []string
	for _, id := range s.distinct(from, 1, len(s.nodes)) {
		if slices.Contains(zones, zone[id]) {
			passed = append(passed, id)
			continue
		}
		ids, zones = append(ids, id), append(zones, zone[id])
	}
	ids = append(ids, passed...)
	return ids[:min(n, len(ids))]
}

// before returns the index of the last point strictly before a hash.
func (s *v1Scan) before(h uint64) int {
	last := len(s.points) - 1
	for i, p := range s.points {
		if p.at < h>>20 {
			last = i
		}
	}
	return last
}

// answer returns the ring with its answers.
func (s *v1Scan) answer() v1Ring {
	r := s.v1Ring
	r.Fingerprint = hex.EncodeToString(s.fingerprint())
	r.Binary, r.JSON = hex.EncodeToString(s.binary()), s.json()
	r.Nodes, r.Size = v1Nodes(r.nodes), len(s.points)
	var lines []string
	arcs := make(map[string]uint64)
	for i, p := range s.points {
		lines = append(lines, p.line())
		arcs[p.id] += (p.at-s.points[(i+r.Size-1)%r.Size].at-1)%v1Circle + 1
	}
	r.points(lines)
	for _, n := range s.sorted() {
		if r.Probes == 1 {
			r.Arcs = append(r.Arcs, fmt.Sprint(n.ID, " ", arcs[n.ID]))
		}
		first := slices.Index(s.points, v1Point{v1Mix(xxh3.HashString(n.ID)+v1Gamma) >> 20, n.ID})
		r.Neighbors = append(r.Neighbors, v1Neighbors{n.ID, s.others(first, 1, 3), s.others(first, -1, 3)})
	}
	for _, key := range v1Keys() {
		h := xxh3.HashString(key)
		k := v1Key{Key: strconv.QuoteToASCII(key), Hash: fmt.Sprintf("%016x", h)}
		if len(s.points) > 0 {
			from := s.start(h)
			k.Owners, k.ZoneOwners, k.Preceding = s.distinct(from, 1, 4), s.zoneOwners(from, 4), s.distinct(s.before(h), -1, 3)
		}
		r.Keys = append(r.Keys, k)
	}
	for _, h := range s.edges() {
		owner := ""
		if len(s.points) > 0 {
			owner = s.points[s.start(h)].id
		}
		r.Hashes = append(r.Hashes, v1Hash{fmt.Sprintf("%016x", h), owner})
	}
	return r
}

// edges returns hashes at points, one position before them and behind them, and
// at the ends of the circle.
func (s *v1Scan) edges() []uint64 {
	hashes := []uint64{0, 1<<64 - 1}
	for i := 0; i < len(s.points); i += 1 + len(s.points)/8 {
		at := s.points[i].at
		hashes = append(hashes, (at-1)<<20|0xfffff, at<<20, at<<20|0xfffff, (at+1)<<20)
	}
	return hashes
}

func (s *v1Scan) sorted() []hashring.Node {
	return slices.SortedFunc(slices.Values(s.nodes), func(a, b hashring.Node) int { return cmp.Compare(a.ID, b.ID) })
}

// v1Node returns the encoding of a node.
func v1Node(n hashring.Node) (b []byte) {
	text := func(s string) { b = append(binary.AppendUvarint(b, uint64(len(s))), s...) }
	text(n.ID)
	b = binary.AppendUvarint(b, uint64(n.Weight))
	text(n.Zone)
	text(n.Meta)
	return b
}

func (s *v1Scan) fingerprint() []byte { return rawFingerprint(0, s.Points, s.Probes, s.nodes) }

// rawFingerprint is the fingerprint of any layout.
func rawFingerprint(layout byte, points, probes int, nodes []hashring.Node) []byte {
	var high, low uint64
	for _, n := range nodes {
		h := xxh3.Hash128(v1Node(n))
		high, low = high+h.Hi, low+h.Lo
	}
	var b []byte
	for _, v := range []uint64{uint64(layout), uint64(points), uint64(probes), uint64(len(nodes)), high, low} {
		b = binary.BigEndian.AppendUint64(b, v)
	}
	h := xxh3.Hash128(b)
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, h.Hi), h.Lo)
}

func (s *v1Scan) binary() []byte {
	b := append([]byte("CLHR"), 1, 0)
	b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(s.Points)), uint64(s.Probes))
	b = append(b, s.fingerprint()...)
	b = binary.AppendUvarint(b, uint64(len(s.nodes)))
	for _, n := range s.sorted() {
		b = append(b, v1Node(n)...)
	}
	return b
}

func (s *v1Scan) json() json.RawMessage {
	var nodes []string
	for _, n := range s.sorted() {
		fields := fmt.Sprintf(`{"id":%s,"weight":%d`, v1Quote(n.ID), n.Weight)
		if n.Zone != "" {
			fields += `,"zone":` + v1Quote(n.Zone)
		}
		switch {
		case n.Meta != strings.ToValidUTF8(n.Meta, "?"):
			fields += `,"meta_base64":` + v1Quote([]byte(n.Meta))
		case n.Meta != "":
			fields += `,"meta":` + v1Quote(n.Meta)
		}
		nodes = append(nodes, fields+"}")
	}
	return json.RawMessage(fmt.Sprintf(`{"version":1,"layout":"v1","points":%d,"probes":%d,"fingerprint":"%x","nodes":[%s]}`,
		s.Points, s.Probes, s.fingerprint(), strings.Join(nodes, ",")))
}

// v1Quote returns the JSON of text, or the base64 of bytes.
func v1Quote(v any) string {
	quoted, _ := json.Marshal(v) // neither can fail
	return string(quoted)
}
