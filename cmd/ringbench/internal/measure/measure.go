package measure

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/algo"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/keys"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/result"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/topology"
	"github.com/clusterluck/clusterluck/hashring"
)

// A Config says what to measure and how thoroughly.
type Config struct {
	Algorithms []*algo.Algorithm
	Nodes      []int
	Points     []int
	Probes     []int
	Settings   []algo.Setting // instead of Points and Probes, where set
	Keys       *keys.Set
	Replicas   int // length of a preference list
	Zones      int // zones that nodes are dealt to in turn
	Weights    topology.Weights
	Groups     []Group
	Passes     int
	Time       time.Duration // of each configuration, over all passes
	Patience   time.Duration // how long to repeat passes that were disturbed
	Seed       uint64

	// Slowdown above 1 makes every timed lookup do that much more work. Only
	// the tests of compare set it.
	Slowdown float64

	// Begin and Step, where set, are told the number of steps and each step.
	Begin func(what string, steps int64)
	Step  func(steps int64)
}

// A Measured is what Run found.
type Measured struct {
	Rows      []result.Row
	Reference result.Reference
	Skipped   []string // configurations that cannot be, and why
}

// A subject is one configuration to measure.
type subject struct {
	config  *Config
	algo    *algo.Algorithm
	setting algo.Setting
	nodes   []hashring.Node
	weights string
}

// row returns a row of the configuration without its number.
func (s *subject) row(metric string) result.Row {
	m := describe(metric)
	return result.Row{
		Algo: s.algo.Name, Nodes: len(s.nodes), Points: s.setting.Points, Probes: s.setting.Probes,
		Weights: s.weights, Metric: metric, Unit: m.Unit, Better: m.Better,
	}
}

// title names the configuration in errors.
func (s *subject) title() string { return fmt.Sprintf("%s with %d nodes", s.algo.Name, len(s.nodes)) }

// exact returns a row of a number that is the same in every run.
func (s *subject) exact(metric string, value float64) result.Row { return exactly(s, metric, value) }

// Run measures every configuration. It returns an error if none can be made or
// if ctx ends.
func Run(ctx context.Context, c Config) (*Measured, error) {
	out := &Measured{}
	subjects, err := c.subjects(out)
	if err != nil {
		return nil, err
	}
	if err := c.count(ctx, subjects, out); err != nil {
		return nil, err
	}
	if err := c.time(ctx, subjects, out); err != nil {
		return nil, err
	}
	result.Sort(out.Rows, c.metricOrder())
	return out, nil
}

// subjects lists the configurations that can be built and says which cannot.
func (c *Config) subjects(out *Measured) ([]*subject, error) {
	var all []*subject
	var last error
	for _, n := range c.Nodes {
		nodes, err := c.nodes(n)
		if err != nil {
			return nil, err
		}
		for _, a := range c.Algorithms {
			settings := c.Settings
			if settings == nil {
				settings = a.Settings(c.Points, c.Probes)
			}
			for _, setting := range settings {
				s := &subject{config: c, algo: a, setting: setting, nodes: nodes}
				p, err := a.New(nodes, setting)
				if err != nil {
					last = err
					out.Skipped = append(out.Skipped, fmt.Sprintf("%s with %d nodes is left out: %v", a.Name, n, err))
					continue
				}
				s.weights = c.weightsOf(nodes, p)
				all = append(all, s)
			}
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("nothing to measure: %w", last)
	}
	return all, nil
}

// nodes returns n nodes with their weights and zones.
func (c *Config) nodes(n int) ([]hashring.Node, error) {
	nodes, err := c.Weights.Apply(topology.Numbered(n), c.Seed)
	if err != nil {
		return nil, err
	}
	for i := range nodes {
		if c.Zones > 1 {
			nodes[i].Zone = fmt.Sprintf("zone-%d", i%c.Zones+1)
		}
	}
	return nodes, nil
}

// weightsOf names the weights of a configuration, "" if they are all equal.
func (c *Config) weightsOf(nodes []hashring.Node, p algo.Placement) string {
	switch {
	case uneven(nodes):
		return c.Weights.String()
	case uneven(p.Nodes()):
		return "1,2,3" // weighted-rendezvous makes weights of its own
	default:
		return ""
	}
}

func uneven(nodes []hashring.Node) bool {
	return slices.ContainsFunc(nodes, func(n hashring.Node) bool { return weightOf(n) != weightOf(nodes[0]) })
}

func weightOf(n hashring.Node) int { return max(n.Weight, 1) }

func (c *Config) wants(g Group) bool { return slices.Contains(c.Groups, g) }

// pace returns the part of the configuration that clocks have as well.
func (c *Config) pace() *pace {
	return &pace{passes: c.Passes, time: c.Time, patience: c.Patience, seed: c.Seed, told: c.Begin, stepped: c.Step}
}

// top returns the metric of a preference list of the configured length.
func (c *Config) top() string { return fmt.Sprintf("top%d", c.Replicas) }

func (c *Config) metricOrder() []string {
	var order []string
	for _, m := range Metrics() {
		order = append(order, strings.Replace(m.Name, "topN", c.top(), 1))
	}
	return order
}
