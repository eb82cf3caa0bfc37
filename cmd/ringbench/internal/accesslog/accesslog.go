// Package accesslog makes an access log of a web shop that does not exist, in
// the combined format of Apache and nginx.
//
// The log has the shape of a real one, as far as the placement of keys goes: a
// few paths take most requests (the weight of a page is 1/rank), visitors come
// in sessions and fetch a page's images with it, traffic follows the hour, two
// crawlers walk everything evenly, a scanner asks for what is not there, some
// clients have IPv6 addresses, and about one line in 700 is damaged the way
// real ones are. All addresses are from ranges reserved for documentation and
// benchmarks, so that none is anybody's.
//
// The same [Config] gives the same bytes on every platform and with every
// version of Go: only integers are computed with, and PCG is fixed by its
// definition. The package keeps no state.
package accesslog

import (
	"bufio"
	"fmt"
	"io"
	"math/bits"
	"math/rand/v2"
	"time"
)

const (
	// DefaultLines is the number of lines of the log that ships.
	DefaultLines = 45_000
	// MaxLines is the largest number of lines of a log.
	MaxLines = 100_000_000
	// DefaultSeed is the seed of the log that ships.
	DefaultSeed = 1
)

// damage is how many lines there are to one damaged line.
const damage = 700

// Config says which log to make.
type Config struct {
	Lines int // 0 means [DefaultLines]
	Seed  uint64
}

// Write writes a log. It returns the error of w, or one about the config.
func Write(w io.Writer, c Config) error {
	if c.Lines == 0 {
		c.Lines = DefaultLines
	}
	if c.Lines < 0 || c.Lines > MaxLines {
		return fmt.Errorf("accesslog: %d lines: want 1 to %d", c.Lines, MaxLines)
	}
	b := bufio.NewWriterSize(w, 1<<16)
	g := newLog(c, b)
	for g.left > 0 {
		if err := g.second(); err != nil {
			return err
		}
	}
	return b.Flush()
}

// A log is a log being made, one second of traffic at a time.
type log struct {
	r        *rand.PCG
	w        *bufio.Writer
	left     int // lines still to write
	now      time.Time
	site     *site
	sessions []*session
	line     []byte
}

func newLog(c Config, w *bufio.Writer) *log {
	g := &log{
		r:    rand.NewPCG(c.Seed, 0x6163636573736c67), // "accesslg"
		w:    w,
		left: c.Lines,
		now:  time.Date(2025, time.March, 3, 0, 0, 0, 0, time.UTC),
	}
	g.site = newSite(g.below)
	g.sessions = append(g.sessions,
		&session{host: "192.0.2.17", agent: crawlers[0], crawl: 1, pause: 60},
		&session{host: "2001:db8:66::249", agent: crawlers[1], crawl: 7, pause: 150})
	return g
}

// below draws from 0 to n-1.
func (g *log) below(n int) int {
	hi, _ := bits.Mul64(g.r.Uint64(), uint64(n))
	return int(hi)
}

// busy is the chance, in thousandths, that a session begins in a second, by
// the hour of the day.
func busy(hour int) int {
	return [24]int{14, 10, 7, 6, 5, 7, 12, 21, 31, 39, 44, 45, 44, 42, 44, 44, 44, 41, 42, 46, 50, 44, 33, 22}[hour]
}

// second writes the requests of one second and moves on to the next.
func (g *log) second() error {
	if g.below(1000) < busy(g.now.Hour()) {
		g.sessions = append(g.sessions, g.visitor())
	}
	if g.now.Minute() == 40 && g.now.Second() == 0 && g.now.Hour()%5 == 2 {
		g.sessions = append(g.sessions, g.scanner())
	}
	alive := g.sessions[:0]
	for _, s := range g.sessions {
		if !s.next.After(g.now) {
			if err := g.turn(s); err != nil {
				return err
			}
		}
		if s.crawl > 0 || s.left > 0 {
			alive = append(alive, s)
		}
	}
	clear(g.sessions[len(alive):])
	g.sessions = alive
	g.now = g.now.Add(time.Second)
	return nil
}

// A request is one line of the log but for the client and the time.
type request struct {
	method, uri string
	status      int
	size        int
	referer     string
}

// emit writes the line of a request, and now and then a damaged one after it.
func (g *log) emit(s *session, q request) error {
	if g.left == 0 {
		return nil
	}
	if q.referer == "" {
		q.referer = "-"
	}
	size := "-"
	if q.size > 0 {
		size = fmt.Sprint(q.size)
	}
	user := s.user
	if user == "" {
		user = "-"
	}
	g.line = fmt.Appendf(g.line[:0], "%s - %s [%s] \"%s %s HTTP/1.1\" %d %s \"%s\" \"%s\"\n",
		s.host, user, g.stamp(), q.method, q.uri, q.status, size, q.referer, s.agent)
	g.left--
	if _, err := g.w.Write(g.line); err != nil {
		return err
	}
	if g.left > 0 && g.below(damage) == 0 {
		return g.damaged(s)
	}
	return nil
}

func (g *log) stamp() string { return g.now.Format("02/Jan/2006:15:04:05 -0700") }

// damaged writes a line that holds no request: what servers log when a client
// speaks TLS to a plain port or says nothing, or when a disk was full.
func (g *log) damaged(s *session) error {
	g.left--
	var err error
	switch g.below(4) {
	case 0:
		_, err = fmt.Fprintf(g.w, "%s - - [%s] \"-\" 408 - \"-\" \"-\"\n", s.host, g.stamp())
	case 1:
		_, err = fmt.Fprintf(g.w, "198.18.%d.%d - - [%s] \"\\x16\\x03\\x01\\x02\\x00\\x01\" 400 226 \"-\" \"-\"\n",
			g.below(256), g.below(256), g.stamp())
	case 2:
		_, err = fmt.Fprintf(g.w, "%s\n", g.line[:20+g.below(50)])
	default:
		_, err = g.w.WriteString("\n")
	}
	return err
}
