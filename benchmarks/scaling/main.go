package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// batches is how long each simulation is.
const batches = 100_000

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "scaling:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	fs := flag.NewFlagSet("scaling", flag.ContinueOnError)
	fs.SetOutput(stderr)
	addr := fs.String("http", "127.0.0.1:8088", "`address` of the broker's /metrics")
	pid := fs.Int("pid", 0, "the broker's `process`, on this machine")
	duration := fs.Duration("duration", 10*time.Second, "how `long` to look at it")
	list := fs.String("cpus", "1,2,4,8,16,32,64", "numbers of CPUs to simulate")
	if err := fs.Parse(args); err != nil {
		return err
	}
	cpus, err := numbers(*list)
	if err != nil {
		return fmt.Errorf("-cpus: %w", err)
	}
	if *pid == 0 {
		return errors.New("-pid is missing: the CPU time of the broker's process is needed")
	}
	if *duration <= 0 {
		return fmt.Errorf("-duration %v: expected more than nothing", *duration)
	}
	before, err := read(ctx, *addr, *pid)
	if err != nil {
		return err
	}
	over := time.NewTimer(*duration)
	defer over.Stop()
	select {
	case <-over.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	after, err := read(ctx, *addr, *pid)
	if err != nil {
		return err
	}
	c, err := between(before, after)
	if err != nil {
		return err
	}
	return write(stdout, &c, cpus)
}

func numbers(list string) ([]int, error) {
	var out []int
	for word := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 || n > 4096 {
			return nil, fmt.Errorf("%q, expected a number from 1 to 4096", word)
		}
		out = append(out, n)
	}
	return out, nil
}

// write writes costs and simulations as Markdown.
func write(w io.Writer, c *costs, cpus []int) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%.0f messages per second over %v, %.1f to an append\n\n", c.rate, c.taken.Round(time.Second), c.batch)
	b.WriteString("| of a message | µs | |\n| --- | --- | --- |\n")
	line := func(what string, us float64) {
		fmt.Fprintf(&b, "| %s | %.2f | %.0f %% |\n", what, us, 100*us/c.cpu)
	}
	line("CPU time of the process", c.cpu)
	line("the log's lock is held", c.appended)
	line("dispatch, one at a time", c.dispatched())
	line("the rest, which CPUs can share", c.parallel())
	line("goroutines wait for locks", c.waited)
	fmt.Fprintf(&b, "\nDispatch takes %.2f µs from memory, %.2f where the message is read back, which %.0f %% were.\n\n", c.stored, c.read, 100*c.reread)
	b.WriteString("| CPUs | messages per second | of that many times one CPU | log's lock held | dispatching | read back | dispatched |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	one := simulate(c.model(1), batches).rate
	for _, n := range cpus {
		o := simulate(c.model(n), batches)
		fmt.Fprintf(&b, "| %d | %.0f k | %.0f %% | %.0f %% | %.0f %% | %.0f %% | %.0f %% |\n",
			n, o.rate/1000, 100*o.rate/one/float64(n), 100*o.logBusy, 100*o.dispatching, 100*o.reread, 100*o.dispatched)
	}
	_, err := w.Write(b.Bytes())
	return err
}
