package namesrv

import (
	"context"
	"net"
	"slices"
	"time"
)

// resolve returns the name servers that the hosts in Options.Addrs stand for, sorted; before if a host can't be looked up.
func (r *Registrar) resolve(ctx context.Context, before []string) []string {
	var all []string
	for _, addr := range r.o.Addrs {
		host, port, err := net.SplitHostPort(addr)
		var ips []string
		if err == nil {
			ctx, cancel := context.WithTimeout(ctx, dialWait)
			ips, err = net.DefaultResolver.LookupHost(ctx, host)
			cancel()
		}
		if err != nil {
			r.o.Logger.Warn("namesrv: the name servers were not looked up", "namesrvAddr", addr, "stays", before, "err", err)
			return before
		}
		for _, ip := range ips {
			all = append(all, net.JoinHostPort(ip, port))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// keepResolving looks the name servers up again and again, until ctx is done.
func (r *Registrar) keepResolving(ctx context.Context, addrs []string) {
	ticker := time.NewTicker(r.o.Resolve)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			addrs = r.resolve(ctx, addrs)
			r.SetAddrs(addrs)
		}
	}
}
