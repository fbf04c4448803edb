package main

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/broker/remoting"
)

// BenchmarkTopicsAreCreatedAndFound creates topics of 4 queues over some connections, and asks for the route of each.
func BenchmarkTopicsAreCreatedAndFound(b *testing.B) {
	topics := 10000
	if n, err := strconv.Atoi(os.Getenv("GANTRY_TOPICS")); err == nil {
		topics = n
	}
	for _, connections := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("connections=%d", connections), func(b *testing.B) {
			for b.Loop() {
				s := start(b, b.TempDir())
				created := each(b, s.addr["broker"], topics, connections, func(c caller, name string) *remoting.Response {
					return c.call(b, remoting.CodeUpdateAndCreateTopic, map[string]string{
						"topic": name, "defaultTopic": "TBW102", "readQueueNums": "4", "writeQueueNums": "4", "perm": "6", "topicFilterType": "SINGLE_TAG", "order": "false",
					}, nil)
				})
				found := each(b, s.addr["namesrv"], topics, connections, func(c caller, name string) *remoting.Response {
					return c.call(b, remoting.CodeGetRouteInfoByTopic, map[string]string{"topic": name}, nil)
				})
				b.ReportMetric(float64(topics)/created.Seconds(), "created/s")
				b.ReportMetric(float64(topics)/found.Seconds(), "routes/s")
				s.stop(b)
			}
		})
	}
}

// each calls f for the names of topics, over some connections at once, and returns how long that took.
func each(b *testing.B, addr string, topics, connections int, f func(c caller, name string) *remoting.Response) time.Duration {
	b.Helper()
	callers := make([]caller, connections)
	for i := range callers {
		callers[i] = dial(b, addr)
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	began := time.Now()
	for _, c := range callers {
		wg.Go(func() {
			for i := int(next.Add(1)); i <= topics; i = int(next.Add(1)) {
				if r := f(c, fmt.Sprint("topic-", i)); r.Code != remoting.RespSuccess {
					b.Errorf("topic-%d: code %d %s", i, r.Code, r.Remark)
					return
				}
			}
		})
	}
	wg.Wait()
	return time.Since(began)
}
