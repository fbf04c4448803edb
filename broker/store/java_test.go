package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zlib"

	"github.com/gantry-mq/gantry/broker/internal/peer"
	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/commitlog"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
	"github.com/gantry-mq/gantry/consumequeue"
)

// peers are a Java name server and a client, which stay, and brokers, which come and go on one port.
type peers struct {
	java   *peer.RocketMQ
	names  string
	port   int
	client *peer.Process
}

func meetJava(t *testing.T) *peers {
	t.Helper()
	p := &peers{java: peer.Need(t), port: peer.FreePorts(t, 2, 1)}
	p.names = p.java.Namesrv(t)
	p.client = p.java.Client(t, p.names)
	return p
}

// serve starts the Java broker on a store that was written with o.
func (p *peers) serve(t *testing.T, o Options) *peer.Process {
	t.Helper()
	return p.java.BrokerAt(t, p.port, "broker-a", p.names, "storePathRootDir="+o.Root, "storePathCommitLog="+filepath.Join(o.Root, "commitlog"),
		fmt.Sprintf("mappedFileSizeCommitLog=%d", o.Log.SegmentSize), fmt.Sprintf("mappedFileSizeConsumeQueue=%d", o.QueueFile),
		fmt.Sprintf("maxHashSlotNum=%d", o.IndexSlots), fmt.Sprintf("maxIndexNum=%d", o.IndexEntries),
		"enableLmq=true", "enableMultiDispatch=true", "enabledAppendPropCRC=true", "timerWheelEnable=false", "fileReservedTime=7200")
}

// written is a message that Gantry stored and what a Java client must see of it.
type written struct {
	topic              string
	queueID            int32
	queueOffset, log   int64
	unique, tags, keys string
	body               []byte
	members            int // messages in it, of an inner batch
	reconsumeTimes     int32
	memberID           []string
}

