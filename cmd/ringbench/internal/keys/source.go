package keys

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/clusterluck/clusterluck/cmd/ringbench/data"
)

// Sources is what [Parse] accepts, for messages and help.
const Sources = "file:PATH (- is stdin), words, access, uniform, seq, uuid, zipf, hotspot or accesslog"

// A Source is where keys come from: a file, standard input, the data that
// ships, or a generator.
type Source struct {
	spec   string
	format Format
	path   string     // of a file; "-" is standard input
	gen    *generator // nil for text
	open   func() (io.Reader, error)
	used   Format // what the last Each read the text as
}

// Parse reads a spec:
//
//	file:PATH   a text, one record a line; gzip is unpacked; "-" is stdin.
//	            A name with a dot or a slash in it needs no "file:".
//	words       the word list that ships
//	access      the access log that ships
//	uniform:n=,len=             random keys
//	seq:n=,prefix=              prefix0, prefix1, ...
//	uuid:n=                     random UUIDs
//	zipf:n=,s=,distinct=        popularity 1/rank^s, s > 0
//	hotspot:n=,hot=,share=,distinct=  a few keys take a share of all
//	accesslog:n=                lines of an access log
//
// The format applies to texts; an accesslog is one. The error is a [SpecError].
func Parse(spec string, format Format) (*Source, error) {
	s := &Source{spec: spec, format: format}
	name, arg, hasArg := strings.Cut(spec, ":")
	bad := func(err error) (*Source, error) {
		return nil, &SpecError{What: "keys", Spec: spec, Err: err}
	}
	gen, err := newGenerator(name, arg)
	switch {
	case err != nil:
		return bad(err)
	case gen != nil && gen.text == nil:
		s.gen = gen
		if format.kind != kindAuto {
			return bad(fmt.Errorf("%s makes keys, not text; drop the format %s", name, format))
		}
	case gen != nil:
		s.gen = gen
		s.suggest(kindCombined)
	case name == "words" || name == "access":
		if hasArg {
			return bad(fmt.Errorf("%s takes no parameters", name))
		}
		if s.open = data.Words; name == "access" {
			s.open = data.Access
			s.suggest(kindCombined)
		}
	case name == "file" && hasArg:
		s.path = arg
	case spec == "-" || strings.ContainsAny(name, "./\\") || drive(name, arg):
		s.path = spec
	default:
		return bad(fmt.Errorf("no such source; use %s", Sources))
	}
	if s.gen == nil && s.open == nil && s.path == "" {
		return bad(errors.New("no file named; use file:PATH, or file:- for stdin"))
	}
	return s, nil
}

// drive reports whether a spec is a path of Windows, such as C:\x.log.
func drive(name, arg string) bool {
	return len(name) == 1 && arg != "" && (arg[0] == '\\' || arg[0] == '/')
}

// suggest sets the format unless the user chose one.
func (s *Source) suggest(k kind) {
	if s.format.kind == kindAuto {
		s.format = Format{kind: k, key: "path"}
	}
}

// String returns the spec as it was given.
func (s *Source) String() string { return s.spec }

// Name returns what to call the input in a message: the file, or the spec.
func (s *Source) Name() string {
	switch {
	case s.path == "-":
		return "stdin"
	case s.path != "":
		return s.path
	}
	return s.spec
}

// File reports whether the source is a file or standard input.
func (s *Source) File() bool { return s.path != "" }

// Format returns what the last [Source.Each] read the text as.
func (s *Source) Format() string { return s.used.String() }

// Size returns how many steps reading the source takes, as [Config.Progress]
// counts them: the bytes of a file, the keys or lines of a generator. It is 0 if
// nobody knows it in advance, as of standard input.
func (s *Source) Size() int64 {
	if s.gen != nil {
		return s.gen.n
	}
	if s.path == "" || s.path == "-" {
		return 0
	}
	info, err := os.Stat(s.path)
	if err != nil || !info.Mode().IsRegular() {
		return 0 // opening it will tell what is wrong
	}
	return info.Size()
}

