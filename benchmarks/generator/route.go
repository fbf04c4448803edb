package generator

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

const codeRoute = 105

// routeFrame asks a name server for a topic's route, in JSON that every reader understands.
func routeFrame(opaque int32, topic string) []byte {
	b := appendHead(nil, codeRoute)
	b = strconv.AppendInt(b, int64(opaque), 10)
	b = append(b, `,"flag":0,"remark":"","extFields":{"topic":`...)
	b = appendString(b, topic)
	b = append(b, `,"acceptStandardJsonOnly":"true"}}`...)
	return closeFrame(b, nil)
}

// checkRoute returns what is wrong with the route of a topic with that many queues on one broker.
func checkRoute(body []byte, queues int) error {
	var r struct {
		BrokerDatas []struct {
			BrokerName  string            `json:"brokerName"`
			BrokerAddrs map[string]string `json:"brokerAddrs"`
		} `json:"brokerDatas"`
		QueueDatas []struct {
			BrokerName     string `json:"brokerName"`
			ReadQueueNums  int    `json:"readQueueNums"`
			WriteQueueNums int    `json:"writeQueueNums"`
		} `json:"queueDatas"`
	}
	if err := json.Unmarshal(body, &r); err != nil {
		return err
	}
	if len(r.BrokerDatas) != 1 || len(r.QueueDatas) != 1 {
		return fmt.Errorf("%d brokers and queues on %d, expected 1", len(r.BrokerDatas), len(r.QueueDatas))
	}
	b, q := &r.BrokerDatas[0], &r.QueueDatas[0]
	switch {
	case b.BrokerName == "" || b.BrokerName != q.BrokerName:
		return fmt.Errorf("queues on broker %q, but the address of %q", q.BrokerName, b.BrokerName)
	case b.BrokerAddrs["0"] == "":
		return errors.New("no address of a master")
	case q.ReadQueueNums != queues || q.WriteQueueNums != queues:
		return fmt.Errorf("%d queues to read and %d to write, expected %d", q.ReadQueueNums, q.WriteQueueNums, queues)
	}
	return nil
}
