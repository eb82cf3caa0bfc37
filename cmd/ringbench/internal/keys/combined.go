package keys

import (
	"bytes"
	"net/url"
	"slices"
	"strings"
	"time"
)

// combinedTime is the time of an access log, between its brackets.
const combinedTime = "02/Jan/2006:15:04:05 -0700"

func combinedField(s string) bool {
	return slices.Contains([]string{"path", "uri", "host", "user", "agent"}, s)
}

// A Combined is one line of an access log in the combined format of Apache and
// nginx, or in the common format, which lacks the last two fields.
type Combined struct {
	Host, Ident, User string
	Time              time.Time
	Method, URI       string
	Protocol          string
	Status            string
	Bytes             string
	Referer, Agent    string
	Common            bool // the line lacks the last two fields
}

// ParseCombined reads one line without its ending. The error says what is
// wrong with the line.
func ParseCombined(line string) (Combined, error) {
	c, why := parseCombined(line)
	if why != nil {
		return Combined{}, why
	}
	return c, nil
}

func parseCombined(line string) (Combined, *lineError) {
	var c Combined
	rest := line
	for _, field := range []*string{&c.Host, &c.Ident, &c.User} {
		var ok bool
		if *field, rest, ok = strings.Cut(rest, " "); !ok || *field == "" {
			return c, skip("not an access log line; want host, ident and user")
		}
	}
	stamp, rest, ok := strings.Cut(strings.TrimPrefix(rest, "["), "] ")
	if !ok {
		return c, skip("no time in brackets")
	}
	at, err := time.Parse(combinedTime, stamp)
	if err != nil || !sane(at) {
		return c, skipf("bad time", "%q; want 10/Oct/2000:13:55:36 -0700", stamp)
	}
	c.Time = at
	request, rest, ok := cutQuoted(rest)
	if !ok {
		return c, skip("no request in quotes")
	}
	if why := c.parseRequest(request); why != nil {
		return c, why
	}
	if why := c.parseReply(rest); why != nil {
		return c, why
	}
	return c, nil
}

// parseRequest reads "GET /index.html HTTP/1.1".
func (c *Combined) parseRequest(s string) *lineError {
	method, rest, ok := strings.Cut(s, " ")
	if !ok || method == "" {
		return skip("request without a method and a path")
	}
	space := strings.LastIndexByte(rest, ' ')
	if space < 1 || !strings.HasPrefix(rest[space+1:], "HTTP/") {
		return skip("request without a protocol")
	}
	c.Method, c.URI, c.Protocol = method, rest[:space], rest[space+1:]
	return nil
}

// parseReply reads the status, the size and, in the combined format, the
// referer and the agent. What follows those is ignored: servers append fields
// of their own.
func (c *Combined) parseReply(s string) *lineError {
	var ok bool
	if c.Status, s, ok = strings.Cut(s, " "); !ok || len(c.Status) != 3 || !digits(c.Status) {
		return skipf("no status", "%q", c.Status)
	}
	c.Bytes, s, ok = strings.Cut(s, " ")
	if c.Bytes != "-" && !digits(c.Bytes) {
		return skipf("no size", "%q", c.Bytes)
	}
	if !ok {
		c.Common = true
		return nil
	}
	if c.Referer, s, ok = cutQuoted(s); !ok {
		return skip("no referer in quotes")
	}
	if c.Agent, _, ok = cutQuoted(s); !ok {
		return skip("no agent in quotes")
	}
	return nil
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// cutQuoted takes a quoted string off the front of s, and the space behind it.
// A backslash escapes the next character; \xhh escapes stay as they are.
func cutQuoted(s string) (text, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		return "", s, false
	}
	escaped := false
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			escaped = true
			i++
		case '"':
			text, rest = s[1:i], strings.TrimPrefix(s[i+1:], " ")
			if escaped {
				text = strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(text)
			}
			return text, rest, true
		}
	}
	return "", s, false
}

// Path returns the path of the request without its query. It is "" if the
// request names none, as in "OPTIONS *".
func (c Combined) Path() string {
	path := c.URI
	if !strings.HasPrefix(path, "/") {
		u, err := url.Parse(path)
		if err != nil || u.Host == "" {
			return ""
		}
		path = path[strings.Index(path, "://")+3:]
		slash := strings.IndexByte(path, '/')
		if slash < 0 {
			return "/"
		}
		path = path[slash:]
	}
	if i := strings.IndexAny(path, "?#"); i >= 0 {
		path = path[:i]
	}
	return path
}

// combinedRecord returns the parser that takes one field as the key.
func combinedRecord(field string) func(line []byte) (Record, *lineError) {
	return func(line []byte) (Record, *lineError) {
		c, why := parseCombined(string(bytes.TrimSpace(line)))
		if why != nil {
			return Record{}, why
		}
		key := ""
		switch field {
		case "path":
			key = c.Path()
		case "uri":
			key = c.URI
		case "host":
			key = c.Host
		case "user":
			key = c.User
		case "agent":
			key = c.Agent
			if c.Common {
				return Record{}, skip("no agent: the line is in the common format")
			}
		}
		if key == "" || (key == "-" && field != "uri") {
			return Record{}, skipf("no "+field, "%q", key)
		}
		return Record{Key: []byte(key), Time: c.Time}, nil
	}
}
