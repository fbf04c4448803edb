package namesrv

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/gantry-mq/gantry/broker/remoting"
)

// notice tells the processes of a broker that the lowest id among them is another one: a replica may have to stand in for the
// master, or to cease from it.
type notice struct {
	to      []string // addresses
	request *remoting.Request
}

const (
	maxNotices = 256             // that wait; with more of them in the air, the brokers' own polling has to do
	noticeWait = 3 * time.Second // to connect to a broker
)

// noteMinID makes a notice. gone is the address that has just left, "" if one has come; ha is the new one's. It needs mu.
func (n *Namesrv) noteMinID(b *broker, gone, ha string) {
	if !n.rules.Load().NotifyMinID || len(b.addrs) == 0 {
		return
	}
	first := b.firstID()
	m := notice{request: &remoting.Request{Code: remoting.CodeNotifyMinBrokerIDChange}}
	m.request.Fields.AddInt("minBrokerId", first)
	m.request.Fields.Add("brokerName", b.name)
	m.request.Fields.Add("minBrokerAddr", b.addrs[first])
	if gone != "" {
		m.request.Fields.Add("offlineBrokerAddr", gone)
	}
	if ha != "" {
		m.request.Fields.Add("haBrokerAddr", ha)
	}
	for _, id := range slices.Sorted(maps.Keys(b.addrs)) {
		if gone != "" || id != first || len(b.addrs) == 1 {
			m.to = append(m.to, b.addrs[id])
		}
	}
	select {
	case n.notices <- m:
	default:
		n.log.Warn("namesrv: too many notices, one is dropped", "broker", b.name, "minBrokerId", first)
	}
}

// send sends a notice over connections of its own: brokers take requests at their listeners only.
func (n *Namesrv) send(ctx context.Context, m notice) {
	for _, addr := range m.to {
		if err := sendOneway(ctx, addr, m.request); err != nil {
			n.log.Warn("namesrv: a broker was not told of the lowest id", "addr", addr, "err", err)
		}
	}
}

func sendOneway(ctx context.Context, addr string, r *remoting.Request) error {
	ctx, cancel := context.WithTimeout(ctx, noticeWait)
	defer cancel()
	c, err := remoting.Dial(ctx, addr)
	if err != nil {
		return err
	}
	defer c.Close()
	return c.Oneway(r)
}