// Config is what reading keys depends on besides the spec.
type Config struct {
	Seed  uint64    // of generators
	Stdin io.Reader // nil: standard input is empty
	// Limits bound what [Source.Load] holds.
	Limits Limits
	// Progress, if not nil, is called now and then with the number of steps made
	// since the last call: bytes of a file, lines of a generated log, records of
	// anything else. Another goroutine may call it, also after the end.
	Progress func(n int64)
}

// stepRecords is how many records one call of Progress tells of.
const stepRecords = 1 << 10

// counted returns yield with a count of its records for Progress.
func (c Config) counted(yield func(Record) error) (counting func(Record) error, rest func()) {
	n := int64(0)
	counting = func(r Record) error {
		if n++; n == stepRecords {
			c.Progress(n)
			n = 0
		}
		return yield(r)
	}
	return counting, func() { c.Progress(n) }
}

// A stepReader tells of the bytes that it reads, or of the lines in them.
type stepReader struct {
	io.Reader
	lines bool
	step  func(n int64)
}

// Read reads and tells.
func (s *stepReader) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if s.lines {
		s.step(int64(bytes.Count(p[:n], []byte("\n"))))
	} else {
		s.step(int64(n))
	}
	return n, err
}

// Each calls yield for every record, in input order, and returns which lines
// held none. It stops at the first error of yield and as soon as ctx is done.
//
// The error wraps fs.ErrNotExist for a missing file and [ErrNoKeys] if no line
// held a key; it is an [InputError] for anything wrong with the input.
func (s *Source) Each(ctx context.Context, c Config, yield func(Record) error) (Skips, error) {
	if c.Progress != nil && (s.Size() == 0 || !s.bySteps()) {
		var rest func()
		yield, rest = c.counted(yield)
		defer rest()
	}
	if s.gen != nil && s.gen.text == nil {
		err := s.gen.each(ctx, c.Seed, yield)
		return Skips{Lines: s.gen.n}, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	text, closeText, err := s.text(c)
	if err != nil {
		return Skips{}, err
	}
	defer closeText()
	return s.eachLine(ctx, newCtxReader(ctx, text), yield)
}

// Text reports whether the source is a text of its own, which [Source.WriteText]
// can write as it is: what ships, or a generated access log.
func (s *Source) Text() bool { return s.open != nil || (s.gen != nil && s.gen.text != nil) }

// WriteText copies the text of a source to w as it is, unpacked.
func (s *Source) WriteText(ctx context.Context, c Config, w io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	text, closeText, err := s.text(c)
	if err != nil {
		return err
	}
	defer closeText()
	_, err = io.Copy(w, newCtxReader(ctx, text))
	return err
}

// bySteps reports whether progress is told while the text is read, and not by
// its records.
func (s *Source) bySteps() bool { return s.gen == nil || s.gen.text != nil }

// text opens the text of the source and tells of what is read of it, if it is
// known how much that will be.
func (s *Source) text(c Config) (io.Reader, func(), error) {
	r, closeText, err := s.openText(c)
	if err == nil && c.Progress != nil && s.Size() > 0 {
		r = &stepReader{Reader: r, lines: s.gen != nil, step: c.Progress}
	}
	return r, closeText, err
}

func (s *Source) openText(c Config) (io.Reader, func(), error) {
	none := func() {}
	switch {
	case s.gen != nil:
		r, w := io.Pipe()
		go func() { w.CloseWithError(s.gen.text(w, c.Seed)) }()
		return r, func() { r.Close() }, nil
	case s.open != nil:
		r, err := s.open()
		return r, none, err
	case s.path == "-":
		if c.Stdin == nil {
			return strings.NewReader(""), none, nil
		}
		return c.Stdin, none, nil
	}
	f, err := os.Open(s.path)
	if err != nil {
		return nil, nil, err
	}
	return f, func() { f.Close() }, nil
}

// eachLine unpacks the text, finds its format and reads its records.
func (s *Source) eachLine(ctx context.Context, text io.Reader, yield func(Record) error) (skips Skips, err error) {
	text, packed, err := unpack(text)
	if err != nil {
		return skips, s.fail(ctx, 0, packed, err)
	}
	lines := newLineReader(text)
	s.used = s.format
	if s.used.kind == kindAuto {
		s.used = detect(lines.r)
	}
	defer func() { skips.Lines = lines.n }()
	stopped := false
	good := int64(0)
	counted := func(r Record) error {
		good++
		err := yield(r)
		stopped = err != nil
		return err
	}
	if s.used.kind == kindCSV {
		err = s.used.eachCSV(ctx, s.Name(), lines, &skips, counted)
	} else {
		err = s.used.eachLine(ctx, lines, &skips, counted)
	}
	var input *InputError
	switch {
	case stopped || errors.As(err, &input):
		return skips, err
	case err != nil:
		return skips, s.fail(ctx, lines.n+1, packed, err)
	case good == 0:
		return skips, s.nothing(&skips, lines.n)
	}
	return skips, nil
}

func (f Format) eachLine(ctx context.Context, lines *lineReader, skips *Skips, yield func(Record) error) error {
	record := f.records()
	for {
		line, why, err := lines.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if lines.n&0xff == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		var r Record
		if why == nil {
			r, why = record(line)
		}
		if why != nil {
			skips.add(lines.n, why, line)
			continue
		}
		r.Line = lines.n
		if err := yield(r); err != nil {
			return err
		}
	}
}

// fail names the file and the line of a failed read.
func (s *Source) fail(ctx context.Context, line int64, packed bool, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err // the message names the file already
	}
	if packed {
		err = fmt.Errorf("the gzip data is damaged or cut off (%w); nothing behind this line could be read", err)
	}
	return &InputError{Source: s.Name(), Line: line, Err: err}
}

