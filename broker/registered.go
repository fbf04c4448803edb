package broker

import (
	"net"
	"strconv"

	"github.com/gantry-mq/gantry/broker/config"
	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/namesrv"
)

// registered is the table of topics as name servers are told of it.
type registered struct {
	*meta.Topics
	config *config.Live
}

// Get implements namesrv.Topics.
func (r registered) Get(name string) *meta.TopicConfig { return r.permitted(r.Topics.Get(name)) }

// All implements namesrv.Topics.
func (r registered) All() ([]*meta.TopicConfig, meta.DataVersion) {
	all, version := r.Topics.All()
	for i := range all {
		all[i] = r.permitted(all[i])
	}
	return all, version
}

// permitted is the topic with what the broker permits: clients leave alone what they could not do.
func (r registered) permitted(c *meta.TopicConfig) *meta.TopicConfig {
	const both = meta.PermRead | meta.PermWrite
	allowed := int32(r.config.Load().BrokerPerm)
	if c == nil || allowed&both == both {
		return c
	}
	less := *c
	less.Perm &= allowed
	return &less
}

func (b *Broker) identity() namesrv.Broker {
	c := b.opts.Config
	return namesrv.Broker{
		Cluster: c.ClusterName, Name: c.BrokerName, ID: c.BrokerID,
		Addr:   net.JoinHostPort(c.BrokerHost, strconv.FormatInt(c.ListenPort, 10)),
		HAAddr: net.JoinHostPort(c.BrokerHost, strconv.FormatInt(c.ListenPort+1, 10)),
	}
}
