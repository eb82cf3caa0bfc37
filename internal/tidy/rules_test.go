package tidy_test

const (
	project = "github.com/clusterluck/clusterluck"

	fileLinesMax   = 400 // lines of a Go file
	funcLinesMax   = 70  // lines of a function
	readmeLinesMax = 200 // lines of the README
)

// A module is one row of the table of modules. A nil list allows anything.
type module struct {
	dir      string   // below the repository's root
	goLine   string   // the go directive
	work     bool     // listed in go.work
	siblings []string // modules of this repository that it may require, by dir
	direct   []string // other modules that its go.mod may require directly
	linked   []string // other modules that its packages and tests may be built from
}

// modules lists every module of the repository. The root has the lowest go
// line because a go line raises that of every module that requires it.
//
// The bench module stays out of go.work: the libraries it compares with would
// raise the versions that the others are tested with. The tools module has no
// packages.
var modules = []module{
	{
		dir: ".", goLine: "1.24", work: true,
		siblings: []string{},
		direct:   []string{"github.com/zeebo/xxh3", "github.com/dgryski/go-jump"},
		linked:   ringLinked,
	},
	{
		dir: "transport", goLine: "1.26", work: true,
		siblings: []string{},
		direct:   []string{"github.com/fxamacker/cbor/v2", "github.com/flynn/noise", "golang.org/x/crypto"},
		linked: []string{
			"github.com/fxamacker/cbor/v2", "github.com/x448/float16", "github.com/flynn/noise",
			"golang.org/x/crypto", "golang.org/x/sys",
		},
	},
	{dir: "membership", goLine: "1.26", work: true, siblings: []string{".", "transport"}, direct: []string{}},
	{dir: "cmd/ringbench", goLine: "1.26", work: true, siblings: []string{"."}},
	{dir: "cmd/clusterluck", goLine: "1.26", work: true, siblings: []string{".", "transport", "membership"}},
	{dir: "fuzz", goLine: "1.26", work: true, siblings: []string{".", "transport", "membership"}},
	{dir: "examples", goLine: "1.26", work: true, siblings: []string{".", "transport", "membership"}},
	{dir: "bench", goLine: "1.26", siblings: []string{".", "transport", "membership"}},
	{dir: "tools", goLine: "1.26", siblings: []string{}},
}

// ringLinked is what hashring is built from, tests included. The last is
// there on darwin/arm64 alone, where cpuid needs it.
var ringLinked = []string{
	"github.com/zeebo/xxh3", "github.com/klauspost/cpuid/v2", "github.com/dgryski/go-jump", "golang.org/x/sys",
}

// ringListed is what "go list -m all" lists in a module that requires only
// the root, beside itself and the root. The README repeats it. xxh3's tests
// use zeebo/assert; no user compiles it.
var ringListed = []string{
	"github.com/dgryski/go-jump v0.0.0-20170409065014-e1f439676b57",
	"github.com/klauspost/cpuid/v2 v2.2.10",
	"github.com/zeebo/assert v1.3.0",
	"github.com/zeebo/xxh3 v1.1.0",
	"golang.org/x/sys v0.30.0",
}

// A packageRule says what the packages at and below dir may import. The rule
// with the longest dir applies; a package without a rule is a finding.
type packageRule struct {
	dir      string
	may      []string // packages of this repository; "x/..." is x and all below
	testMay  []string // further ones for test files
	external []string // modules of others, by import path; nil: any
	deny     []string // packages of the standard library; "x/..." is x and all below
	noClock  bool     // must take the time as an argument
}

// packageRules are the arrows of docs/ARCHITECTURE.md. They point down: a
// package lists the packages below it.
var packageRules = []packageRule{
	{
		dir: "hashring", external: []string{"github.com/zeebo/xxh3", "github.com/dgryski/go-jump"},
		deny: []string{"net/...", "os/...", "log/...", "unsafe"}, noClock: true,
	},
	{
		dir: "vectorclock", external: []string{}, testMay: []string{"vectorclock/vectorclocktest"},
		deny: []string{"net/...", "os/...", "log/...", "sync", "unsafe"}, noClock: true,
	},
	{dir: "vectorclock/vectorclocktest", may: []string{"vectorclock"}, external: []string{}},
	{dir: "internal/tidy", external: []string{}},

	{dir: "transport", may: []string{"transport/wire", "transport/internal/session"}, testMay: []string{"transport/transporttest"}},
	{dir: "transport/wire", external: []string{"github.com/fxamacker/cbor/v2"}, deny: []string{"net/...", "os/...", "log/..."}, noClock: true},
	{dir: "transport/internal/session", may: []string{"transport/wire"}},
	{dir: "transport/genserver", may: []string{"transport", "transport/wire"}, testMay: []string{"transport/transporttest"}},
	{dir: "transport/transporttest", may: []string{"transport", "transport/wire"}},

	{
		dir: "membership",
		may: []string{"hashring", "vectorclock", "transport", "transport/genserver", "membership/internal/..."},
		testMay: []string{
			"transport/transporttest", "membership/clustertest",
		},
	},
	{dir: "membership/clustertest", may: []string{"membership", "transport", "transport/transporttest", "hashring"}},
	pure("membership/internal/placement", "vectorclock"),
	pure("membership/internal/liveness"),
	pure("membership/internal/core", "membership/internal/placement", "membership/internal/liveness", "vectorclock", "hashring"),
	{dir: "membership/internal/sim", may: []string{"membership/internal/...", "vectorclock", "hashring"}},

	{dir: "cmd/ringbench", may: []string{"cmd/ringbench/...", "hashring", "vectorclock"}},
	{dir: "cmd/clusterluck", may: []string{"cmd/clusterluck/...", "membership", "transport", "transport/genserver", "hashring", "vectorclock"}},
	{dir: "fuzz", may: everyExported("fuzz/...")},
	{dir: "examples", may: everyExported("examples/...")},
	{dir: "bench", may: everyExported("bench/...")},
}

// pure is the rule of a package that computes and does nothing else: what it
// does is a function of its arguments, so that a simulation can replay it.
func pure(dir string, may ...string) packageRule {
	return packageRule{
		dir: dir, may: may, external: []string{}, noClock: true,
		deny: []string{"net/...", "os/...", "log/...", "sync/...", "unsafe"},
	}
}

// everyExported is what programs on top of the packages may import: own, and
// each package that a stranger could import too.
func everyExported(own string) []string {
	return []string{
		own, "hashring", "vectorclock", "vectorclock/vectorclocktest",
		"transport", "transport/wire", "transport/genserver", "transport/transporttest",
		"membership", "membership/clustertest",
	}
}

// forbiddenWords must not stand in a committed file. They are spelled in two
// halves because this file is committed too.
var forbiddenWords = []string{
	"TO" + "DO", "FIX" + "ME", "X" + "XX:",
	"/wo" + "rk/", "/ro" + "ot/", ".." + "/shared", "/tmp/" + "bash",
	"proxy.go" + "lang.org", "sum.go" + "lang.org", "registry.np" + "mjs.org",
}
