package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/gantry-mq/gantry/broker"
	"github.com/gantry-mq/gantry/broker/config"
	"github.com/gantry-mq/gantry/broker/namesrv"
	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/broker/telemetry"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// upFlags are the flags of `gantry up`. Scripts rely on them.
type upFlags struct {
	data, bind, advertise string
	namesrvPort           int
	brokerPort            int
	proxyPort             int
	proxyRemotingPort     int
	httpPort              int
	configFile            string
	sets                  []string
	helpConfig            bool
	verbose               bool
	pprof                 bool
}

func newUp() *cobra.Command {
	var f upFlags
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Run name server and broker in one process, with an embedded store",
		Args:  cobra.NoArgs,
		Example: `  gantry up
  gantry up --data /var/lib/gantry --bind 0.0.0.0 --advertise mq.example.org
  gantry up -c broker.conf --set flushDiskType=SYNC_FLUSH`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.helpConfig {
				return config.WriteHelp(cmd.OutOrStdout())
			}
			return f.run(cmd)
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&f.data, "data", "./gantry-data", "directory of everything that is kept; the store is DIR/store")
	fs.StringVar(&f.bind, "bind", "127.0.0.1", "address to listen at")
	fs.StringVar(&f.advertise, "advertise", "", "host that clients are told (default: the address to listen at)")
	fs.IntVar(&f.namesrvPort, "namesrv-port", 9876, "port of the name server")
	fs.IntVar(&f.brokerPort, "broker-port", 10911, "port of the broker")
	fs.IntVar(&f.proxyPort, "proxy-port", 8081, "port of the proxy's gRPC side (no proxy yet: not opened)")
	fs.IntVar(&f.proxyRemotingPort, "proxy-remoting-port", 8080, "port of the proxy's Remoting side (no proxy yet: not opened)")
	fs.IntVar(&f.httpPort, "http-port", 8088, "port of /metrics, /healthz and /readyz")
	fs.StringVarP(&f.configFile, "config", "c", "", "configuration file with the keys of broker.conf")
	fs.StringArrayVar(&f.sets, "set", nil, "key=value of the configuration; can be repeated")
	fs.BoolVar(&f.helpConfig, "help-config", false, "print every configuration key and exit")
	fs.BoolVar(&f.pprof, "pprof", false, "serve profiles of the process at /debug/pprof/ of the HTTP port")
	fs.BoolVarP(&f.verbose, "verbose", "v", false, "log what is usually too much")
	return cmd
}

// shutdownWait is how long a stop waits for connections to end.
const shutdownWait = 10 * time.Second

func (f *upFlags) run(cmd *cobra.Command) error {
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
	f.apply(cmd, cfg)
	if err := sayDegraded(cfg.StoreDir, log); err != nil {
		return err
	}
	// The heap is small and steady; letting it double before a collection would be most of the process.
	debug.SetGCPercent(50)

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	u := &upProcess{cfg: cfg, flags: f, log: log}
	err = u.start()
	if err == nil {
		fmt.Fprintln(cmd.OutOrStdout(), u.readyLine())
		<-ctx.Done()
		stop() // a second signal ends the process at once
		log.Info("stopping")
	}
	return errors.Join(err, u.stop())
}

// sayDegraded says what the platform or the store's file system lacks.
func sayDegraded(dir string, log *slog.Logger) error {
	if err := vfs.OS().MkdirAll(dir); err != nil {
		return err
	}
	lacks, err := vfs.Degraded(dir)
	for _, what := range lacks {
		log.Warn("slower or less safe than on Linux", "lacks", what)
	}
	return err
}

// apply gives flags their place in the configuration. A flag that was given wins over the file.
func (f *upFlags) apply(cmd *cobra.Command, cfg *config.Config) {
	given := cmd.Flags().Changed
	if !cfg.Given("listenPort") || given("broker-port") {
		cfg.ListenPort = int64(f.brokerPort)
	}
	if cfg.BindAddress != "" && !given("bind") {
		f.bind = cfg.BindAddress
	}
	if f.advertise != "" {
		cfg.BrokerHost = f.advertise
	}
	if cfg.BrokerHost == "" {
		cfg.BrokerHost = reachable(f.bind)
	}
	if cfg.StoreDir == "" {
		cfg.StoreDir = filepath.Join(f.data, "store")
	}
	if !cfg.Given("brokerName") {
		cfg.BrokerName = "broker-a"
	}
}

// reachable is the address that clients are told for one that is listened at: for all addresses, the one that packets
// to the outside leave from.
func reachable(bind string) string {
	ip, err := netip.ParseAddr(bind)
	if err != nil || !ip.IsUnspecified() {
		return bind
	}
	addrs, err := net.InterfaceAddrs()
	if err == nil {
		for _, a := range addrs {
			if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() && (n.IP.To4() != nil) == ip.Is4() {
				return n.IP.String()
			}
		}
	}
	return "127.0.0.1"
}

