package accesslog

import (
	"fmt"
	"time"
)

// A session is one client and what it is about to do.
type session struct {
	host, user, agent string
	next              time.Time // when it acts again
	left              int       // pages still to see, or probes to send
	last              string    // the page it is on
	crawl             int       // a crawler's next page plus 1; 0 for others
	pause             int       // seconds between a crawler's pages
	scan              bool
}

var agents = [...]string{
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/133.0.0.0 Safari/537.36",
	"Mozilla/5.0 (iPhone; CPU iPhone OS 18_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.3 Mobile/15E148 Safari/604.1",
	"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/133.0.0.0 Mobile Safari/537.36",
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.3 Safari/605.1.15",
	"Mozilla/5.0 (X11; Linux x86_64; rv:135.0) Gecko/20100101 Firefox/135.0",
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:135.0) Gecko/20100101 Firefox/135.0",
	"curl/8.12.1",
}

var crawlers = [...]string{
	"Mozilla/5.0 (compatible; examplebot/2.1; +http://bot.example/about.html)",
	"Mozilla/5.0 (compatible; slowcrawl/1.4)",
}

var probes = [...]string{
	"/wp-login.php", "/.env", "/.git/config", "/phpmyadmin/index.php", "/admin/login", "/xmlrpc.php",
	"/cgi-bin/luci", "/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php", "/actuator/health", "/backup.zip",
}

var users = [...]string{"ada", "grace", "barbara", "edsger", "tony", "leslie", "niklaus", "dana"}

// visitor begins the session of a person.
func (g *log) visitor() *session {
	s := &session{next: g.now, left: 1 + g.below(4)}
	if g.below(5) == 0 {
		s.left += g.below(14) // some stay
	}
	s.host = fmt.Sprintf("198.%d.%d.%d", 18+g.below(2), g.below(64), 1+g.below(254))
	if g.below(7) == 0 {
		s.host = fmt.Sprintf("2001:db8:%x:%x::%x", g.below(64), g.below(256), 1+g.below(4096))
	}
	// Early agents are the common ones: the lower of two draws.
	s.agent = agents[min(g.below(len(agents)), g.below(len(agents)))]
	if g.below(25) == 0 {
		s.user = users[g.below(len(users))]
	}
	return s
}

// scanner begins a burst of requests for things that are not there.
func (g *log) scanner() *session {
	return &session{
		host: fmt.Sprintf("203.0.113.%d", 1+g.below(254)), agent: "Mozilla/5.0 zgrab/0.x",
		next: g.now, left: 40 + g.below(40), scan: true,
	}
}

// turn lets a session act once.
func (g *log) turn(s *session) error {
	switch {
	case s.crawl > 0:
		return g.crawl(s)
	case s.scan:
		s.left--
		s.next = g.now.Add(time.Duration(g.below(2)) * time.Second)
		return g.emit(s, request{method: "GET", uri: probes[g.below(len(probes))], status: 404, size: 548})
	}
	return g.view(s)
}

// crawl fetches the next page in order. A crawler starts again at the end.
func (g *log) crawl(s *session) error {
	p := g.site.pages[s.crawl%len(g.site.pages)]
	s.crawl++
	s.next = g.now.Add(time.Duration(s.pause+g.below(5)) * time.Second)
	return g.emit(s, request{method: "GET", uri: p.path, status: 200, size: p.size})
}

// view shows a page to a person: the page, then what it needs.
func (g *log) view(s *session) error {
	first := s.last == ""
	s.left--
	s.next = g.now.Add(time.Duration(4+g.below(90)) * time.Second)
	p := g.site.pick(g.below)
	q := request{method: "GET", uri: p.path, status: 200, size: p.size, referer: s.last}
	switch roll := g.below(100); {
	case roll < 7:
		q.uri, q.size, p = "/search?q="+g.site.word(g.below), 4100, page{}
	case roll < 10:
		q.status, q.size = 304, 0
	case roll < 11:
		q.status, q.size = 500, 1024
	case first && roll < 40:
		q.referer = "https://search.example/"
	}
	if err := g.emit(s, q); err != nil {
		return err
	}
	s.last = "https://shop.example" + q.uri
	if q.status != 200 {
		return nil
	}
	if first {
		for _, a := range assets {
			if err := g.emit(s, request{method: "GET", uri: a.path, status: 200, size: a.size, referer: s.last}); err != nil {
				return err
			}
		}
	}
	return g.extras(s, p)
}

// extras fetches a page's pictures and calls its API.
func (g *log) extras(s *session, p page) error {
	if p.id == 0 {
		return nil
	}
	for i := range p.images {
		q := request{method: "GET", uri: fmt.Sprintf("/images/%d-%d.jpg", p.id, i+1), status: 200, size: p.size * 5, referer: s.last}
		if err := g.emit(s, q); err != nil {
			return err
		}
	}
	if g.below(3) == 0 {
		q := request{method: "GET", uri: fmt.Sprintf("/api/v1/stock?item=%d", p.id), status: 200, size: 31, referer: s.last}
		if err := g.emit(s, q); err != nil {
			return err
		}
	}
	if g.below(12) == 0 {
		return g.emit(s, request{method: "POST", uri: "/api/v1/cart", status: 201, size: 88, referer: s.last})
	}
	return nil
}
