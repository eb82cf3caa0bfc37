// Package erlang measures two nodes of Erlang/OTP, a gen_server called and cast
// from the other node. Both are processes of erl that run clk_bench.erl, which is
// compiled into their memory: nothing is written to the disk, and no port mapper
// is started.
package erlang

import (
	_ "embed"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/clusterluck/clusterluck/bench/internal/child"
	"github.com/clusterluck/clusterluck/bench/internal/load"
)

//go:embed clk_bench.erl
var source string

// loader compiles the source, which it finds in the environment, form by form.
const loader = `F = fun F(Text, Line, Forms) ->
	case erl_scan:tokens([], Text, Line) of
		{done, {ok, Tokens, Next}, Rest} -> {ok, Form} = erl_parse:parse_form(Tokens), F(Rest, Next, [Form | Forms]);
		_ -> lists:reverse(Forms)
	end
end,
{ok, M, Code} = compile:forms(F(os:getenv("CLK_BENCH"), 1, []), []),
{module, M} = code:load_binary(M, "clk_bench", Code),
M:%s().`

// ErrMissing reports that erl is not installed.
var ErrMissing = errors.New("erl is not installed; on Debian it is in the package erlang-base")

const (
	startMax = 20 * time.Second
	slack    = 20 * time.Second // beyond the time that a work is given
)

// Nodes is two connected nodes. One goroutine uses it at a time.
type Nodes struct{ server, client *child.Child }

// Start starts both nodes on loopback. It returns an error wrapping [ErrMissing]
// if erl cannot be found.
func Start() (*Nodes, error) {
	erl, err := exec.LookPath("erl")
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", ErrMissing, err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	if err := l.Close(); err != nil {
		return nil, err
	}
	n := new(Nodes)
	if n.server, err = start(erl, "server", "serve", port, "-kernel", "inet_dist_use_interface", "{127,0,0,1}"); err != nil {
		return nil, err
	}
	if n.client, err = start(erl, "client", "measure", port, "-dist_listen", "false"); err != nil {
		return nil, errors.Join(err, n.server.Stop())
	}
	return n, nil
}

// start starts a node that runs a function of the module and waits until it is
// ready. The port is that of the serving node.
func start(erl, name, run, port string, args ...string) (*child.Child, error) {
	cmd := exec.Command(erl, append([]string{
		"-noshell", "-name", name + "@127.0.0.1", "-setcookie", "clk_bench",
		"-start_epmd", "false", "-erl_epmd_port", port, "-eval", fmt.Sprintf(loader, run),
	}, args...)...)
	cmd.Env = append(os.Environ(), "CLK_BENCH="+source, "HOME="+os.TempDir(), "ERL_CRASH_DUMP_SECONDS=0")
	c, err := child.Start(cmd)
	if err != nil {
		return nil, err
	}
	line, err := c.Ask("", startMax)
	if err == nil && line != "ready" {
		err = errors.Join(fmt.Errorf("erl said %q, want ready", line), c.Stop())
	}
	return c, err
}

// ask has the client do a work and returns its numbers.
func (n *Nodes) ask(limit time.Duration, want int, work string, args ...int) ([]float64, error) {
	line := work
	for _, a := range args {
		line += " " + strconv.Itoa(a)
	}
	answer, err := n.client.Ask(line, limit+slack)
	if err != nil {
		return nil, err
	}
	words := strings.Fields(answer)
	if len(words) != want+1 || words[0] != "ok" {
		return nil, fmt.Errorf("erl answered %q to %q", answer, line)
	}
	out := make([]float64, want)
	for i, w := range words[1:] {
		if out[i], err = strconv.ParseFloat(w, 64); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Latency is [load.Latency].
func (n *Nodes) Latency(d time.Duration) (load.Times, error) {
	x, err := n.ask(d, 3, "latency", ms(d))
	if err != nil {
		return load.Times{}, err
	}
	return load.Times{P50: x[0], P99: x[1], Calls: int(x[2])}, nil
}

// Rate is [load.Rate], with an Erlang process for each caller.
func (n *Nodes) Rate(outstanding int, d time.Duration) (load.Calls, error) {
	x, err := n.ask(d, 2, "rate", outstanding, ms(d))
	if err != nil {
		return load.Calls{}, err
	}
	return load.Calls{Calls: int(x[0]), Warm: outstanding, Took: time.Duration(x[1])}, nil
}

// OneWay is [load.OneWay]. The casts arrive, or the work fails.
func (n *Nodes) OneWay(size, count int) (load.Flow, error) {
	x, err := n.ask(0, 2, "oneway", size, count)
	if err != nil {
		return load.Flow{}, err
	}
	return load.Flow{Sent: int(x[0]), Delivered: int(x[0]), Took: time.Duration(x[1])}, nil
}

// Beside is [load.Beside]; the transfer is casts of 64 KiB.
func (n *Nodes) Beside(bytes int, d time.Duration) (load.Times, float64, error) {
	x, err := n.ask(d, 5, "beside", bytes, ms(d))
	if err != nil {
		return load.Times{}, 0, err
	}
	return load.Times{P50: x[0], P99: x[1], Calls: int(x[2])}, x[3] / x[4] * 1e9, nil
}

// Calls makes calls to a gen_server of the same node.
func (n *Nodes) Calls(count int) (time.Duration, error) { return n.local("local_call", count) }

// Casts makes casts to a gen_server of the same node.
func (n *Nodes) Casts(count int) (time.Duration, error) { return n.local("local_cast", count) }

func (n *Nodes) local(work string, count int) (time.Duration, error) {
	x, err := n.ask(0, 1, work, count)
	if err != nil {
		return 0, err
	}
	return time.Duration(x[0]), nil
}

// PIDs returns the ids of both processes.
func (n *Nodes) PIDs() []int { return []int{n.server.PID(), n.client.PID()} }

// Kill ends both nodes at once.
func (n *Nodes) Kill() {
	n.client.Kill()
	n.server.Kill()
}

// Close ends both nodes.
func (n *Nodes) Close() error { return errors.Join(n.client.Stop(), n.server.Stop()) }

// ms returns whole milliseconds, at least one.
func ms(d time.Duration) int { return max(int(d.Milliseconds()), 1) }
