// Command load puts a load on any RocketMQ broker over raw Remoting and reports rates, latencies and CPU time.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/gantry-mq/gantry/benchmarks/generator"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	if err := load(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func load(ctx context.Context, args []string) error {
	fs := flag.NewFlagSet("load", flag.ExitOnError)
	var o generator.Options
	o.Register(fs)
	jsonFile := fs.String("json", "", "also write the report to this `file`")
	_ = fs.Parse(args) // exits by itself
	if fs.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}

	report, err := generator.Run(ctx, o, terminal(os.Stderr))
	if report == nil {
		return err
	}
	if werr := report.WriteText(os.Stdout); werr != nil {
		return werr
	}
	if *jsonFile != "" {
		text, merr := json.MarshalIndent(report, "", "  ")
		if merr != nil {
			return merr
		}
		if werr := os.WriteFile(*jsonFile, append(text, '\n'), 0o644); werr != nil {
			return werr
		}
	}
	if err == nil && !report.Clean() {
		err = fmt.Errorf("%d response codes other than success, %d problems", len(report.Failures), len(report.Problems))
	}
	return err
}

// terminal returns f if a person looks at it, else nil.
func terminal(f *os.File) io.Writer {
	if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		return f
	}
	return nil
}
