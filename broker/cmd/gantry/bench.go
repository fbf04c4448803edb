package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/gantry-mq/gantry/benchmarks/generator"
)

// newBench returns the load generator. It shares no code with the server, so that it can check any broker.
func newBench() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Put a load on any RocketMQ broker; measure rate, latency, CPU time and memory",
		Args:  cobra.NoArgs,
		Long: `Each kind of load is a process of its own, speaks Remoting and checks every answer. It ends with status 1
if a request failed, a connection broke or the broker did something wrong. Ctrl-C ends it early and still reports.`,
	}
	for _, mode := range generator.Modes() {
		cmd.AddCommand(newBenchMode(mode))
	}
	return cmd
}

// benchAbout says what a mode does, in a line, and how it is called.
func benchAbout(mode string) (short, example string) {
	switch mode {
	case generator.ModeSend:
		return "Send in a closed loop", `  gantry bench send --duration 30s --pid "$(pgrep -x gantry)" --json send.json --hdr send.hlog`
	case generator.ModePull:
		return "Send a backlog, which isn't measured, then pull it from all queues", `  gantry bench pull --count 1000000 --passes 3`
	case generator.ModeLatency:
		return "Send at a fixed rate to consumers that wait for the messages", `  gantry bench latency --rate 5000 --duration 30s`
	case generator.ModeTopics:
		return "Create many topics, send to each, ask for all routes", `  gantry bench topics --topics 10000 --queues 4 --namesrv 127.0.0.1:9876`
	case generator.ModeConnections:
		return "Hold idle connections, each of which has sent a heartbeat", `  gantry bench connections --connections 10000 --duration 30s`
	}
	return "", ""
}

func newBenchMode(mode string) *cobra.Command {
	options := generator.Options{Mode: mode}
	var output generator.Output
	short, example := benchAbout(mode)
	cmd := &cobra.Command{
		Use: mode, Short: short, Example: example, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return bench(cmd, options, output) },
	}
	all, used := flag.NewFlagSet(mode, flag.ContinueOnError), flag.NewFlagSet(mode, flag.ContinueOnError)
	options.Register(all)
	output.Register(all)
	all.VisitAll(func(f *flag.Flag) {
		if generator.Applies(mode, f.Name) {
			used.Var(f.Value, f.Name, f.Usage)
		}
	})
	cmd.Flags().AddGoFlagSet(used)
	return cmd
}

func bench(cmd *cobra.Command, options generator.Options, output generator.Output) error {
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	unhook := context.AfterFunc(ctx, stop) // a second signal ends the process at once
	defer unhook()
	report, err := generator.Run(ctx, options, terminal(os.Stderr))
	if report == nil {
		return err
	}
	err = errors.Join(err, output.Write(report, cmd.OutOrStdout()))
	if err == nil {
		err = report.Err()
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
