package vectorclocktest

import (
	"math/rand/v2"
	"slices"
)

// A Failer is a test: [testing.T] is one.
type Failer interface {
	Helper()
	Errorf(format string, args ...any)
}

// Check runs random programs of increments and merges over a few actors, beside
// a model that counts in a map, and reports each law that breaks with the first
// program that broke it. Programs of equal seeds are equal.
func Check[C any](t Failer, impl Implementation[C], seed uint64, programs int) {
	t.Helper()
	left := laws[C]()
	for i := range programs {
		r := impl.play(random(rand.New(rand.NewPCG(seed, uint64(i)))))
		left = slices.DeleteFunc(left, func(l law[C]) bool {
			broken := l.broken(r)
			if broken != "" {
				t.Errorf("%s: seed %d, program %d: %s", l.name, seed, i, broken)
			}
			return broken != ""
		})
	}
}

// Names returns the names of all laws.
func Names() []string {
	var names []string
	for _, l := range laws[struct{}]() {
		names = append(names, l.name)
	}
	return names
}

// Broken runs a program and returns how it breaks the law of that name, one of
// [Names], or "" if it does not. It panics if there is no law of the name.
func Broken[C any](impl Implementation[C], name string, p Program) string {
	for _, l := range laws[C]() {
		if l.name == name {
			return l.broken(impl.play(p))
		}
	}
	panic("vectorclocktest: no law " + name)
}
