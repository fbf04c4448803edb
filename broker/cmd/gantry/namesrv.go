package main

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/gantry-mq/gantry/broker/namesrv"
	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/broker/telemetry"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

const namesrvPort = 9876

func newNamesrv() *cobra.Command {
	f := serveFlags{bind: "0.0.0.0", httpPort: 8089}
	var port int
	cmd := &cobra.Command{
		Use:   "namesrv",
		Short: "Run a name server: brokers register with it, clients ask it for routes",
		Args:  cobra.NoArgs,
		Example: `  gantry namesrv
  gantry namesrv -c namesrv.conf --bind 10.0.0.1
  gantry namesrv --namesrv-port 9877 --set enableAllTopicList=false`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.serve(cmd, func(p *process) error {
				if p.cfg.Given("listenPort") && !p.given("namesrv-port") {
					port = int(p.cfg.ListenPort)
				}
				ls, err := p.listen(port, f.httpPort)
				if err != nil {
					return err
				}
				p.expect()
				p.startHTTP(ls[1])
				_, err = p.startNamesrv(ls[0])
				p.say("http", p.at(portOf(ls[1])))
				return err
			})
		},
	}
	f.add(cmd.Flags())
	cmd.Flags().IntVar(&port, "namesrv-port", namesrvPort, "port of the name server")
	return cmd
}

// startNamesrv serves a name server at a listener, which it owns.
func (p *process) startNamesrv(l net.Listener) (*namesrv.Namesrv, error) {
	names, err := p.newNamesrv()
	if err != nil {
		closeAll([]net.Listener{l})
		return nil, err
	}
	server := remoting.NewServer(names, p.tls.of(remoting.ServerOptions{Logger: p.log, IdleTimeout: p.cfg.MaxIdle}))
	ctx, cancel := context.WithCancel(context.Background())
	p.running.Go(func() { names.Run(ctx) })
	p.accept("namesrv", server, l)
	p.onStop(func(wait context.Context) error {
		defer cancel()
		return server.Shutdown(wait)
	})
	p.say("namesrv", p.at(portOf(l)))
	p.report(func() error { return nil }, func() []telemetry.Metric { return namesrvMetrics(names, server) })
	return names, nil
}

func (p *process) newNamesrv() (*namesrv.Namesrv, error) {
	path := p.cfg.KVConfigPath
	if path == "" {
		path = filepath.Join(p.flags.data, "namesrv", "kvConfig.json")
	}
	if err := p.makeDir(filepath.Dir(path)); err != nil {
		return nil, err
	}
	fs := vfs.OS()
	kv, err := vfs.ReadFileOrBackup(fs, path, nil)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	s := &namesrvSettings{cfg: p.cfg, log: p.log}
	s.names, err = namesrv.New(namesrv.Options{
		Logger: p.log, Scan: p.cfg.BrokerScan, Rules: rulesOf(p.cfg),
		KV: kv, SaveKV: func(b []byte) error { return vfs.WriteFileWithBackup(fs, path, b) },
		Settings: s.text, Update: s.update,
	})
	return s.names, err
}

func namesrvMetrics(n *namesrv.Namesrv, s *remoting.Server) []telemetry.Metric {
	brokers, topics := n.Counts()
	labels := []telemetry.Label{{Name: "node_type", Value: "nameserver"}}
	gauge := func(name string, v int, help string) telemetry.Metric {
		return telemetry.Metric{Name: name, Kind: telemetry.Gauge, Help: help, Labels: labels, Value: float64(v)}
	}
	return []telemetry.Metric{
		gauge("gantry_namesrv_brokers", brokers, "Processes of brokers that are registered."),
		gauge("gantry_namesrv_topics", topics, "Topics that some broker has."),
		gauge("gantry_namesrv_connections", s.Connections(), "Connections of brokers and clients."),
	}
}
