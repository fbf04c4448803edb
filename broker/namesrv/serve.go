package namesrv

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/broker/remoting/fastjson"
)

// Serve answers requests, all of them in place.
func (n *Namesrv) Serve(c *remoting.Conn, cmds []remoting.Command) {
	for i := range cmds {
		cmd := &cmds[i]
		if cmd.Code == remoting.CodeGetRouteInfoByTopic { // by far the most frequent one
			n.serveRoute(c, cmd)
			continue
		}
		a := n.answer(c, cmd)
		w := c.Reply(cmd.Ticket(), a.code, a.remark)
		for _, f := range a.fields {
			w.Bytes(string(f.Key), f.Value)
		}
		w.Body(a.body)
		w.End()
	}
}

// answer is what a request gets. The zero value is success without more.
type answer struct {
	code   int32
	remark string
	fields remoting.Fields
	body   []byte
}

// failed is the answer for an error.
func failed(err error) answer {
	return answer{code: remoting.RespSystemError, remark: err.Error()}
}

// bodyOr is the answer for an encoded body, or for the error of encoding it.
func bodyOr(body []byte, err error) answer {
	if err != nil {
		return failed(err)
	}
	return answer{body: body}
}

func encoded(v any) answer { return bodyOr(json.Marshal(v)) }

func (n *Namesrv) answer(c *remoting.Conn, cmd *remoting.Command) answer {
	a := args{fields: cmd.Fields}
	switch cmd.Code {
	case remoting.CodeRegisterBroker:
		return n.serveRegister(c, cmd)
	case remoting.CodeUnregisterBroker:
		b := Broker{Cluster: a.str("clusterName"), Name: a.str("brokerName"), Addr: a.str("brokerAddr"), ID: a.int("brokerId")}
		if a.err == nil {
			n.Unregister(b)
		}
	case remoting.CodeBrokerHeartbeat:
		if cluster, addr := a.str("clusterName"), a.str("brokerAddr"); a.err == nil {
			n.Alive(cluster, addr)
		}
	case remoting.CodeQueryDataVersion:
		return n.serveVersion(cmd)
	case remoting.CodeGetBrokerMemberGroup:
		if cluster, name := a.str("clusterName"), a.str("brokerName"); a.err == nil {
			return bodyOr(n.members(cluster, name))
		}
	case remoting.CodeGetBrokerClusterInfo:
		return bodyOr(n.Clusters())
	case remoting.CodeWipeWritePermOfBroker:
		if name := a.str("brokerName"); a.err == nil {
			return n.permChanged(c, "wiped", "wipeTopicCount", name, n.WipeWritePerm(name))
		}
	case remoting.CodeAddWritePermOfBroker:
		if name := a.str("brokerName"); a.err == nil {
			return n.permChanged(c, "added", "addTopicCount", name, n.AddWritePerm(name))
		}
	case remoting.CodeGetAllTopicListFromNameServer, remoting.CodeGetTopicsByCluster, remoting.CodeGetUnitTopicList,
		remoting.CodeGetHasUnitSubTopicList, remoting.CodeGetHasUnitSubUnUnitTopicList:
		return n.serveTopics(cmd)
	case remoting.CodeGetSystemTopicListFromNS:
		return encoded(n.system())
	case remoting.CodeRegisterTopicInNamesrv:
		return n.serveAddTopic(cmd)
	case remoting.CodeDeleteTopicInNamesrv:
		if topic := a.str("topic"); a.err == nil {
			n.DeleteTopic(topic, cmd.Fields.Str("clusterName"))
		}
	case remoting.CodePutKVConfig:
		if space, key, value := a.str("namespace"), a.str("key"), cmd.Fields.Str("value"); a.err == nil {
			a.err = n.changeKV(space, func(m map[string]string) { m[key] = value })
		}
	case remoting.CodeDeleteKVConfig:
		if space, key := a.str("namespace"), a.str("key"); a.err == nil {
			a.err = n.changeKV(space, func(m map[string]string) { delete(m, key) })
		}
	case remoting.CodeGetKVConfig:
		return n.serveKV(cmd)
	case remoting.CodeGetKVListByNamespace:
		return n.serveKVList(cmd)
	case remoting.CodeGetNamesrvConfig:
		if n.o.Settings != nil {
			return answer{body: n.o.Settings()}
		}
	case remoting.CodeUpdateNamesrvConfig:
		return n.serveUpdate(c, cmd)
	default:
		return answer{code: remoting.RespRequestCodeNotSupported, remark: fmt.Sprintf("request code %d (%s) is not for a name server, or not supported by this version", cmd.Code, remoting.RequestName(cmd.Code))}
	}
	if a.err != nil {
		return failed(a.err)
	}
	return answer{}
}

func (n *Namesrv) permChanged(c *remoting.Conn, what, field, broker string, topics int) answer {
	n.log.Info("namesrv: write permission "+what, "broker", broker, "topics", topics, "by", c.RemoteAddr())
	var a answer
	a.fields.AddInt(field, int64(topics))
	return a
}

func (n *Namesrv) serveAddTopic(cmd *remoting.Command) answer {
	a := args{fields: cmd.Fields}
	topic := a.str("topic")
	var route struct {
		Queues []Queues `json:"queueDatas"`
	}
	if len(cmd.Body) > 0 && a.err == nil {
		a.err = fastjson.Unmarshal(cmd.Body, &route)
	}
	if a.err == nil {
		a.err = n.AddTopic(topic, route.Queues)
	}
	if a.err != nil {
		return failed(a.err)
	}
	return answer{}
}

func (n *Namesrv) serveKV(cmd *remoting.Command) answer {
	a := args{fields: cmd.Fields}
	space, key := a.str("namespace"), a.str("key")
	if a.err != nil {
		return failed(a.err)
	}
	value, ok := n.kv.get(space, key)
	if !ok {
		return answer{code: remoting.RespQueryNotFound, remark: fmt.Sprintf("No config item, Namespace: %s Key: %s", space, key)}
	}
	var out answer
	out.fields.Add("value", value)
	return out
}

func (n *Namesrv) serveKVList(cmd *remoting.Command) answer {
	a := args{fields: cmd.Fields}
	space := a.str("namespace")
	if a.err != nil {
		return failed(a.err)
	}
	body, err := n.kv.list(space)
	if body == nil && err == nil {
		return answer{code: remoting.RespQueryNotFound, remark: "No config item, Namespace: " + space}
	}
	return bodyOr(body, err)
}

// ErrForbidden is the error of a change that no client may make.
var ErrForbidden = errors.New("it can't be changed from outside")

func (n *Namesrv) serveUpdate(c *remoting.Conn, cmd *remoting.Command) answer {
	err := ErrForbidden
	if n.o.Update != nil {
		err = n.o.Update(cmd.Body)
	}
	n.log.Info("namesrv: change of the configuration", "by", c.RemoteAddr(), "err", err)
	switch {
	case errors.Is(err, ErrForbidden):
		return answer{code: remoting.RespNoPermission, remark: err.Error()}
	case err != nil:
		return failed(err)
	}
	return answer{}
}
