package accesslog

import (
	"fmt"
	"sort"
)

// A page is what a visitor can look at.
type page struct {
	path   string
	size   int
	id     int // of a product; 0 for none
	images int // of a product
}

// A site is the pages of the shop, the most popular first.
type site struct {
	pages []page
	until []int // until[i] is the sum of the weights of pages 0 to i
}

// weightOne is the weight of the first page; that of the page of rank k is
// weightOne / k, so that popularity follows Zipf's law with s = 1.
const weightOne = 1 << 30

var assets = [...]page{
	{path: "/static/app.5f3a9c.css", size: 18211},
	{path: "/static/app.81d07e.js", size: 96340},
	{path: "/static/logo.svg", size: 2210},
	{path: "/favicon.ico", size: 1406},
}

var (
	adjectives = [...]string{
		"amber", "brisk", "coastal", "dusty", "early", "folded", "granite", "hollow", "ivory", "jade", "knitted", "linen",
		"maple", "narrow", "oaken", "paper", "quiet", "rustic", "silver", "tidal", "umber", "velvet", "woven", "yellow",
	}
	nouns = [...]string{
		"basket", "blanket", "bottle", "bowl", "candle", "chair", "clock", "curtain", "desk", "frame", "jacket", "jug",
		"kettle", "lamp", "mirror", "mug", "notebook", "pillow", "plate", "rug", "shelf", "stool", "table", "vase",
	}
	topics = [...]string{"care", "guide", "history", "ideas", "makers", "materials", "review", "seasons"}
)

const (
	products = 800
	posts    = 120
)

// newSite makes the pages and shuffles all but the few that every shop has.
func newSite(below func(int) int) *site {
	s := &site{}
	for i, path := range []string{"/", "/new", "/sale", "/login", "/cart", "/about", "/help", "/terms"} {
		s.pages = append(s.pages, page{path: path, size: 5120 + 311*i})
	}
	fixed := len(s.pages)
	for i := range products {
		id := 1000 + i
		name := adjectives[below(len(adjectives))] + "-" + nouns[below(len(nouns))]
		s.pages = append(s.pages, page{
			path: fmt.Sprintf("/products/%d/%s", id, name), size: 6000 + below(9000), id: id, images: 2 + below(5),
		})
	}
	for i := range posts {
		path := fmt.Sprintf("/blog/%d/%02d/%s-%s", 2021+i/40, 1+below(12), nouns[below(len(nouns))], topics[below(len(topics))])
		s.pages = append(s.pages, page{path: path, size: 9000 + below(20000)})
	}
	for i := len(s.pages) - 1; i > fixed; i-- {
		j := fixed + below(i-fixed+1)
		s.pages[i], s.pages[j] = s.pages[j], s.pages[i]
	}
	sum := 0
	for i := range s.pages {
		sum += weightOne / (i + 1)
		s.until = append(s.until, sum)
	}
	return s
}

// pick draws a page by its popularity.
func (s *site) pick(below func(int) int) page {
	at := below(s.until[len(s.until)-1])
	return s.pages[sort.SearchInts(s.until, at+1)]
}

// word draws what somebody searches for.
func (s *site) word(below func(int) int) string {
	return adjectives[min(below(len(adjectives)), below(len(adjectives)))] + "+" + nouns[min(below(len(nouns)), below(len(nouns)))]
}
