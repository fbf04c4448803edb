package namesrv

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/gantry-mq/gantry/broker/meta"
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
	body, err := fastjson.Marshal(n.route(string(topic), t, anywhere), ids)
	if err != nil {
		return nil, err
	}
	t.kept[form].Store(&kept{n.generation, body})
	return body, nil
}

// zoneRoute is Route for a client that wants the brokers of its zone only, and those of other zones that have lost their master.
func (n *Namesrv) zoneRoute(topic []byte, zone string, ids fastjson.Integers) ([]byte, error) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	t := n.topics[string(topic)]
	if t == nil {
		return nil, nil
	}
	r := n.route(string(topic), t, func(b *broker) bool { return !b.hasMaster() || strings.EqualFold(b.zone, zone) })
	return fastjson.Marshal(r, ids)
}

func anywhere(*broker) bool { return true }

// memberTopics is the prefix of the topics through which the processes of a broker find one another: their routes tell the truth about ids.
const memberTopics = "rmq_sys_SYNC_BROKER_MEMBER_"

// route needs mu, for reading.
func (n *Namesrv) route(name string, t *topic, wanted func(*broker) bool) *routeJSON {
	rules := n.rules.Load()
	r := &routeJSON{Brokers: []brokerJSON{}, Queues: []Queues{}, Mappings: t.mappings}
	for _, brokerName := range slices.Sorted(maps.Keys(t.queues)) {
		q, b := t.queues[brokerName], n.brokers[brokerName]
		if b != nil && !wanted(b) {
			continue
		}
		r.Queues = append(r.Queues, q)
		if b == nil {
			continue
		}
		info := b.json()
		if rules.ActingMaster && b.actingMaster && !b.hasMaster() && q.Perm&meta.PermWrite == 0 && !strings.HasPrefix(name, memberTopics) {
			first := fastjson.IntKey(b.firstID())
			info.Addrs[masterID] = info.Addrs[first]
			delete(info.Addrs, first)
		}
		r.Brokers = append(r.Brokers, info)
	}
	if rules.OrderInRoutes {
		r.Order, _ = n.kv.get(orderNamespace, name)
	}
	return r
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
