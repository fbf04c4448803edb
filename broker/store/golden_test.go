package store

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"github.com/gantry-mq/gantry/broker/internal/golden"
	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/commitlog"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
	"github.com/gantry-mq/gantry/consumequeue"
)

// goldenStore is a store that RocketMQ 5.5.0 wrote, with the sizes of its files. See testdata/golden/README.md.
type goldenStore struct {
	name                string
	segment, queueFile  int64
	slots, entries      int
	lmq, ext            bool
	records, sent       int // in the log; in the manifest with an id
	died, foreignQueues bool
}

var (
	goldenClean    = goldenStore{name: "java-store-5.5.0", segment: 4 << 20, queueFile: 6000, slots: 5000, entries: 20000, lmq: true, records: 634, sent: 565}
	goldenKilled   = goldenStore{name: "java-store-5.5.0-killed", segment: 4 << 20, queueFile: 6000, slots: 5000, entries: 20000, lmq: true, records: 4083, sent: 4083, died: true}
	goldenFeatures = goldenStore{name: "java-store-5.5.0-features", segment: 256 << 10, queueFile: 2000, slots: 97, entries: 400, ext: true, records: 1031, sent: 957}
	goldenCrashed  = goldenStore{name: "java-store-5.5.0-crashed", segment: 1 << 20, queueFile: 6000, slots: 500, entries: 2000, records: 1284, sent: 1281, died: true}
	goldenRocksDB  = goldenStore{name: "java-store-5.5.0-rocksdb", segment: 256 << 10, queueFile: 2000, slots: 97, entries: 400, records: 974, sent: 947, foreignQueues: true}
	goldenTiered   = goldenStore{name: "java-store-5.5.0-tiered", segment: 256 << 10, queueFile: 2000, slots: 97, entries: 400, records: 1021, sent: 947}
	goldenStores   = []goldenStore{goldenClean, goldenKilled, goldenFeatures, goldenCrashed, goldenRocksDB, goldenTiered}
)

// unpack returns a directory with the store, without the timer wheel, which is large and of no concern here.
func (g goldenStore) unpack(t testing.TB) string { return golden.Unpack(t, g.name, "timerwheel") }

