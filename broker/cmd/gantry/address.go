package main

import (
	"net"
	"net/netip"
	"time"
)

// reachable is the host that others are told for an address that is listened at. For all addresses of the machine it is the
// one that a name server sees packets of this machine come from, or failing that the first one that isn't only local.
func reachable(bind string, namesrvs []string) string {
	ip, err := netip.ParseAddr(bind)
	if err != nil || !ip.IsUnspecified() {
		return bind
	}
	for _, addr := range namesrvs {
		if from, err := outbound(addr); err == nil && !from.IsLoopback() {
			return from.String()
		}
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

// loopback tells whether only this machine reaches an address that is listened at.
func loopback(bind string) bool {
	ip, err := netip.ParseAddr(bind)
	return bind == "localhost" || err == nil && ip.IsLoopback()
}

// outbound is the address that packets to another one leave from. It sends none, unless a name has to be looked up.
func outbound(to string) (netip.Addr, error) {
	c, err := (&net.Dialer{Timeout: 3 * time.Second}).Dial("udp", to)
	if err != nil {
		return netip.Addr{}, err
	}
	defer c.Close()
	from, err := netip.ParseAddrPort(c.LocalAddr().String())
	return from.Addr().Unmap(), err
}
