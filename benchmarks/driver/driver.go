// Package driver is the command line that the programs of the benchmarks share: one that puts a load on a server takes the flags of
// `gantry bench` and writes the same report; one that is such a server says when it is ready and ends on SIGTERM.
package driver

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/gantry-mq/gantry/benchmarks/generator"
)

// Verbs are what a program can be told to do, as its first arguments say: "serve tcp", for example. The function gets the others.
type Verbs map[string]func(ctx context.Context, args []string) error

// Main does what the arguments say. The context ends with the first SIGINT or SIGTERM; a second one ends the process at once.
func Main(program string, verbs Verbs) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	if err := verbs.run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", program, err)
		os.Exit(1)
	}
}

func (v Verbs) run(ctx context.Context, args []string) error {
	for n := min(2, len(args)); n > 0; n-- {
		if do := v[strings.Join(args[:n], " ")]; do != nil {
			return do(ctx, args[n:])
		}
	}
	return fmt.Errorf("%q, expected one of: %s", args, strings.Join(slices.Sorted(maps.Keys(v)), ", "))
}

// Load puts a load on a server. The options name its mode.
type Load func(context.Context, *generator.Options) (*generator.Report, error)

// Bench returns the verb that does the load. Flags, which may be nil, adds the program's own to those of the mode.
func Bench(mode string, load Load, flags func(*flag.FlagSet)) func(context.Context, []string) error {
	return func(ctx context.Context, args []string) error {
		options := generator.Options{Mode: mode}
		var output generator.Output
		fs := flag.NewFlagSet("bench "+mode, flag.ContinueOnError)
		options.Register(fs)
		output.Register(fs)
		if flags != nil {
			flags(fs)
		}
		if err := Parse(fs, args); err != nil {
			return err
		}
		report, err := load(ctx, &options)
		if report == nil {
			return err
		}
		if err != nil {
			report.Error = err.Error()
		}
		err = errors.Join(err, output.Write(report, os.Stdout))
		if err == nil {
			err = report.Err()
		}
		return err
	}
}

// Parse parses flags where nothing else is expected.
func Parse(fs *flag.FlagSet, args []string) error {
	if err := fs.Parse(args); err != nil {
		return err
	}
	if fs.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	return nil
}

// Ready tells whoever has started this server that it answers, and where: words are KEY=VALUE.
func Ready(words ...string) error {
	_, err := fmt.Println("ready", strings.Join(words, " "))
	return err
}