// nothing explains input without a single key.
func (s *Source) nothing(skips *Skips, lines int64) error {
	err := fmt.Errorf("%w: the input is empty", ErrNoKeys)
	if skips.Total > 0 {
		first := skips.First[0]
		err = fmt.Errorf("%w: none of the %d lines is in the format %s; the first, line %d: %s; use --format %s",
			ErrNoKeys, lines, s.used, first.Line, first.Reason, Formats)
	} else if lines > 0 {
		err = fmt.Errorf("%w: there is only a header line", ErrNoKeys)
	}
	return &InputError{Source: s.Name(), Err: err}
}

// unpack returns the text of gzip data, which it knows by the first two bytes,
// and any other text as it is.
func unpack(r io.Reader) (text io.Reader, packed bool, err error) {
	b := bufio.NewReaderSize(r, 1<<16)
	magic, err := b.Peek(2)
	if err != nil && err != io.EOF {
		return nil, false, err
	}
	if !slices.Equal(magic, []byte{0x1f, 0x8b}) {
		return b, false, nil
	}
	z, err := gzip.NewReader(b)
	return z, true, err
}

// detect looks at the first lines: a text is an access log if more than half of
// them are lines of one.
func detect(r *bufio.Reader) Format {
	const looked = 20
	// Peek fills the buffer as far as the input goes; a short read is no error
	// here, and a failed one comes back when the line is read.
	_, _ = r.Peek(1)
	start, _ := r.Peek(min(r.Buffered(), LineMax))
	lines, combined := 0, 0
	for line := range strings.SplitSeq(string(start), "\n") {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if lines++; lines > looked {
			break
		}
		if _, why := parseCombined(line); why == nil {
			combined++
		}
	}
	if 2*combined > lines {
		return Format{kind: kindCombined, key: "path"}
	}
	return Format{kind: kindLines}
}
