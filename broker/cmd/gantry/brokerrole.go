package main

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gantry-mq/gantry/broker"
	"github.com/gantry-mq/gantry/broker/namesrv"
	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// brokerFlags are the flags of every command that runs a broker.
type brokerFlags struct {
	serveFlags
	port      int
	advertise string
}

func (f *brokerFlags) add(fs *pflag.FlagSet) {
	f.serveFlags.add(fs)
	fs.IntVar(&f.port, "broker-port", 10911, "port of the broker; two below it is its fast port")
	fs.StringVar(&f.advertise, "advertise", "", "host that clients and name servers are told (default: the address to listen at)")
}

func newBroker() *cobra.Command {
	f := brokerFlags{serveFlags: serveFlags{bind: "0.0.0.0", httpPort: 8088}}
	var namesrvs string
	cmd := &cobra.Command{
		Use:   "broker",
		Short: "Run a broker that registers with name servers elsewhere",
		Args:  cobra.NoArgs,
		Example: `  gantry broker --namesrv-addr '10.0.0.1:9876;10.0.0.2:9876'
  gantry broker -c broker.conf --data /var/lib/gantry
  NAMESRV_ADDR=names:9876 gantry broker --bind 10.0.0.7 --set brokerName=broker-b`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.serve(cmd, func(p *process) error {
				if namesrvs != "" {
					p.cfg.NamesrvAddrs = strings.FieldsFunc(namesrvs, func(r rune) bool { return r == ';' || r == ',' })
				}
				return f.startAlone(p)
			})
		},
	}
	f.add(cmd.Flags())
	cmd.Flags().StringVar(&namesrvs, "namesrv-addr", "", "name servers as host:port, separated by ; (default: namesrvAddr of the configuration, or $NAMESRV_ADDR)")
	return cmd
}

func (f *brokerFlags) startAlone(p *process) error {
	if err := f.apply(p); err != nil {
		return err
	}
	ls, err := p.listen(f.httpPort)
	if err != nil {
		return err
	}
	own, err := p.listenBroker(int(p.cfg.ListenPort))
	if err != nil {
		closeAll(ls)
		return err
	}
	p.expect()
	p.startHTTP(ls[0])
	if err := p.startBroker(own, namesrv.NewRegistrar(p.registrarOptions())); err != nil {
		return err
	}
	p.say("http", p.at(portOf(ls[0])))
	p.say("store", p.cfg.StoreDir)
	return nil
}

// apply gives flags their place in the configuration. A flag that was given wins over the file.
func (f *brokerFlags) apply(p *process) error {
	cfg := p.cfg
	if cfg.BrokerID != 0 {
		return fmt.Errorf("brokerId=%d: replicas are not part of this version, a broker has the id 0", cfg.BrokerID)
	}
	if !cfg.Given("listenPort") || p.given("broker-port") {
		cfg.ListenPort = int64(f.port)
	}
	if f.advertise != "" {
		cfg.BrokerHost = f.advertise
	}
	if cfg.BrokerHost == "" {
		cfg.BrokerHost = reachable(f.bind, cfg.NamesrvAddrs)
	}
	if cfg.StoreDir == "" {
		cfg.StoreDir = filepath.Join(f.data, "store")
	}
	return nil
}

func (p *process) registrarOptions() namesrv.RegistrarOptions {
	o := namesrv.RegistrarOptions{
		Addrs: p.cfg.NamesrvAddrs, Logger: p.log, Period: p.cfg.Register, Wait: p.cfg.RegisterWait,
		Dial:     remoting.Dialer{Logger: p.log, TLS: p.tls.client}.Dial,
		Compress: p.cfg.CompressedBody, Ask: !p.cfg.ForceRegister, TopicAlone: p.cfg.TopicAlone,
	}
	if p.cfg.ResolveNamesrvs {
		o.Resolve = p.cfg.ResolveNamesrvsEvery
	}
	return o
}

// fastBelow is how far the fast port is below the broker's: clients may send there what must not queue behind pulls.
const fastBelow = 2

// freeTries is how often a free port is looked for whose fast port is free, too.
const freeTries = 20

// listenBroker opens the broker's port and its fast port. For port 0 it finds two that are free.
func (p *process) listenBroker(port int) ([]net.Listener, error) {
	if port != 0 && port <= fastBelow {
		return p.listen(port)
	}
	if port != 0 {
		return p.listen(port, port-fastBelow)
	}
	var err error
	for range freeTries {
		var own, fast []net.Listener
		if own, err = p.listen(0); err != nil {
			break
		}
		if fast, err = p.listen(portOf(own[0]) - fastBelow); err == nil {
			return append(own, fast...), nil
		}
		closeAll(own)
	}
	return nil, err
}

// startBroker serves a broker at listeners, which it owns; the first one is what clients are told.
func (p *process) startBroker(ls []net.Listener, registry broker.Registry) error {
	p.cfg.ListenPort = int64(portOf(ls[0]))
	err := p.makeDir(p.cfg.StoreDir)
	if err != nil {
		closeAll(ls)
		return err
	}
	b, err := broker.Open(broker.Options{
		Config: p.cfg, ConfigFile: p.flags.configFile, FS: vfs.OS(), Registry: registry, TLS: p.tls.server, RequireTLS: p.tls.require, Now: time.Now, Logger: p.log,
	})
	if err != nil {
		closeAll(ls)
		return err
	}
	p.onStop(func(ctx context.Context) error { return b.Close(ctx) })
	b.Serve(ls...)
	p.report(b.Ready, b.Metrics)
	p.say("broker", p.at(portOf(ls[0])))
	return nil
}