// options are those with which the store was written.
func (g goldenStore) options(t testing.TB, dir string) Options {
	t.Helper()
	topics, err := meta.OpenTopics(meta.Options{FS: vfs.OS(), Dir: filepath.Join(dir, "config")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return Options{
		FS: vfs.OS(), Root: dir, Log: commitlog.Options{SegmentSize: g.segment, CRCProperty: true},
		QueueFile: g.queueFile, ExtFile: 16384, QueueExt: g.ext,
		IndexSlots: g.slots, IndexEntries: g.entries, DelayLevels: peerDelays, MultiDispatch: g.lmq,
		Topics: tableOfTopics{topics}, Logger: testLogger(t),
	}
}

type tableOfTopics struct{ *meta.Topics }

func (t tableOfTopics) BatchQueue(topic string) bool {
	c := t.Get(topic)
	return c != nil && c.Attributes[meta.AttrQueueType] == "BatchCQ"
}

// goldenMessage is a line of a manifest.
type goldenMessage struct {
	Kind        string
	Topic       string
	Tags, Keys  string
	BodySHA256  string `json:"body_sha256"`
	UniqueID    string `json:"unique_id"`
	UniqueIDs   string `json:"unique_ids"`
	OffsetID    string `json:"offset_msg_id"`
	OffsetIDs   string `json:"offset_msg_ids"`
	QueueID     int32  `json:"queue_id"`
	QueueOffset int64  `json:"queue_offset"`
	Count       int
	Properties  map[string]string
}

// messages is the manifest, one message per record: a batch is taken apart.
func (g goldenStore) messages(t testing.TB) []goldenMessage {
	t.Helper()
	var all []goldenMessage
	lines := bufio.NewScanner(golden.Open(t, g.name+".manifest.jsonl"))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var m goldenMessage
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			t.Fatal(err)
		}
		ids, unique := strings.Split(m.OffsetIDs, ","), strings.Split(m.UniqueIDs, ",")
		switch {
		case m.Kind == "batch":
			for i := range ids {
				one := m
				one.OffsetID, one.UniqueID, one.QueueOffset = ids[i], unique[i], m.QueueOffset+int64(i)
				all = append(all, one)
			}
		case m.Kind == "inner-batch":
			m.UniqueID = m.UniqueIDs
			all = append(all, m)
		case m.BodySHA256 != "":
			all = append(all, m)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// storedTopic is where a message lies in the log, which may be another topic than the one it was sent to.
func (m goldenMessage) storedTopic() (topic string, other bool) {
	switch {
	case m.Properties[record.PropDelayLevel] != "":
		return record.TopicSchedule, true
	case strings.HasPrefix(m.Kind, "timer"), m.Properties[record.PropTimerDeliverMs] != "":
		return record.TopicTimer, true
	case m.Kind == "transaction":
		return record.TopicTransactionHalf, true
	}
	return m.Topic, false
}

// logOffset finds the message by its id or, where the answer had none, by its unique key.
func (m goldenMessage) logOffset(t testing.TB, s *Store) int64 {
	t.Helper()
	if m.OffsetID != "" {
		_, off, err := record.ParseMessageID(m.OffsetID)
		if err != nil {
			t.Fatal(err)
		}
		return off
	}
	topic, _ := m.storedTopic()
	found, err := s.Query(topic, m.UniqueID, UniqueKey, 0, math.MaxInt64, 1)
	if err != nil || len(found) != 1 {
		t.Fatalf("%s %s: found %d by unique key, %v", m.Kind, m.UniqueID, len(found), err)
	}
	return found[0].LogOffset
}

// check finds the message by id, by place in its queue and by its keys.
func (m goldenMessage) check(t testing.TB, s *Store) {
	t.Helper()
	off := m.logOffset(t, s)
	b, err := s.Record(off, nil)
	if err != nil {
		t.Fatalf("%s %s: by id: %v", m.Kind, m.UniqueID, err)
	}
	var r record.Record
	if err := record.Decode(b, &r); err != nil {
		t.Fatal(err)
	}
	topic, other := m.storedTopic()
	if string(r.Topic) != topic || !other && (r.QueueID != m.QueueID || r.QueueOffset != m.QueueOffset) {
		t.Fatalf("%s %s: record is of %s/%d offset %d, expected %s/%d offset %d", m.Kind, m.UniqueID, r.Topic, r.QueueID, r.QueueOffset, topic, m.QueueID, m.QueueOffset)
	}
	if m.BodySHA256 != "" {
		if sum := sha256.Sum256(uncompressed(t, &r)); hex.EncodeToString(sum[:]) != m.BodySHA256 {
			t.Fatalf("%s %s: another body", m.Kind, m.UniqueID)
		}
	}
	m.checkProperties(t, &r)
	checkQueued(t, s, &r)
	m.checkQueries(t, s, topic, &r)
}

func (m goldenMessage) checkProperties(t testing.TB, r *record.Record) {
	t.Helper()
	stored := record.ParseMap(r.Properties)
	if stored[record.PropUniqKey] != m.UniqueID {
		t.Fatalf("%s %s: record has unique key %s", m.Kind, m.UniqueID, stored[record.PropUniqKey])
	}
	for name, value := range m.Properties {
		switch name {
		case record.PropTransactionID, record.PropTimerDelayMs, record.PropTimerDelaySec, record.PropTimerDeliverMs, record.PropWait:
			continue // the broker takes them out, or the client adds them after the send
		}
		if stored[name] != value {
			t.Fatalf("%s %s: property %s is %q, expected %q", m.Kind, m.UniqueID, name, stored[name], value)
		}
	}
}

func (m goldenMessage) checkQueries(t testing.TB, s *Store, topic string, r *record.Record) {
	t.Helper()
	checkQuery(t, s, topic, m.UniqueID, UniqueKey, 0, math.MaxInt64, r.LogOffset)
	checkQuery(t, s, topic, m.UniqueID, AnyKey, 0, math.MaxInt64, r.LogOffset)
	for key := range strings.FieldsSeq(m.Keys) {
		checkQuery(t, s, topic, key, UserKey, r.StoreTimestamp, r.StoreTimestamp, r.LogOffset)
	}
}

// checkQuery expects a record among those that a query finds.
func checkQuery(t testing.TB, s *Store, topic, key string, kind KeyKind, begin, end, logOffset int64) {
	t.Helper()
	found, err := s.Query(topic, key, kind, begin, end, 10000)
	if err != nil || !slices.ContainsFunc(found, func(f Found) bool { return f.LogOffset == logOffset }) {
		t.Fatalf("record at %d is not among the %d of %s with key %q of kind %d: %v", logOffset, len(found), topic, key, kind, err)
	}
}

// checkQueued reads the record's unit where it must be in its queue.
func checkQueued(t testing.TB, s *Store, r *record.Record) {
	t.Helper()
	q := s.Queue(string(r.Topic), r.QueueID)
	if q.Batch() {
		var us [1]consumequeue.BatchUnit
		n, err := q.ReadBatch(us[:], r.QueueOffset)
		count, _ := record.Property(r.Properties, record.PropInnerNum)
		if err != nil || n != 1 || us[0].LogOffset != r.LogOffset || us[0].Size != r.Size || us[0].BaseOffset != r.QueueOffset || string(count) != itoa(int64(us[0].Count)) {
			t.Fatalf("batch at log offset %d: unit %+v, %d, %v", r.LogOffset, us[0], n, err)
		}
		return
	}
	var us [1]consumequeue.Unit
	n, err := q.Read(us[:], r.QueueOffset)
	if err != nil || n != 1 || us[0].LogOffset != r.LogOffset || us[0].Size != r.Size {
		t.Fatalf("message at log offset %d, offset %d of %s/%d: unit %+v, %d, %v", r.LogOffset, r.QueueOffset, r.Topic, r.QueueID, us[0], n, err)
	}
	code, err := s.TagCode(q, us[0].TagCode)
	if want := wantTagCode(r); err != nil || code != want {
		t.Fatalf("message at log offset %d of %s: tag code %d, expected %d, %v", r.LogOffset, r.Topic, code, want, err)
	}
}

// wantTagCode computes the tag code from the record alone.
func wantTagCode(r *record.Record) int64 {
	props := record.ParseMap(r.Properties)
	if string(r.Topic) == record.TopicSchedule && props[record.PropDelayLevel] != "" {
		return r.StoreTimestamp + peerDelays[r.QueueID].Milliseconds() // a level's queue is the one before its number
	}
	if tags := props[record.PropTags]; tags != "" {
		return record.TagCode([]byte(tags))
	}
	return 0
}

// uncompressed is the body as the producer's application gave it.
func uncompressed(t testing.TB, r *record.Record) []byte {
	t.Helper()
	if r.SysFlag&record.SysCompressed == 0 {
		return r.Body
	}
	var z io.Reader
	var err error
	switch r.SysFlag & record.SysCompressionMask {
	case record.SysCompressionLZ4:
		z = lz4.NewReader(bytes.NewReader(r.Body))
	case record.SysCompressionZstd:
		var d *zstd.Decoder
		if d, err = zstd.NewReader(bytes.NewReader(r.Body), zstd.WithDecoderConcurrency(1)); err == nil {
			defer d.Close()
			z = d
		}
	default:
		z, err = zlib.NewReader(bytes.NewReader(r.Body))
	}
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// allRecords reads the whole log, record by record.
func allRecords(t testing.TB, s *Store) []record.Record {
	t.Helper()
	var all []record.Record
	for off := s.Log.Min(); off < s.Log.Max(); {
		b, err := s.Log.Record(off, nil)
		if errors.Is(err, commitlog.ErrNotBorder) { // a blank record, if anything
			off += s.Log.SegmentSize() - off%s.Log.SegmentSize()
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		var r record.Record
		if err := record.Decode(b, &r); err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
		off += int64(r.Size)
	}
	return all
}

// checkAll compares a store with its manifest, and its queues and index with its log.
func (g goldenStore) checkAll(t testing.TB, s *Store) {
	t.Helper()
	g.checkEach(t, s, 1)
}

// checkEach is checkAll with one of every step messages.
func (g goldenStore) checkEach(t testing.TB, s *Store, step int) {
	t.Helper()
	sent := 0
	for i, m := range g.messages(t) {
		if m.OffsetID != "" {
			sent++
		}
		if i%step == 0 {
			m.check(t, s)
		}
	}
	if sent != g.sent {
		t.Errorf("%d messages of the manifest have an id, expected %d", sent, g.sent)
	}
	all := allRecords(t, s)
	if len(all) != g.records {
		t.Errorf("the log has %d records, expected %d", len(all), g.records)
	}
	for i := range all {
		checkQueued(t, s, &all[i])
		if i%step == 0 {
			checkIndexed(t, s, &all[i], i%29 == 0)
		}
	}
	if n := s.Unqueued(); n != 0 {
		t.Errorf("%d messages found no place in their queue", n)
	}
}

// checkIndexed finds a record by all that it can be found by; by its tags, which many share, only if tags is set.
func checkIndexed(t testing.TB, s *Store, r *record.Record, tags bool) {
	t.Helper()
	props := record.ParseMap(r.Properties)
	query := func(key string, kind KeyKind) {
		t.Helper()
		checkQuery(t, s, string(r.Topic), key, kind, r.StoreTimestamp, r.StoreTimestamp, r.LogOffset)
	}
	if key := props[record.PropUniqKey]; key != "" {
		query(key, UniqueKey)
	}
	for key := range strings.FieldsSeq(props[record.PropKeys]) {
		query(key, UserKey)
	}
	if tag := props[record.PropTags]; tag != "" && tags {
		query(tag, TagKey)
	}
}

func TestGoldenStoresOpenWithEveryMessageInItsPlace(t *testing.T) {
	for _, g := range goldenStores {
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			o := g.options(t, g.unpack(t))
			s := mustOpen(t, o)
			if r := s.Recovery(); r.Clean == g.died || !r.Foreign {
				t.Errorf("recovery %+v, expected clean %v and foreign", r, !g.died)
			}
			g.checkAll(t, s)

			mustClose(t, s)
			s = mustOpen(t, o)
			if r := s.Recovery(); !r.Clean || r.Foreign {
				t.Errorf("second recovery %+v, expected a clean one of our own", r)
			}
			g.checkEach(t, s, 5)
		})
	}
}
