package handler_test

import (
	"path/filepath"
	"testing"

	"github.com/gantry-mq/gantry/broker/config"
	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// BenchmarkPull pulls 32 messages of 1 KiB at a time over the loopback, 16 pulls in one write.
func BenchmarkPull(b *testing.B) {
	f := start(b, vfs.OS(), func(c *config.Config) { c.StoreDir, c.SegmentBytes = filepath.Join(b.TempDir(), "store"), 64<<20 })
	c := f.dial(b)
	const together, messages = 16, 32
	body := make([]byte, 1024)
	for range messages {
		c.ok(b, remoting.CodeSendMessageV2, sendFields("orders", 0), body)
	}
	f.arrive(b, "orders", 0, messages-1)
	var requests []byte
	for range together {
		requests = append(requests, frame(remoting.CodePullMessage, 7, 0, pullFields(0, subscription), nil)...)
	}
	exchange := exchanger(b, dialRaw(b, f), requests, together)
	b.SetBytes(together * messages * 1024)
	for b.Loop() {
		exchange()
	}
	b.ReportMetric(float64(b.N*together*messages)/b.Elapsed().Seconds(), "msgs/s")
}
