package main

import (
	"crypto/tls"

	"github.com/gantry-mq/gantry/broker/config"
	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/broker/remoting/tlsconf"
)

// encryption is what the keys of TLS come to.
type encryption struct {
	server  *tls.Config // nil: plain text only
	require bool        // of clients
	asks    bool        // for certificates of clients, and checks them
	client  *tls.Config // nil: plain text
}

func (p *process) encryption() (e encryption, err error) {
	o, err := tlsOptions(&p.cfg.TLS)
	if err != nil {
		return e, err
	}
	if e.server, err = o.ServerConfig(p.log); err != nil {
		return e, err
	}
	e.client, err = o.ClientConfig(p.log)
	e.require = o.Mode == tlsconf.Enforcing
	e.asks = o.NeedClientAuth == tlsconf.RequireClientAuth && o.Server.Verify
	return e, err
}

// knowsClients tells whether only those get in who have a certificate that was signed for them.
func (e encryption) knowsClients() bool { return e.require && e.asks }

// of adds TLS to what is said of a server.
func (e encryption) of(o remoting.ServerOptions) remoting.ServerOptions {
	o.TLS, o.RequireTLS = e.server, e.require
	return o
}

func tlsOptions(c *config.TLS) (tlsconf.Options, error) {
	o := tlsconf.Default()
	o.Enable, o.TestMode = c.Enable, c.TestMode
	o.Server, o.Client = tlsconf.Files(c.Server), tlsconf.Files(c.Client)
	if err := o.Set("tls.server.mode", c.Mode); err != nil {
		return o, err
	}
	return o, o.Set("tls.server.need.client.auth", c.NeedClientAuth)
}
