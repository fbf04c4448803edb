package namesrv

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/gantry-mq/gantry/broker/remoting/fastjson"
)

// The order of the fields below is that in which RocketMQ writes them, so that answers can be compared byte for byte.

type routeJSON struct {
	Brokers  []brokerJSON               `json:"brokerDatas"`
	Filters  struct{}                   `json:"filterServerTable"`
	Order    string                     `json:"orderTopicConf,omitempty"`
	Queues   []Queues                   `json:"queueDatas"`
	Mappings map[string]json.RawMessage `json:"topicQueueMappingByBroker,omitempty"`
}

type brokerJSON struct {
	Addrs        map[fastjson.IntKey]string `json:"brokerAddrs"`
	Name         string                     `json:"brokerName"`
	Cluster      string                     `json:"cluster"`
	ActingMaster bool                       `json:"enableActingMaster"`
	Zone         string                     `json:"zoneName,omitempty"`
}

func (b *broker) json() brokerJSON {
	return brokerJSON{Addrs: intKeys(b.addrs), Name: b.name, Cluster: b.cluster, ActingMaster: b.actingMaster, Zone: b.zone}
}

func intKeys(addrs map[int64]string) map[fastjson.IntKey]string {
	m := make(map[fastjson.IntKey]string, len(addrs))
	for id, addr := range addrs {
		m[fastjson.IntKey(id)] = addr
	}
	return m
}

// kept is a route that was encoded when the generation was that.
type kept struct {
	generation uint64
	body       []byte
}

// Route returns where a topic is, in JSON, with the ids of brokers quoted or bare; nil if nobody has it. The result
// must not be changed.
func (n *Namesrv) Route(topic []byte, ids fastjson.Integers) ([]byte, error) {
	form := 0
	if ids == fastjson.BareIntegers {
		form = 1
	}
	n.mu.RLock()
	defer n.mu.RUnlock()
	t := n.topics[string(topic)]
	if t == nil {
		return nil, nil
	}
	if k := t.kept[form].Load(); k != nil && k.generation == n.generation {
		return k.body, nil
	}
	r := routeJSON{Mappings: t.mappings}
	for _, name := range slices.Sorted(maps.Keys(t.queues)) {
		r.Queues = append(r.Queues, t.queues[name])
		if b := n.brokers[name]; b != nil {
			r.Brokers = append(r.Brokers, b.json())
		}
	}
	if n.o.OrderInRoutes {
		r.Order, _ = n.kv.get(orderNamespace, string(topic))
	}
	body, err := fastjson.Marshal(&r, ids)
	if err != nil {
		return nil, err
	}
	t.kept[form].Store(&kept{n.generation, body})
	return body, nil
}

// clusterJSON is the answer about all brokers.
type clusterJSON struct {
	Brokers  map[string]brokerJSON `json:"brokerAddrTable"`
	Clusters map[string][]string   `json:"clusterAddrTable"`
}

// Clusters returns all brokers and the clusters that they are in, in JSON.
func (n *Namesrv) Clusters() ([]byte, error) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	c := clusterJSON{Brokers: map[string]brokerJSON{}, Clusters: map[string][]string{}}
	for _, name := range slices.Sorted(maps.Keys(n.brokers)) {
		b := n.brokers[name]
		c.Brokers[name] = b.json()
		c.Clusters[b.cluster] = append(c.Clusters[b.cluster], name)
	}
	return fastjson.Marshal(&c, fastjson.QuotedIntegers)
}

type groupJSON struct {
	Group struct {
		Addrs   map[fastjson.IntKey]string `json:"brokerAddrs"`
		Name    string                     `json:"brokerName"`
		Cluster string                     `json:"cluster"`
	} `json:"brokerMemberGroup"`
}

// members returns the processes of one broker name, in JSON; of none if it is unknown.
func (n *Namesrv) members(cluster, name string) ([]byte, error) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	var g groupJSON
	g.Group.Name, g.Group.Cluster, g.Group.Addrs = name, cluster, map[fastjson.IntKey]string{}
	if b := n.brokers[name]; b != nil {
		g.Group.Addrs = intKeys(b.addrs)
	}
	return fastjson.Marshal(&g, fastjson.QuotedIntegers)
}

// system returns the topics that exist because a cluster or a broker does, and the address of some broker.
func (n *Namesrv) system() topicList {
	n.mu.RLock()
	defer n.mu.RUnlock()
	names := map[string]bool{}
	l := topicList{}
	for _, name := range slices.Sorted(maps.Keys(n.brokers)) {
		b := n.brokers[name]
		names[name], names[b.cluster] = true, true
		if l.Addr == "" {
			l.Addr = b.addrs[b.firstID()]
		}
	}
	l.Topics = slices.Sorted(maps.Keys(names))
	return l
}

type topicList struct {
	Addr   string   `json:"brokerAddr,omitempty"`
	Topics []string `json:"topicList"`
}
