package namesrv

import (
	"bytes"
	"fmt"

	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/broker/remoting/fastjson"
)

// versionQuotes is the first version of RocketMQ whose clients want standard JSON: 4.9.4.
const versionQuotes = remoting.Version49 + 2

// serveRoute allocates nothing for a topic whose route is kept.
func (n *Namesrv) serveRoute(c *remoting.Conn, cmd *remoting.Command) {
	if wait := n.rules.Load().Wait; wait > 0 && n.o.Now().Sub(n.started) < wait {
		c.Reply(cmd.Ticket(), remoting.RespSystemError, "name server not ready: brokers have not had the time to register (needWaitForService)").End()
		return
	}
	topic, _ := cmd.Fields.Get("topic")
	body, err := n.routeFor(topic, cmd)
	switch {
	case err != nil:
		c.Reply(cmd.Ticket(), remoting.RespSystemError, err.Error()).End()
	case body == nil:
		c.Reply(cmd.Ticket(), remoting.RespTopicNotExist, noRoute(topic)).End()
	default:
		w := c.Reply(cmd.Ticket(), remoting.RespSuccess, "")
		w.Body(body)
		w.End()
	}
}

// routeFor returns a route as the client that asks can read it.
func (n *Namesrv) routeFor(topic []byte, cmd *remoting.Command) ([]byte, error) {
	standard, err := cmd.Fields.Bool("acceptStandardJsonOnly", false)
	ids := fastjson.BareIntegers
	if cmd.Version >= versionQuotes || standard || err != nil {
		ids = fastjson.QuotedIntegers
	}
	if near, err := cmd.Fields.Bool("__ZONE_MODE", false); near && err == nil {
		if zone, _ := cmd.Fields.Get("__ZONE_NAME"); len(bytes.TrimSpace(zone)) > 0 {
			return n.zoneRoute(topic, string(zone), ids)
		}
	}
	return n.Route(topic, ids)
}

func noRoute(topic []byte) string {
	return fmt.Sprintf("No topic route info in name server for the topic: %.255s (no broker that is registered here has it; "+
		"create it, or see whether the broker knows this name server)", topic)
}
