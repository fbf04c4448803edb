package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os/signal"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gantry-mq/gantry/broker/config"
	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/broker/telemetry"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// serveFlags are the flags of every command that serves. Scripts rely on them.
type serveFlags struct {
	data, bind string
	httpPort   int
	configFile string
	sets       []string
	helpConfig bool
	verbose    bool
	pprof      bool
}

// add defines the flags; their fields hold the defaults that depend on the command.
func (f *serveFlags) add(fs *pflag.FlagSet) {
	fs.StringVar(&f.data, "data", "./gantry-data", "directory of everything that is kept")
	fs.StringVar(&f.bind, "bind", f.bind, "address to listen at")
	fs.IntVar(&f.httpPort, "http-port", f.httpPort, "port of /metrics, /healthz and /readyz")
	fs.StringVarP(&f.configFile, "config", "c", "", "configuration file with RocketMQ's keys")
	fs.StringArrayVar(&f.sets, "set", nil, "key=value of the configuration; can be repeated")
	fs.BoolVar(&f.helpConfig, "help-config", false, "print every configuration key and exit")
	fs.BoolVar(&f.pprof, "pprof", false, "serve profiles of the process at /debug/pprof/ of the HTTP port")
	fs.BoolVarP(&f.verbose, "verbose", "v", false, "log what is usually too much")
}

// process is a command that serves: what its roles share, and what has to be stopped.
type process struct {
	flags *serveFlags
	given func(flag string) bool
	cfg   *config.Config
	log   *slog.Logger
	tls   encryption

	running sync.WaitGroup                // listeners and what else runs until it is stopped
	stops   []func(context.Context) error // in the order of the starts; stop calls them backwards
	said    []string                      // the ready line, word by word

	health // what /readyz and /metrics ask
}

// shutdownWait is how long a stop waits for connections to end.
const shutdownWait = 10 * time.Second

// serve runs what start starts, until a signal.
func (f *serveFlags) serve(cmd *cobra.Command, start func(*process) error) error {
	if f.helpConfig {
		return config.WriteHelp(cmd.OutOrStdout())
	}
	level := slog.LevelInfo
	if f.verbose {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: level}))
	cfg, warnings, err := config.Load(f.configFile, f.sets)
	if err != nil {
		return err
	}
	for _, w := range warnings {
		log.Warn(w.Message, "key", w.Key)
	}
	p := &process{flags: f, given: cmd.Flags().Changed, cfg: cfg, log: log, said: []string{"gantry ready"}}
	if cfg.BindAddress != "" && !p.given("bind") {
		f.bind = cfg.BindAddress
	}
	if p.tls, err = p.encryption(); err != nil {
		return err
	}
	if !loopback(f.bind) && !p.tls.knowsClients() {
		log.Warn("nobody is asked who they are: whoever reaches this address can read, write and administer everything (see SECURITY.md)", "address", f.bind)
	}
	// The heap is small and steady; letting it double before a collection would be most of the process.
	debug.SetGCPercent(50)

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	err = start(p)
	if err == nil {
		fmt.Fprintln(cmd.OutOrStdout(), strings.Join(p.said, " "))
		<-ctx.Done()
		stop() // a second signal ends the process at once
		log.Info("stopping")
	}
	return errors.Join(err, p.stop())
}

// makeDir makes a directory to keep things in, and says what the platform or its file system lacks.
func (p *process) makeDir(dir string) error {
	if err := vfs.OS().MkdirAll(dir); err != nil {
		return err
	}
	lacks, err := vfs.Degraded(dir)
	for _, what := range lacks {
		p.log.Warn("slower or less safe than on Linux", "lacks", what)
	}
	return err
}

// say adds to the ready line.
func (p *process) say(name, value string) { p.said = append(p.said, name+"="+value) }

// listen opens ports of the address to listen at, all or none.
func (p *process) listen(ports ...int) ([]net.Listener, error) {
	var all []net.Listener
	for _, port := range ports {
		l, err := net.Listen("tcp", p.at(port))
		if err != nil {
			closeAll(all)
			return nil, err
		}
		all = append(all, l)
	}
	return all, nil
}

func (p *process) at(port int) string { return net.JoinHostPort(p.flags.bind, strconv.Itoa(port)) }

func closeAll(ls []net.Listener) {
	for _, l := range ls {
		_ = l.Close() // nothing was accepted
	}
}

func portOf(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }

// onStop registers what stops something that was started.
func (p *process) onStop(stop func(context.Context) error) { p.stops = append(p.stops, stop) }

// accept lets a server serve a listener until it is shut down.
func (p *process) accept(role string, s *remoting.Server, l net.Listener) {
	p.running.Go(func() {
		if err := s.Serve(l); !errors.Is(err, remoting.ErrServerClosed) {
			p.log.Error(role+": listener", "error", err)
		}
	})
}

// lockSamples is of how many waits for a lock one goes into the profile "mutex".
const lockSamples = 100

// startHTTP serves health and metrics.
func (p *process) startHTTP(l net.Listener) {
	if p.flags.pprof {
		runtime.SetMutexProfileFraction(lockSamples)
	}
	s := &http.Server{
		Handler:           telemetry.Handler(telemetry.Source{Ready: p.ready, Metrics: p.metrics, Profiles: p.flags.pprof}),
		ReadHeaderTimeout: 5 * time.Second,
	}
	p.running.Go(func() {
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			p.log.Error("http: listener", "error", err)
		}
	})
	p.onStop(s.Shutdown)
}

func (p *process) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownWait)
	defer cancel()
	var errs []error
	for _, stop := range slices.Backward(p.stops) {
		errs = append(errs, stop(ctx))
	}
	p.running.Wait()
	return errors.Join(errs...)
}
