package namesrv

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/broker/remoting/fastjson"
)

// errCRC is RocketMQ's remark for it.
var errCRC = errors.New("crc32 not match")

func (n *Namesrv) serveRegister(c *remoting.Conn, cmd *remoting.Command) answer {
	a := args{fields: cmd.Fields}
	b := Broker{
		Cluster: a.str("clusterName"), Name: a.str("brokerName"), ID: a.int("brokerId"), Addr: a.str("brokerAddr"),
		HAAddr: cmd.Fields.Str("haServerAddr"), Zone: cmd.Fields.Str("__ZONE_NAME"),
	}
	b.ActingMaster = a.bool("enableActingMaster")
	_, modern := cmd.Fields.Get("enableActingMaster")
	b.Old = !modern
	if millis := a.optional("heartbeatTimeoutMillis"); millis > 0 {
		b.Silence = time.Duration(min(millis, int64(maxSilence/time.Millisecond))) * time.Millisecond
	}
	// As the peer counts: a CRC-32 without its sign, 0 where there is none.
	want := a.optional("bodyCrc32")
	if a.err != nil {
		return failed(a.err)
	}
	if got := int64(crc32.ChecksumIEEE(cmd.Body) & 0x7fffffff); want != 0 && got != want {
		n.log.Warn("namesrv: a registration arrived damaged", "broker", b.Name, "from", c.RemoteAddr(), "crc", got, "expected", want)
		return failed(errCRC)
	}
	r, err := decodeRegistration(cmd.Body, cmd.Version)
	if err != nil {
		n.log.Warn("namesrv: a registration can't be read", "broker", b.Name, "from", c.RemoteAddr(), "err", err)
		return failed(err)
	}
	done, err := n.register(b, r, c)
	if err != nil {
		return failed(err)
	}
	var out answer
	if done.MasterAddr != "" {
		out.fields.Add("masterAddr", done.MasterAddr)
		out.fields.Add("haServerAddr", done.HAAddr)
	}
	if !n.rules.Load().NoOrderInReplies {
		if out.body, err = n.kv.list(orderNamespace); err != nil {
			return failed(err)
		}
	}
	return out
}

// maxSilence keeps a broker's wish within what a duration can hold.
const maxSilence = 365 * 24 * time.Hour

func (n *Namesrv) serveVersion(cmd *remoting.Command) answer {
	a := args{fields: cmd.Fields}
	cluster, addr := a.str("clusterName"), a.str("brokerAddr")
	var theirs meta.DataVersion
	if err := fastjson.Unmarshal(cmd.Body, &theirs); err != nil && a.err == nil {
		a.err = fmt.Errorf("namesrv: the broker's data version: %w", err)
	}
	if a.err != nil {
		return failed(a.err)
	}
	ours, known := n.Alive(cluster, addr)
	var out answer
	out.fields.AddBool("changed", !known || ours != theirs)
	if known {
		var err error
		if out.body, err = json.Marshal(ours); err != nil {
			return failed(err)
		}
	}
	return out
}
