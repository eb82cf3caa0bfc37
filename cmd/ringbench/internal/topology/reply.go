package topology

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/clusterluck/clusterluck/hashring"
)

// rfactor is the number of points that the original gives a node unless told
// otherwise.
const rfactor = 3

// A member is a node as clusterluck prints it.
type member struct {
	ID   string `json:"id"`
	Host string `json:"host"`
	Port int    `json:"port"`
}

// A vertex is one point of the tree that clusterluck inspect prints.
type vertex struct {
	Key   string `json:"key"`
	Value member `json:"value"`
}

var errReply = errors.New("this reply holds no topology; use the output of clusterluck inspect, nodes or weights")

// reply reads what a clusterluck command printed.
func (p *parser) reply(keys map[string]json.RawMessage) error {
	var failed struct {
		Message string `json:"message"`
	}
	if string(keys["ok"]) != "true" {
		// A reply without a message is as useless as one without a topology.
		if json.Unmarshal(keys["error"], &failed) != nil || failed.Message == "" {
			return p.at(0, errReply)
		}
		return p.at(0, fmt.Errorf("this is the reply of a command that failed: %s", failed.Message))
	}
	data := bytes.TrimSpace(keys["data"])
	if len(data) == 0 {
		return p.at(0, errReply)
	}
	if data[0] == '[' {
		return p.members(data)
	}
	var fields map[string]json.RawMessage
	if data[0] != '{' || json.Unmarshal(data, &fields) != nil {
		return p.at(0, errReply)
	}
	if fields["tree"] != nil {
		return p.tree(fields["tree"])
	}
	return p.weighed(fields)
}

// members reads clusterluck nodes.
func (p *parser) members(data []byte) error {
	p.top.Form = Nodes
	p.top.Options.Layout = hashring.Clusterluck
	var list []member
	if err := json.Unmarshal(data, &list); err != nil {
		return p.at(0, fmt.Errorf("data: %w", err))
	}
	for _, m := range list {
		if line, twice := p.seen[m.ID]; twice && line == 0 {
			p.note("node %q is listed twice, with another address; it counts once", m.ID)
			continue
		}
		if err := p.add(0, hashring.Node{ID: m.ID, Weight: rfactor}); err != nil {
			return err
		}
	}
	p.note("clusterluck nodes tells neither weights nor layout: taking weight %d for each, the original's default, under layout %v; "+
		"clusterluck inspect tells both", rfactor, p.top.Options.Layout)
	return nil
}

// weighed reads clusterluck weights.
func (p *parser) weighed(fields map[string]json.RawMessage) error {
	p.top.Form = Weighed
	p.top.Options.Layout = hashring.Clusterluck
	ids := make([]string, 0, len(fields))
	for id := range fields {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		weight := 0
		if json.Unmarshal(fields[id], &weight) != nil {
			return p.at(0, errReply)
		}
		if err := p.add(0, hashring.Node{ID: id, Weight: weight}); err != nil {
			return err
		}
	}
	p.note("clusterluck weights does not tell the layout: taking %v; clusterluck inspect tells it", p.top.Options.Layout)
	return nil
}

// tree reads clusterluck inspect: every point of the ring.
func (p *parser) tree(data []byte) error {
	p.top.Form = Inspect
	p.top.Options = hashring.Options{Points: 1}
	var points []vertex
	if err := json.Unmarshal(data, &points); err != nil {
		return p.at(0, fmt.Errorf("data.tree: %w", err))
	}
	if len(points) == 0 {
		return nil // no nodes, which Parse reports
	}
	switch len(points[0].Key) {
	case len("0123456789a"):
		p.top.Stated = Stated{Layout: true, Points: true}
	case 44: // base64 of a SHA-256
		p.top.Options.Layout = hashring.Clusterluck
		p.top.Stated = Stated{Layout: true, Points: true, Probes: true}
	default:
		return p.at(0, fmt.Errorf("key %.60q is a point of neither layout: v1 has 11 hex digits, clusterluck 44 of base64", points[0].Key))
	}
	weights := make(map[string]int)
	var ids []string
	for _, v := range points {
		if weights[v.Value.ID]++; weights[v.Value.ID] == 1 {
			ids = append(ids, v.Value.ID)
		}
	}
	for _, id := range ids {
		if err := p.add(0, hashring.Node{ID: id, Weight: weights[id]}); err != nil {
			return err
		}
	}
	p.wholeUnits()
	return p.compare(points)
}

// wholeUnits states v1 weights in units of the default number of points, where
// that comes out even. The points are the same either way.
func (p *parser) wholeUnits() {
	if p.top.Options.Layout != hashring.V1 {
		return
	}
	p.note("clusterluck inspect does not tell the number of probes: taking 1 unless --probes says otherwise")
	for _, n := range p.top.Nodes {
		if n.Weight%hashring.DefaultPoints != 0 {
			return
		}
	}
	p.top.Options.Points = hashring.DefaultPoints
	for i := range p.top.Nodes {
		p.top.Nodes[i].Weight /= hashring.DefaultPoints
	}
}

// compare checks that the points of the tree are those that the layout gives
// these nodes. A few that are not are noted; none that are is an error.
func (p *parser) compare(points []vertex) error {
	r, err := p.top.Ring()
	if err != nil {
		return err
	}
	type pair struct{ key, node string }
	want := make(map[pair]bool, len(points))
	for point := range r.All() {
		want[pair{point.Label, point.Node}] = true
	}
	wrong := slices.DeleteFunc(slices.Clone(points), func(v vertex) bool { return want[pair{v.Key, v.Value.ID}] })
	if len(wrong) == 0 {
		return nil
	}
	first := fmt.Sprintf("%d of %d keys are not points that layout %v gives these nodes; the first: %s of node %q",
		len(wrong), len(points), p.top.Options.Layout, wrong[0].Key, wrong[0].Value.ID)
	if len(wrong) == len(points) {
		return p.at(0, errors.New(first))
	}
	p.note("%s: the answer holds for the layout's points, not for these", first)
	return nil
}

func (p *parser) note(format string, args ...any) {
	p.top.Notes = append(p.top.Notes, fmt.Sprintf(format, args...))
}
