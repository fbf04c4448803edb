package admin

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/gantry-mq/gantry/broker/remoting"
)

// masterID is the broker id of a master; replicas have others.
const masterID = 0

// BrokerSet is a master and its replicas, which have one broker name, as name servers describe them.
type BrokerSet struct {
	Cluster string           `json:"cluster"`
	Name    string           `json:"brokerName"`
	Addrs   map[int64]string `json:"brokerAddrs"` // by broker id
}

// reader is the address to ask for what all members know: the master's or, without one, that of the replica with the lowest id; "" if there is none.
func (s *BrokerSet) reader() string {
	for _, id := range slices.Sorted(maps.Keys(s.Addrs)) {
		if addr := s.Addrs[id]; addr != "" {
			return addr
		}
	}
	return ""
}

// Broker is one broker process.
type Broker struct {
	Cluster string `json:"cluster,omitempty"`
	Name    string `json:"brokerName,omitempty"`
	ID      int64  `json:"brokerId"`
	Addr    string `json:"brokerAddr"`
}

// clusterInfo is what a name server knows of its brokers.
type clusterInfo struct {
	Sets     map[string]BrokerSet `json:"brokerAddrTable"`  // by broker name
	Clusters map[string][]string  `json:"clusterAddrTable"` // broker names
}

func (c *Client) clusterInfo(ctx context.Context) (info clusterInfo, err error) {
	err = c.fetchName(ctx, &remoting.Request{Code: remoting.CodeGetBrokerClusterInfo}, &info)
	return info, err
}

// Clusters are the names of the clusters, sorted.
func (c *Client) Clusters(ctx context.Context) ([]string, error) {
	info, err := c.clusterInfo(ctx)
	return slices.Sorted(maps.Keys(info.Clusters)), err
}

// Target says which brokers something is done on: one, all of a cluster or, with both empty, all of the only cluster there is.
type Target struct {
	Broker   string // address, or the name of a broker, which stands for its master
	Cluster  string // name
	Replicas bool   // not only the masters
}

// Brokers finds what t means, sorted by cluster, name and id. There is at least one without an error, which wraps ErrNotFound where names are unknown.
func (c *Client) Brokers(ctx context.Context, t Target) ([]Broker, error) {
	if strings.Contains(t.Broker, ":") {
		return []Broker{{Addr: t.Broker}}, nil
	}
	info, err := c.clusterInfo(ctx)
	if err != nil {
		return nil, err
	}
	if t.Broker != "" {
		return info.master(t.Broker)
	}
	cluster := t.Cluster
	if cluster == "" {
		if cluster, err = info.only(); err != nil {
			return nil, err
		}
	}
	if info.Clusters[cluster] == nil {
		return nil, info.noCluster(cluster)
	}
	all := info.members(cluster, t.Replicas)
	if len(all) == 0 {
		return nil, notFound("cluster %s has no master that is registered", cluster)
	}
	return all, nil
}

// only is the name of the cluster if there is no other.
func (info *clusterInfo) only() (string, error) {
	switch len(info.Clusters) {
	case 0:
		return "", notFound("the name server knows no broker")
	case 1:
		for name := range info.Clusters {
			return name, nil
		}
	}
	return "", badInput("there is more than one cluster, so say which: %s", listed(maps.Keys(info.Clusters)))
}

func (info *clusterInfo) noCluster(name string) error {
	return notFound("no cluster is called %q: there is %s", name, listed(maps.Keys(info.Clusters)))
}

func (info *clusterInfo) master(name string) ([]Broker, error) {
	set, ok := info.Sets[name]
	if !ok {
		return nil, notFound("no broker is called %q: there is %s", name, listed(maps.Keys(info.Sets)))
	}
	addr := set.Addrs[masterID]
	if addr == "" {
		return nil, notFound("broker %s has no master that is registered", name)
	}
	return []Broker{{Cluster: set.Cluster, Name: name, ID: masterID, Addr: addr}}, nil
}

// members are the brokers of a cluster, sorted by name and id.
func (info *clusterInfo) members(cluster string, replicas bool) []Broker {
	var all []Broker
	for _, name := range info.Clusters[cluster] {
		for id, addr := range info.Sets[name].Addrs {
			if id == masterID || replicas {
				all = append(all, Broker{Cluster: cluster, Name: name, ID: id, Addr: addr})
			}
		}
	}
	slices.SortFunc(all, func(a, b Broker) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	return all
}

// nameOf is the name of the broker at an address, "" if the name server doesn't know it.
func (info *clusterInfo) nameOf(addr string) string {
	for name, set := range info.Sets {
		for _, a := range set.Addrs {
			if a == addr {
				return name
			}
		}
	}
	return ""
}

// AllBrokers are the brokers of all clusters, sorted by cluster, name and id.
func (c *Client) AllBrokers(ctx context.Context) ([]Broker, error) {
	info, err := c.clusterInfo(ctx)
	var all []Broker
	for _, name := range slices.Sorted(maps.Keys(info.Clusters)) {
		all = append(all, info.members(name, true)...)
	}
	return all, err
}
