package generator

import "fmt"

// route answers as a name server does.
func (b *fakeBroker) route(r request) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.routes++
	a := request{Opaque: r.Opaque, Flag: 1, Code: 17}
	if queues := b.topics[r.ExtFields["topic"]]; queues > 0 && r.ExtFields["acceptStandardJsonOnly"] == "true" {
		a.Code, a.Body = 0, []byte(routeOf(queues))
	}
	if b.spoilRoute != nil {
		a = b.spoilRoute(b.routes, a)
	}
	return frameOf(fmt.Sprintf(`{"code":%d,"flag":1,"opaque":%d}`, a.Code, a.Opaque), a.Body...)
}

func routeOf(queues int) string {
	return fmt.Sprintf(`{"brokerDatas":[{"brokerAddrs":{"0":"127.0.0.1:10911"},"brokerName":"a","cluster":"c","enableActingMaster":false}],`+
		`"filterServerTable":{},"queueDatas":[{"brokerName":"a","perm":6,"readQueueNums":%d,"topicSysFlag":0,"writeQueueNums":%d}]}`, queues, queues)
}

// heartbeat answers one.
func (b *fakeBroker) heartbeat(r request) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.beats = append(b.beats, r)
	if b.spoilBeat != nil {
		return b.spoilBeat(len(b.beats), r)
	}
	return frameOf(fmt.Sprintf(`{"code":0,"flag":1,"opaque":%d}`, r.Opaque))
}
