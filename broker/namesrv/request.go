package namesrv

import (
	"encoding/json"
	"fmt"
	"hash/crc32"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/remoting"
)

// compressFrom is the size from which a registration is compressed even if nobody asks for it: a frame has a limit.
const compressFrom = 1 << 20

// registration is the request that registers topics of a broker.
func (b *Broker) registration(reg *Registration, compress bool) (*remoting.Request, error) {
	body, err := reg.encode(compress)
	if err == nil && !compress && len(body) > compressFrom {
		body, err = reg.encode(true)
	}
	if err != nil {
		return nil, fmt.Errorf("namesrv: encode a registration of %d topics: %w", len(reg.Topics), err)
	}
	fields := b.fields()
	fields.Add("haServerAddr", b.HAAddr)
	fields.AddBool("enableActingMaster", b.ActingMaster)
	fields.AddBool("compressed", body[0] != '{')
	fields.AddInt("bodyCrc32", int64(crc32.ChecksumIEEE(body)&0x7fffffff))
	if b.Silence > 0 {
		fields.AddInt("heartbeatTimeoutMillis", b.Silence.Milliseconds())
	}
	if b.Zone != "" {
		fields.Add("__ZONE_NAME", b.Zone)
	}
	return &remoting.Request{Code: remoting.CodeRegisterBroker, Fields: fields, Body: body}, nil
}

// topicAlone is the request that registers a topic without touching what the name server knows of the broker.
func (b *Broker) topicAlone(c *meta.TopicConfig) (*remoting.Request, error) {
	body, err := json.Marshal(&routeJSON{Brokers: []brokerJSON{}, Queues: []Queues{queuesOf(b.Name, c)}})
	if err != nil {
		return nil, fmt.Errorf("namesrv: encode topic %s: %w", c.Name, err)
	}
	req := &remoting.Request{Code: remoting.CodeRegisterTopicInNamesrv, Body: body}
	req.Fields.Add("topic", c.Name)
	return req, nil
}

// versionQuery is the request that asks whether a registration is needed, and is a sign of life.
func (b *Broker) versionQuery(v meta.DataVersion) (*remoting.Request, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("namesrv: encode a version: %w", err)
	}
	return &remoting.Request{Code: remoting.CodeQueryDataVersion, Fields: b.fields(), Body: body}, nil
}

func (b *Broker) unregistration() *remoting.Request {
	return &remoting.Request{Code: remoting.CodeUnregisterBroker, Fields: b.fields()}
}

func (b *Broker) fields() (f remoting.Fields) {
	f.Add("clusterName", b.Cluster)
	f.Add("brokerName", b.Name)
	f.Add("brokerAddr", b.Addr)
	f.AddInt("brokerId", b.ID)
	return f
}
