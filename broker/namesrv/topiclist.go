package namesrv

import (
	"slices"

	"github.com/gantry-mq/gantry/broker/remoting"
)

// topicList is the answer with names of topics, and with the address of some broker if that was asked for.
type topicList struct {
	Addr   string   `json:"brokerAddr,omitempty"`
	Topics []string `json:"topicList"`
}

// Flags of a topic in a deployment of several units, in Queues.SysFlag.
const (
	flagUnit    = 1 // its messages belong to a unit
	flagUnitSub = 2 // a unit subscribes to it
)

// Topics returns the names of all topics, sorted.
func (n *Namesrv) Topics() []string {
	return n.topicsWith(func(Queues) bool { return true })
}

// ClusterTopics returns the names of the topics that a cluster's brokers have, sorted.
func (n *Namesrv) ClusterTopics(cluster string) []string {
	return n.topicsWith(func(q Queues) bool {
		b := n.brokers[q.Broker]
		return b != nil && b.cluster == cluster
	})
}

// topicsWith returns the names of the topics of which some broker has such queues, sorted; never nil, which JSON would
// write as null. The condition is asked with mu held.
func (n *Namesrv) topicsWith(is func(Queues) bool) []string {
	n.mu.RLock()
	defer n.mu.RUnlock()
	names := []string{}
	for name, t := range n.topics {
		for _, q := range t.queues {
			if is(q) {
				names = append(names, name)
				break
			}
		}
	}
	slices.Sort(names)
	return names
}

// serveTopics answers requests for lists of topics.
func (n *Namesrv) serveTopics(cmd *remoting.Command) answer {
	rules := n.rules.Load()
	switch all := cmd.Code == remoting.CodeGetAllTopicListFromNameServer; {
	case all && rules.NoAllTopics:
		return answer{code: remoting.RespSystemError, remark: "disabled: enableAllTopicList is false"}
	case !all && rules.NoTopicLists:
		return answer{code: remoting.RespSystemError, remark: "disabled: enableTopicList is false"}
	}
	switch cmd.Code {
	case remoting.CodeGetTopicsByCluster:
		a := args{fields: cmd.Fields}
		cluster := a.str("cluster")
		if a.err != nil {
			return failed(a.err)
		}
		return encoded(topicList{Topics: n.ClusterTopics(cluster)})
	case remoting.CodeGetUnitTopicList:
		return encoded(topicList{Topics: n.topicsWith(func(q Queues) bool { return q.SysFlag&flagUnit != 0 })})
	case remoting.CodeGetHasUnitSubTopicList:
		return encoded(topicList{Topics: n.topicsWith(func(q Queues) bool { return q.SysFlag&flagUnitSub != 0 })})
	case remoting.CodeGetHasUnitSubUnUnitTopicList:
		return encoded(topicList{Topics: n.topicsWith(func(q Queues) bool { return q.SysFlag&(flagUnit|flagUnitSub) == flagUnitSub })})
	default:
		return encoded(topicList{Topics: n.Topics()})
	}
}

// system returns the topics that exist because a cluster or a broker does, and the address of some broker.
func (n *Namesrv) system() topicList {
	n.mu.RLock()
	defer n.mu.RUnlock()
	l := topicList{Topics: []string{}}
	first := ""
	for name, b := range n.brokers {
		l.Topics = append(l.Topics, name, b.cluster)
		if first == "" || name < first {
			first, l.Addr = name, b.addrs[b.firstID()]
		}
	}
	slices.Sort(l.Topics)
	l.Topics = slices.Compact(l.Topics)
	return l
}