// upProcess is everything that `gantry up` runs.
type upProcess struct {
	cfg   *config.Config
	flags *upFlags
	log   *slog.Logger

	names  *namesrv.Namesrv
	server *remoting.Server              // of the name server
	broker atomic.Pointer[broker.Broker] // nil until its store is open
	http   *http.Server
	cancel context.CancelFunc
	done   []chan struct{}
}

func (u *upProcess) listen(port int) (net.Listener, error) {
	return net.Listen("tcp", net.JoinHostPort(u.flags.bind, strconv.Itoa(port)))
}

func (u *upProcess) start() error {
	// Ports first: that one is taken shows before the store is touched.
	var listeners []net.Listener
	for _, port := range []int{u.flags.namesrvPort, int(u.cfg.ListenPort), u.flags.httpPort} {
		l, err := u.listen(port)
		if err != nil {
			for _, l := range listeners {
				l.Close()
			}
			return err
		}
		listeners = append(listeners, l)
	}
	u.cfg.ListenPort = int64(listeners[1].Addr().(*net.TCPAddr).Port)
	u.flags.namesrvPort = listeners[0].Addr().(*net.TCPAddr).Port
	u.flags.httpPort = listeners[2].Addr().(*net.TCPAddr).Port
	if err := u.startNamesrv(listeners[0]); err != nil {
		return err
	}
	u.startHTTP(listeners[2])
	b, err := broker.Open(broker.Options{
		Config: u.cfg, ConfigFile: u.flags.configFile, FS: vfs.OS(), Now: time.Now, Logger: u.log,
		Register: func(b namesrv.Broker, r *namesrv.Registration) error {
			b.Silence = -1 // it lives and dies with this process
			_, err := u.names.Register(b, r)
			return err
		},
	})
	if err != nil {
		return err
	}
	u.broker.Store(b)
	return b.Serve(listeners[1])
}

func (u *upProcess) startNamesrv(l net.Listener) error {
	kvPath := u.cfg.KVConfigPath
	if kvPath == "" {
		kvPath = filepath.Join(u.flags.data, "namesrv", "kvConfig.json")
	}
	fs := vfs.OS()
	if err := fs.MkdirAll(filepath.Dir(kvPath)); err != nil {
		return err
	}
	kv, err := vfs.ReadFile(fs, kvPath)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	u.names, err = namesrv.New(namesrv.Options{
		Logger: u.log, Scan: u.cfg.BrokerScan, DeleteMissing: u.cfg.DeleteUnregistered, OrderInRoutes: u.cfg.OrderTopics,
		NoOrderInReplies: !u.cfg.ReturnOrderTopics, NoAllTopics: !u.cfg.ListAllTopics, NoClusterTopics: !u.cfg.ListTopics,
		KV: kv, SaveKV: func(b []byte) error { return vfs.WriteFileWithBackup(fs, kvPath, b) },
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	u.cancel = cancel
	u.server = remoting.NewServer(u.names, remoting.ServerOptions{Logger: u.log, IdleTimeout: u.cfg.MaxIdle})
	u.goes(func() { u.names.Run(ctx) })
	u.goes(func() {
		if err := u.server.Serve(l); !errors.Is(err, remoting.ErrServerClosed) {
			u.log.Error("namesrv: listener", "error", err)
		}
	})
	return nil
}

func (u *upProcess) startHTTP(l net.Listener) {
	u.http = &http.Server{
		Handler:           telemetry.Handler(telemetry.Source{Ready: u.ready, Metrics: u.metrics, Profiles: u.flags.pprof}),
		ReadHeaderTimeout: 5 * time.Second,
	}
	u.goes(func() {
		if err := u.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			u.log.Error("http: listener", "error", err)
		}
	})
}

func (u *upProcess) ready() error {
	if b := u.broker.Load(); b != nil {
		return b.Ready()
	}
	return errors.New("the store is being recovered")
}

func (u *upProcess) metrics() []telemetry.Metric {
	if b := u.broker.Load(); b != nil {
		return b.Metrics()
	}
	return nil
}

// goes runs f until it returns, which stop waits for.
func (u *upProcess) goes(f func()) {
	done := make(chan struct{})
	u.done = append(u.done, done)
	go func() {
		defer close(done)
		f()
	}()
}

// readyLine says what listens, and only that.
func (u *upProcess) readyLine() string {
	at := func(port int) string { return net.JoinHostPort(u.flags.bind, strconv.Itoa(port)) }
	return strings.Join([]string{
		"gantry ready",
		"namesrv=" + at(u.flags.namesrvPort),
		"broker=" + at(int(u.cfg.ListenPort)),
		"http=" + at(u.flags.httpPort),
		"store=" + u.cfg.StoreDir,
	}, " ")
}

func (u *upProcess) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownWait)
	defer cancel()
	var errs []error
	if b := u.broker.Load(); b != nil {
		errs = append(errs, b.Close(ctx))
	}
	if u.server != nil {
		errs = append(errs, u.server.Shutdown(ctx))
	}
	if u.cancel != nil {
		u.cancel()
	}
	if u.http != nil {
		errs = append(errs, u.http.Shutdown(ctx))
	}
	for _, d := range u.done {
		<-d
	}
	return errors.Join(errs...)
}
