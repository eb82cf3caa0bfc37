package topology

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/clusterluck/clusterluck/hashring"
)

// sizeMax is the length of the longest topology, in bytes.
const sizeMax = 256 << 20

// ErrEmpty reports a topology without a node.
var ErrEmpty = errors.New("no nodes")

// An Error says what is wrong with a topology, and where.
type Error struct {
	File string // as the user named it
	Line int    // from 1; 0 if no line is to blame
	Err  error
}

func (e *Error) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err)
	}
	return fmt.Sprintf("%s: %v", e.File, e.Err)
}

// Unwrap returns the cause, such as [ErrEmpty] or [hashring.ErrDuplicate].
func (e *Error) Unwrap() error { return e.Err }

// A Form is how a topology was written.
type Form string

// The forms that [Read] knows.
const (
	Ring    Form = "ring"    // JSON of hashring's MarshalJSON
	JSON    Form = "json"    // {"nodes": [...], "options": {...}} or [...]
	Text    Form = "text"    // a node a line: id, weight, zone
	Inspect Form = "inspect" // what clusterluck inspect prints
	Nodes   Form = "nodes"   // what clusterluck nodes prints
	Weighed Form = "weights" // what clusterluck weights prints
)

// A Topology is the nodes and options of a ring, as an input states them.
type Topology struct {
	Name    string
	Form    Form
	Options hashring.Options
	Stated  Stated
	Nodes   []hashring.Node // in input order
	// Notes tell the user what the input left open and what was assumed.
	Notes []string
}

// Stated says which options the input fixes; the others are defaults.
type Stated struct{ Layout, Points, Probes bool }

