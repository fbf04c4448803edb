package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/consumequeue"
)

// peerDelays are the delays of RocketMQ's levels.
var peerDelays = parseDelays("1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h")

func parseDelays(s string) (all []time.Duration) {
	for item := range strings.FieldsSeq(s) {
		d, err := time.ParseDuration(item)
		if err != nil {
			panic(err)
		}
		all = append(all, d)
	}
	return all
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// logLines collects what a store logs.
type logLines struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// testLogger shows what was logged if the test fails.
func testLogger(t testing.TB) *slog.Logger {
	l := new(logLines)
	t.Cleanup(func() {
		if t.Failed() {
			fmt.Print(l)
		}
	})
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

func mustOpen(t testing.TB, o Options) *Store {
	t.Helper()
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func mustClose(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// aHost is where test messages come from and go to.
var aHost = record.Host{IP: netip.AddrFrom4([4]byte{10, 0, 0, 7}), Port: 10911}

// draftTo is a message; props are serialised properties.
func draftTo(s *Store, topic string, id int32, props string) record.Draft {
	return record.Draft{
		Topic: topic, QueueID: id, Queue: s.Queue(topic, id), Body: []byte("body of " + topic), Properties: []byte(props),
		BornTimestamp: 1700000000000, BornHost: aHost, StoreHost: aHost,
	}
}

// appendAll stores messages and shows them to the followers.
func appendAll(t testing.TB, s *Store, ds ...record.Draft) []record.Draft {
	t.Helper()
	err := s.Append(ds)
	for i := range ds {
		err = errors.Join(err, ds[i].Err)
	}
	if err == nil && s.opts.Log.SyncFlush {
		err = s.Log.Flush()
	}
	if err == nil {
		err = s.dispatcher.catchUp()
	}
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

func appendTo(t testing.TB, s *Store, topic string, id int32, props string) record.Draft {
	t.Helper()
	return appendAll(t, s, draftTo(s, topic, id, props))[0]
}

// readAll reads a simple queue from end to end.
func readAll(t testing.TB, q *Queue) []consumequeue.Unit {
	t.Helper()
	lowest, next := q.Bounds()
	us := make([]consumequeue.Unit, next-lowest)
	n, err := q.Read(us, lowest)
	if err != nil || n != len(us) {
		t.Fatalf("%s/%d: read %d of %d units, %v", q.Topic, q.ID, n, len(us), err)
	}
	return us
}

// appendBatchItem appends a message to the body of an inner batch.
func appendBatchItem(b, body, props []byte) []byte {
	size := 22 + len(body) + len(props)
	for _, v := range []int{size, 0, 0, 0, len(body)} { // size, magic, body CRC, flag, body length
		b = binary.BigEndian.AppendUint32(b, uint32(v))
	}
	b = append(b, body...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(props)))
	return append(b, props...)
}
