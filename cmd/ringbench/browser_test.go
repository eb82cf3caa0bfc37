//go:build browser

// The tests of this file open the HTML report in a browser. They need chromium
// or google-chrome on PATH:
//
//	go test -tags browser -run Browser .
//
// BROWSER_SCREENSHOTS names a folder to keep pictures of the pages in.
package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browser starts a browser with a profile of its own that asks nobody for
// anything.
func browser(t *testing.T) context.Context {
	t.Helper()
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Fatal("no chromium on PATH: install it, or leave out the build tag browser")
	}
	profile, err := os.MkdirTemp("", "ringbench-browser-")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stopAllocator := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.UserDataDir(profile), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("hide-scrollbars", true),
	)
	ctx, stop := chromedp.NewContext(ctx)
	t.Cleanup(func() {
		stop()
		stopAllocator()
		_ = os.RemoveAll(profile) // children of the browser may still write to it
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// A witness notes what a page asks the network for and what goes wrong in it.
type witness struct {
	mu       sync.Mutex
	requests []string
	errors   []string
}

func (w *witness) see(ev any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch ev := ev.(type) {
	case *network.EventRequestWillBeSent:
		if u := ev.Request.URL; !strings.HasPrefix(u, "file:") && !strings.HasPrefix(u, "data:") {
			w.requests = append(w.requests, u)
		}
	case *runtime.EventConsoleAPICalled:
		w.errors = append(w.errors, fmt.Sprintf("console: %s", ev.Type))
	case *runtime.EventExceptionThrown:
		w.errors = append(w.errors, "exception: "+ev.ExceptionDetails.Text)
	case *log.EventEntryAdded:
		w.errors = append(w.errors, "log: "+ev.Entry.Text)
	}
}

// reportPages makes the pages that are tested: lines, bars, two results, and
// names that are meant to break a page.
func reportPages(t *testing.T) map[string]string {
	t.Helper()
	workFolder(t)
	data, err := os.ReadFile("result_a.json")
	if err != nil {
		t.Fatal(err)
	}
	// Whatever text a result may hold: names of placements are checked.
	const evil = `<img src=http://127.0.0.1:9/x onerror=alert(1)>`
	altered, fields := string(data), 0
	for _, field := range []string{"source", "cpu", "version", "words"} {
		text := regexp.MustCompile(`("` + field + `": \[?\s*)"[^"]*"`)
		fields += len(text.FindAllString(altered, -1))
		altered = text.ReplaceAllString(altered, `${1}"`+evil+`"`)
	}
	if fields != 4 {
		t.Fatalf("result_a.json has %d of 4 texts to alter", fields)
	}
	writeFiles(t, map[string]string{"evil.json": altered})
	expect(t, 0, "run --algo all --nodes 9 --keys seq:n=500 --count 2 --time 1ms --patience 0s -o bars.json")
	pages := map[string]string{}
	for name, inputs := range map[string]string{
		"lines": "result_a.json", "two": "result_a.json result_b.json", "evil": "evil.json", "bars": "bars.json",
	} {
		expect(t, 0, "report "+inputs+" -o "+name+".html")
		path, err := filepath.Abs(name + ".html")
		if err != nil {
			t.Fatal(err)
		}
		pages[name] = (&url.URL{Scheme: "file", Path: path}).String()
	}
	return pages
}

// contrasts measures how far texts and lines stand out from the page. It returns
// what is below the ratios of WCAG 2: 4.5 for text, 3 for what is drawn.
const contrasts = `(() => {
  const rgb = s => { const m = s.match(/[\d.]+/g); return m ? m.map(Number) : null; };
  const lum = c => { const f = c.slice(0, 3).map(v => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * f[0] + 0.7152 * f[1] + 0.0722 * f[2]; };
  const ratio = (a, b) => { const x = lum(a), y = lum(b); return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05); };
  const ground = rgb(getComputedStyle(document.body).backgroundColor);
  const bad = new Set();
  const check = (el, color, least, what) => {
    const c = rgb(color);
    if (!c || (c.length > 3 && c[3] === 0)) return;
    if (ratio(c, ground) < least) bad.add(what + ' ' + color + ' ' + (el.textContent || el.outerHTML).trim().slice(0, 60));
  };
  for (const el of document.querySelectorAll('h1,h2,h3,p,dt,dd,th,td,small,figcaption,summary,footer,caption'))
    check(el, getComputedStyle(el).color, 4.5, 'text');
  for (const el of document.querySelectorAll('.plot text')) check(el, getComputedStyle(el).fill, 4.5, 'label');
  for (const el of document.querySelectorAll('.plot path')) {
    const style = getComputedStyle(el);
    if ((el.getAttribute('style') || '').includes('--grid')) continue; // meant to be faint
    if (style.stroke !== 'none') check(el, style.stroke, 3, 'line');
    if (style.fill !== 'none') check(el, style.fill, 3, 'area');
  }
  return [...bad];
})()`

// tooWide lists what reaches beyond the window.
const tooWide = `[...document.querySelectorAll('main *')]
  .filter(e => !e.closest('.scroll') && e.getBoundingClientRect().right > innerWidth + 0.5)
  .map(e => e.tagName + ' ' + e.textContent.trim().slice(0, 30)).slice(0, 8)`

// smallestLabel is the height of the smallest text of the plots that show.
const smallestLabel = `Math.min(...[...document.querySelectorAll('.plot text')]
  .filter(e => e.getClientRects().length).map(e => e.getBoundingClientRect().height))`

// bare counts the figures without numbers or without a description.
const bare = `[...document.querySelectorAll('figure')]
  .filter(f => !f.querySelector('table tbody tr') || !f.querySelector('[role=img][aria-label]')).length`

// The report must be readable on a telephone and on a wide screen, by day and by
// night, and must ask nobody for anything.
func TestBrowserReport(t *testing.T) {
	pages := reportPages(t)
	ctx := browser(t)
	for name, page := range pages {
		for _, scheme := range []string{"light", "dark"} {
			for _, width := range []int64{360, 1400} {
				t.Run(fmt.Sprintf("%s/%s/%d", name, scheme, width), func(t *testing.T) {
					tab, stop := chromedp.NewContext(ctx)
					defer stop()
					if err := chromedp.Do(tab); err != nil { // the tab lives as long as this context
						t.Fatal(err)
					}
					soon, cancel := context.WithTimeout(tab, time.Minute)
					defer cancel()
					look(t, soon, page, scheme, width)
					picture(t, soon, fmt.Sprintf("%s-%s-%d.png", name, scheme, width))
				})
			}
		}
	}
}

// look opens a page and asserts what holds for all of them.
func look(t *testing.T, ctx context.Context, page, scheme string, width int64) {
	t.Helper()
	var w witness
	if err := chromedp.Listen(ctx, w.see); err != nil {
		t.Fatal(err)
	}
	media := chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	})
	if err := chromedp.Do(ctx, media, chromedp.EmulateViewport(width, 900), chromedp.Navigate(page)); err != nil {
		t.Fatal(err)
	}
	if over := evaluate[float64](t, ctx, `document.documentElement.scrollWidth - window.innerWidth`); over > 0 {
		t.Errorf("the page is %v pixels wider than the window: %q", over, evaluate[[]string](t, ctx, tooWide))
	}
	if dark := evaluate[bool](t, ctx, `matchMedia('(prefers-color-scheme: dark)').matches`); dark != (scheme == "dark") {
		t.Errorf("dark is %v in the scheme %s", dark, scheme)
	}
	if faint := evaluate[[]string](t, ctx, contrasts); len(faint) > 0 {
		t.Errorf("too faint to read: %q", faint)
	}
	if small := evaluate[float64](t, ctx, smallestLabel); small < 10 {
		t.Errorf("the smallest label of a plot is %v pixels high", small)
	}
	if n := evaluate[int](t, ctx, `document.querySelectorAll('figure').length`); n < 5 {
		t.Errorf("the page has %d figures", n)
	}
	if n := evaluate[int](t, ctx, bare); n > 0 {
		t.Errorf("%d figures lack a table or a description", n)
	}
	if n := evaluate[int](t, ctx, `document.querySelectorAll('main img, script, iframe, object').length`); n > 0 {
		t.Errorf("%d elements came out of a name", n)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.requests) > 0 || len(w.errors) > 0 {
		t.Errorf("requests %q, errors %q", w.requests, w.errors)
	}
}

// picture keeps what the page looks like, for people.
func picture(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	folder := os.Getenv("BROWSER_SCREENSHOTS")
	if folder == "" {
		return
	}
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name), png, 0o600); err != nil {
		t.Fatal(err)
	}
}

func evaluate[T any](t *testing.T, ctx context.Context, script string) T {
	t.Helper()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](script))
	if err != nil {
		t.Fatalf("%v in %.60s", err, script)
	}
	return v
}
