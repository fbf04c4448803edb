package main

import (
	"github.com/spf13/cobra"

	"github.com/gantry-mq/gantry/broker/namesrv"
)

func newUp() *cobra.Command {
	f := brokerFlags{serveFlags: serveFlags{bind: "127.0.0.1", httpPort: 8088}}
	var names, proxy, proxyRemoting int
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Run name server and broker in one process, with an embedded store",
		Args:  cobra.NoArgs,
		Example: `  gantry up
  gantry up --data /var/lib/gantry --bind 0.0.0.0 --advertise mq.example.org
  gantry up -c broker.conf --set flushDiskType=SYNC_FLUSH`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.serve(cmd, func(p *process) error { return f.startAll(p, names) })
		},
	}
	fs := cmd.Flags()
	f.add(fs)
	fs.IntVar(&names, "namesrv-port", namesrvPort, "port of the name server")
	fs.IntVar(&proxy, "proxy-port", 8081, "port of the proxy's gRPC side (no proxy yet: not opened)")
	fs.IntVar(&proxyRemoting, "proxy-remoting-port", 8080, "port of the proxy's Remoting side (no proxy yet: not opened)")
	return cmd
}

// startAll starts both roles. Ports come first: that one is taken shows before the store is touched.
func (f *brokerFlags) startAll(p *process, namesrvPort int) error {
	if !p.cfg.Given("brokerName") {
		p.cfg.BrokerName = "broker-a"
	}
	if len(p.cfg.NamesrvAddrs) > 0 {
		p.log.Warn("the broker registers with the name server of its own process only; gantry broker registers with others", "namesrvAddr", p.cfg.NamesrvAddrs)
		p.cfg.NamesrvAddrs = nil
	}
	if err := f.apply(p); err != nil {
		return err
	}
	ls, err := p.listen(namesrvPort, f.httpPort)
	if err != nil {
		return err
	}
	own, err := p.listenBroker(int(p.cfg.ListenPort))
	if err != nil {
		closeAll(ls)
		return err
	}
	p.expect()
	p.expect()
	p.startHTTP(ls[1])
	names, err := p.startNamesrv(ls[0])
	if err != nil {
		closeAll(own)
		return err
	}
	if err := p.startBroker(own, namesrv.NewLocal(names, p.cfg.Register)); err != nil {
		return err
	}
	p.say("http", p.at(portOf(ls[1])))
	p.say("store", p.cfg.StoreDir)
	return nil
}