// javaStoreOptions are for a store that goes to and fro.
func javaStoreOptions(t *testing.T, root string) Options {
	t.Helper()
	dir := meta.Options{FS: vfs.OS(), Dir: filepath.Join(root, "config")}
	topics, err := meta.OpenTopics(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	batch := meta.NewTopic("JBatch", 2)
	batch.Attributes = map[string]string{meta.AttrQueueType: "BatchCQ"}
	for _, c := range []meta.TopicConfig{meta.NewTopic("JNormal", 4), meta.NewTopic("JOther", 8), batch} {
		if _, err := topics.Put(c, 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := topics.Persist(); err != nil {
		t.Fatal(err)
	}
	return Options{
		FS: vfs.OS(), Root: root, Log: commitlog.Options{SegmentSize: 256 << 10, CRCProperty: true},
		QueueFile: 2000, IndexSlots: 500, IndexEntries: 2000, MultiDispatch: true,
		DelayLevels: peerDelays, Topics: tableOfTopics{topics}, Logger: testLogger(t),
	}
}

// write stores messages of all kinds and returns what they are. It fills several segments, queue and index files.
func write(t *testing.T, s *Store) []written {
	t.Helper()
	var all []written
	store := func(d record.Draft, w written) {
		t.Helper()
		d = appendAll(t, s, d)[0]
		w.topic, w.queueID, w.queueOffset, w.log, w.reconsumeTimes = d.Topic, d.QueueID, d.QueueOffset, d.LogOffset, d.ReconsumeTimes
		all = append(all, w)
	}
	for i := range 900 {
		topic, id := "JNormal", int32(i%4)
		if i%3 == 0 {
			topic, id = "JOther", int32(i%8)
		}
		w := written{unique: fmt.Sprintf("0A00000700002A%018X", i), tags: fmt.Sprintf("tag%d", i%5), body: bytes.Repeat([]byte{byte('a' + i%26)}, 100+i*7%1500)}
		props := record.AppendProperty(nil, record.PropUniqKey, w.unique)
		props = record.AppendProperty(props, record.PropTags, w.tags)
		if i%2 == 0 {
			w.keys = fmt.Sprintf("order-%d buyer-%d", i, i%7)
			props = record.AppendProperty(props, record.PropKeys, w.keys)
		}
		props = record.AppendProperty(props, "unicode", "日本語-é")
		if i%50 == 1 {
			props = record.AppendProperty(props, record.PropMultiDispatch, "%LMQ%device-1,%LMQ%device-2")
		}
		d := draftTo(s, topic, id, string(props))
		d.Body, d.ReconsumeTimes = w.body, int32(i%4)
		if i%10 == 5 {
			var b bytes.Buffer
			z := zlib.NewWriter(&b)
			_, err := z.Write(w.body)
			if err := errors.Join(err, z.Close()); err != nil {
				t.Fatal(err)
			}
			d.Body, d.SysFlag = b.Bytes(), record.SysCompressed|record.SysCompressionZlib
		}
		store(d, w)
	}
	for i := range 20 {
		store(innerBatch(s, "JBatch", int32(i%2), 3+i%4))
	}
	return all
}

// innerBatch is a batch that is stored as one record.
func innerBatch(s *Store, topic string, id int32, members int) (record.Draft, written) {
	w := written{members: members, unique: fmt.Sprintf("0A00000700002B%018X", s.Log.Max())}
	var body []byte
	for i := range members {
		w.memberID = append(w.memberID, fmt.Sprintf("%s%d", w.unique[:31], i))
		props := record.AppendProperty(nil, record.PropUniqKey, w.memberID[i])
		item := fmt.Appendf(nil, "member %d", i)
		body = appendBatchItem(body, item, props)
	}
	props := record.AppendProperty(nil, record.PropUniqKey, w.unique)
	d := draftTo(s, topic, id, string(props))
	d.MoreProperties = record.AppendProperty(nil, record.PropInnerNum, itoa(int64(members)))
	d.Body, d.SysFlag = body, record.SysInnerBatch|record.SysNeedUnwrap
	return d, w
}

// seen is what the Java client tells of a message.
type seen struct {
	topic, queueID, queueOffset, log, unique, tags, keys, reconsume, body string
}

func (w written) expected() []seen {
	sum := func(b []byte) string { h := sha256.Sum256(b); return hex.EncodeToString(h[:]) }
	one := seen{w.topic, itoa(int64(w.queueID)), itoa(w.queueOffset), itoa(w.log), w.unique, w.tags, w.keys, itoa(int64(w.reconsumeTimes)), sum(w.body)}
	if w.members == 0 {
		return []seen{one}
	}
	var all []seen
	for i := range w.members {
		m := one
		m.queueOffset, m.unique, m.body = itoa(w.queueOffset+int64(i)), w.memberID[i], sum(fmt.Appendf(nil, "member %d", i))
		all = append(all, m)
	}
	return all
}

func seenOf(lines [][]string) map[seen]bool {
	all := make(map[seen]bool)
	for _, f := range lines {
		all[seen{f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7], f[8]}] = true
	}
	return all
}

// check compares everything that a Java consumer gets with what was written.
func (p *peers) check(t *testing.T, all []written) {
	t.Helper()
	got := make(map[seen]bool)
	for _, topic := range []string{"JNormal", "JOther", "JBatch"} {
		for m := range seenOf(p.client.Ask(t, "read %s *", topic)) {
			got[m] = true
		}
	}
	want := 0
	for _, w := range all {
		for _, m := range w.expected() {
			want++
			if !got[m] {
				t.Errorf("the Java consumer doesn't get %+v", m)
			}
			if t.Failed() && want > 20 {
				t.FailNow()
			}
		}
	}
	if len(got) != want {
		t.Errorf("the Java consumer gets %d messages, expected %d", len(got), want)
	}
	tagged := seenOf(p.client.Ask(t, "read JNormal tag1||tag3"))
	for i := 0; i < len(all); i += 37 {
		w := all[i]
		if w.members > 0 {
			continue
		}
		if m := w.expected()[0]; w.topic == "JNormal" && tagged[m] != (w.tags == "tag1" || w.tags == "tag3") {
			t.Errorf("filtered by tags: %v for %+v", tagged[m], m)
		}
		for key := range strings.FieldsSeq(w.keys) {
			if !strings.HasPrefix(key, "order") {
				continue
			}
			if found := seenOf(p.client.Ask(t, "query %s %s", w.topic, key)); !found[w.expected()[0]] {
				t.Errorf("query of %s: %v, without %+v", key, found, w.expected()[0])
			}
		}
	}
}

func TestTheJavaBrokerOpensWhatGantryWrote(t *testing.T) {
	p := meetJava(t)
	for _, killed := range []bool{false, true} {
		t.Run(fmt.Sprintf("killed=%v", killed), func(t *testing.T) {
			root := t.TempDir()
			o := javaStoreOptions(t, root)
			s := mustOpen(t, o)
			all := write(t, s)
			if killed {
				// What a killed process leaves is what the kernel has of its files.
				o.Root = t.TempDir()
				if err := os.CopyFS(o.Root, os.DirFS(root)); err != nil {
					t.Fatal(err)
				}
			}
			mustClose(t, s)

			broker := p.serve(t, o)
			p.check(t, all)
			sent := p.client.Ask(t, "send JNormal 40")
			broker.Stop(t)

			s = mustOpen(t, o)
			if r := s.Recovery(); !r.Clean || !r.Foreign {
				t.Errorf("recovery after the Java broker: %+v, expected clean and foreign", r)
			}
			for _, w := range all {
				checkStored(t, s, w)
			}
			for _, f := range sent {
				_, off, err := record.ParseMessageID(f[2])
				if err != nil {
					t.Fatal(err)
				}
				b, err := s.Record(off, nil)
				if err != nil {
					t.Fatal(err)
				}
				var r record.Record
				if err := record.Decode(b, &r); err != nil {
					t.Fatal(err)
				}
				if itoa(int64(r.QueueID)) != f[0] || itoa(r.QueueOffset) != f[1] {
					t.Errorf("message from Java: %s/%s in the answer, %d/%d in the log", f[0], f[1], r.QueueID, r.QueueOffset)
				}
				checkQueued(t, s, &r)
				checkIndexed(t, s, &r, true)
			}
			// And on it goes.
			d := appendTo(t, s, "JNormal", 0, "")
			var us [1]consumequeue.Unit
			if n, err := s.Queue("JNormal", 0).Read(us[:], d.QueueOffset); n != 1 || err != nil || us[0].LogOffset != d.LogOffset {
				t.Errorf("a message after the Java broker's: unit %+v, %d, %v", us[0], n, err)
			}
		})
	}
}

// checkStored reads a message back.
func checkStored(t *testing.T, s *Store, w written) {
	t.Helper()
	b, err := s.Record(w.log, nil)
	if err != nil {
		t.Fatal(err)
	}
	var r record.Record
	if err := record.Decode(b, &r); err != nil {
		t.Fatal(err)
	}
	if w.members == 0 && !bytes.Equal(uncompressed(t, &r), w.body) {
		t.Fatalf("message at %d: another body", w.log)
	}
	checkQueued(t, s, &r)
	checkIndexed(t, s, &r, false)
}