// Load reads the topology at a path. "-" is standard input. The error wraps
// fs.ErrNotExist if there is no such file, and is an [Error] if what it holds
// is no topology.
func Load(path string, stdin io.Reader) (*Topology, error) {
	if path == "-" {
		if stdin == nil {
			stdin = bytes.NewReader(nil)
		}
		return Read("stdin", stdin)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return Read(path, f)
}

// Read reads a topology; name is what errors call it.
func Read(name string, r io.Reader) (*Topology, error) {
	data, err := io.ReadAll(io.LimitReader(r, sizeMax+1))
	if err != nil {
		var path *fs.PathError
		if errors.As(err, &path) {
			err = path.Err
		}
		return nil, &Error{File: name, Err: err}
	}
	if len(data) > sizeMax {
		return nil, &Error{File: name, Err: fmt.Errorf("more than %d bytes; is this a topology?", sizeMax)}
	}
	return Parse(name, data)
}

// Parse reads a topology from memory.
func Parse(name string, data []byte) (*Topology, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	p := &parser{name: name, data: data, seen: make(map[string]int)}
	p.top.Name = name
	if i := bytes.IndexByte(data, 0); i >= 0 {
		return nil, p.at(i, errors.New("a NUL byte; a topology is JSON or text"))
	}
	var err error
	switch start := bytes.TrimSpace(data); {
	case len(start) > 0 && (start[0] == '{' || start[0] == '['):
		// Decoding would replace the bytes, and the ids would be others.
		if i := invalid(data); i >= 0 {
			return nil, p.at(i, errors.New("not UTF-8, which JSON must be"))
		}
		err = p.json()
	default:
		err = p.text()
	}
	if err != nil {
		return nil, err
	}
	if len(p.top.Nodes) == 0 {
		return nil, &Error{File: name, Err: fmt.Errorf("%w; write one a line: id, weight, zone", ErrEmpty)}
	}
	return &p.top, nil
}

// invalid returns the offset of the first byte that is not UTF-8, or -1.
func invalid(data []byte) int {
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}

// Override replaces options that the input leaves open; zero values and a nil
// layout change nothing. It refuses to contradict the input.
func (t *Topology) Override(layout *hashring.Layout, points, probes int) error {
	contradicts := func(what string, stated, given any) error {
		return &Error{File: t.Name, Err: fmt.Errorf("it states %s %v, which --%s %v contradicts: %w; drop the flag, or change the file",
			what, stated, what, given, hashring.ErrOptions)}
	}
	if layout != nil && t.Stated.Layout && *layout != t.Options.Layout {
		return contradicts("layout", t.Options.Layout, *layout)
	}
	if points != 0 && t.Stated.Points && points != t.Options.Points {
		return contradicts("points", t.Options.Points, points)
	}
	if probes != 0 && t.Stated.Probes && probes != t.Options.Probes {
		return contradicts("probes", t.Options.Probes, probes)
	}
	if layout != nil {
		t.Options.Layout = *layout
	}
	if points != 0 {
		t.Options.Points = points
	}
	if probes != 0 {
		t.Options.Probes = probes
	}
	return nil
}

// Ring builds the ring.
func (t *Topology) Ring() (*hashring.Ring, error) {
	r, err := hashring.New(t.Options, t.Nodes...)
	if err != nil {
		return nil, &Error{File: t.Name, Err: err}
	}
	return r, nil
}

// Numbered returns n nodes node-1 to node-n, each of weight 1.
func Numbered(n int) []hashring.Node {
	nodes := make([]hashring.Node, n)
	for i := range nodes {
		nodes[i] = hashring.Node{ID: "node-" + strconv.Itoa(i+1), Weight: 1}
	}
	return nodes
}

// A parser reads one input.
type parser struct {
	name string
	data []byte
	top  Topology
	seen map[string]int // the line of each id
}

// at returns an error at an offset of the input.
func (p *parser) at(offset int, err error) error {
	return &Error{File: p.name, Line: p.line(offset), Err: err}
}

func (p *parser) line(offset int) int {
	return 1 + bytes.Count(p.data[:min(max(offset, 0), len(p.data))], []byte("\n"))
}

// add checks a node and appends it.
func (p *parser) add(line int, n hashring.Node) error {
	err := check(n)
	if first, twice := p.seen[n.ID]; err == nil && twice {
		err = fmt.Errorf("node %q is on line %d already: %w; remove one", n.ID, first, hashring.ErrDuplicate)
	}
	if err == nil && len(p.top.Nodes) == hashring.MaxNodes {
		err = fmt.Errorf("%w: at most %d", hashring.ErrTooManyNodes, hashring.MaxNodes)
	}
	if err != nil {
		return &Error{File: p.name, Line: line, Err: err}
	}
	p.seen[n.ID] = line
	p.top.Nodes = append(p.top.Nodes, n)
	return nil
}

// check repeats the rules of hashring, which cannot name a line.
func check(n hashring.Node) error {
	switch {
	case n.ID == "":
		return fmt.Errorf("a node without an id: %w", hashring.ErrID)
	case len(n.ID) > hashring.MaxIDLen:
		return fmt.Errorf("node id %.20q... of %d bytes: at most %d: %w", n.ID, len(n.ID), hashring.MaxIDLen, hashring.ErrID)
	case !utf8.ValidString(n.ID):
		return fmt.Errorf("node id %q is not UTF-8: %w", n.ID, hashring.ErrID)
	case n.Weight < 1 || n.Weight > hashring.MaxWeight:
		return fmt.Errorf("node %q: weight %d: want 1 to %d: %w", n.ID, n.Weight, hashring.MaxWeight, hashring.ErrWeight)
	case len(n.Zone) > hashring.MaxIDLen || !utf8.ValidString(n.Zone):
		return fmt.Errorf("node %q: zone of %d bytes: want UTF-8 of at most %d: %w", n.ID, len(n.Zone), hashring.MaxIDLen, hashring.ErrID)
	}
	return nil
}

// text reads a node a line: id, weight, zone. A field that starts with "#"
// starts a comment.
func (p *parser) text() error {
	p.top.Form = Text
	number := 0
	for line := range bytes.Lines(p.data) {
		number++
		fields := bytes.Fields(line)
		if i := slices.IndexFunc(fields, func(f []byte) bool { return f[0] == '#' }); i >= 0 {
			fields = fields[:i]
		}
		if len(fields) == 0 {
			continue
		}
		n := hashring.Node{ID: string(fields[0]), Weight: 1}
		if len(fields) > 3 {
			return &Error{File: p.name, Line: number, Err: fmt.Errorf("%d fields; want id, weight, zone", len(fields))}
		}
		if len(fields) > 1 {
			w, err := strconv.Atoi(string(fields[1]))
			if err != nil {
				return &Error{File: p.name, Line: number, Err: fmt.Errorf(
					"weight %q is no number; a line is id, weight, zone: %w", fields[1], hashring.ErrWeight)}
			}
			n.Weight = w
		}
		if len(fields) > 2 {
			n.Zone = string(fields[2])
		}
		if err := p.add(number, n); err != nil {
			return err
		}
	}
	return nil
}
