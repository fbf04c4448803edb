package produce

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/commitlog/record"
)

func TestAMessageIsStoredAsItsSenderSaidAndWithTheBrokersProperties(t *testing.T) {
	f := newFixture(t, nil)
	r := order()
	r.SysFlag = record.SysCompressed
	r.ReconsumeTimes = 2
	got := f.one(t, f.send(t, r), 0)
	if string(got.Topic) != "orders" || got.QueueID != 1 || got.Flag != 7 || got.SysFlag != record.SysCompressed || got.BornTimestamp != r.BornTimestamp ||
		got.BornHost != r.BornHost || got.StoreHost != f.StoreHost || got.ReconsumeTimes != 2 || string(got.Body) != "one book" {
		t.Errorf("stored %+v", got)
	}
	for name, want := range map[string]string{"UNIQ_KEY": "k1", "WAIT": "true", "MSG_REGION": "DefaultRegion", "TRACE_ON": "true", "CLUSTER": "DefaultCluster"} {
		if v := property(got, name); v != want {
			t.Errorf("property %s is %q, expected %q", name, v, want)
		}
	}
}

func TestEachRequestOfABatchHasItsOwnOutcome(t *testing.T) {
	f := newFixture(t, nil)
	bad := order()
	bad.QueueID = 99
	large := order()
	large.Properties = props("X", strings.Repeat("x", record.MaxPropertiesLen))
	b := f.send(t, order(), bad, order(), large, order())
	if b.Len() != 5 {
		t.Fatalf("%d outcomes", b.Len())
	}
	for i, next := range map[int]int64{0: 0, 2: 1, 4: 2} {
		if r := f.one(t, b, i); r.QueueOffset != next {
			t.Errorf("request %d has queue offset %d, expected %d", i, r.QueueOffset, next)
		}
	}
	if _, no := b.Stored(1); no == nil || no.Reason != IllegalQueue {
		t.Errorf("queue 99: %+v", no)
	}
	if _, no := b.Stored(3); no == nil || no.Reason != IllegalMessage {
		t.Errorf("properties that are too long: %+v", no)
	}
	b.Reset()
	if b.Len() != 0 {
		t.Error("a batch that was reset isn't empty")
	}
}

func TestARefusalSaysWhy(t *testing.T) {
	set := func(f func(*Request)) func(*fixture, *Request) { return func(_ *fixture, r *Request) { f(r) } }
	with := func(pairs ...string) func(*fixture, *Request) {
		return set(func(r *Request) { r.Properties = props(pairs...) })
	}
	topic := func(name string) func(*fixture, *Request) { return set(func(r *Request) { r.Topic = []byte(name) }) }
	for name, test := range map[string]struct {
		edit   func(*fixture, *Request)
		reason Reason
		remark string
	}{
		"broker is read-only":       {func(f *fixture, _ *Request) { f.Config.Load().BrokerPerm = meta.PermRead }, NoPermission, "brokerPermission"},
		"topic is read-only":        {func(f *fixture, r *Request) { f.setPerm(meta.PermRead) }, NoPermission, "orders"},
		"topic of the broker alone": {topic(meta.ScheduleTopic), NoPermission, meta.ScheduleTopic},
		"that isn't there either":   {topic(meta.CheckMaxTopic), NoPermission, meta.CheckMaxTopic},
		"no topic":                  {topic(""), IllegalName, "empty"},
		"a name with a slash":       {topic("../orders"), IllegalName, "/"},
		"a name that is too long":   {topic(strings.Repeat("t", 128)), IllegalName, "127"},
		"nothing to inherit from":   {set(func(r *Request) { r.Topic, r.DefaultTopic = []byte("new"), nil }), NoTopic, "not exist, apply first please!"},
		"a topic not to inherit":    {set(func(r *Request) { r.Topic, r.DefaultTopic = []byte("new"), []byte("orders") }), NoTopic, "apply first"},
		"no automatic topics":       {func(f *fixture, r *Request) { f.Config.Load().AutoCreateTopic = false; r.Topic = []byte("new") }, NoTopic, "apply first"},
		"no such queue":             {set(func(r *Request) { r.QueueID = 4 }), IllegalQueue, "4 write queues"},
		"no body":                   {set(func(r *Request) { r.Body = nil }), IllegalMessage, "empty"},
		"too large a body":          {set(func(r *Request) { r.Body = make([]byte, 4<<20+1) }), IllegalMessage, "maxMessageSize"},
		"inner batch by flag":       {set(func(r *Request) { r.SysFlag = record.SysInnerBatch }), IllegalMessage, "inner batch"},
		"inner batch by property":   {with("INNER_NUM", "3"), IllegalMessage, "inner batch"},
		"delay level without sense": {with("DELAY", "soon"), IllegalMessage, "DELAY"},
		"delay level out of range":  {with("DELAY", "2147483648"), IllegalMessage, "DELAY"},
		"timer by seconds":          {with("TIMER_DELAY_SEC", "5"), NotSupported, "any delay"},
		"timer by milliseconds":     {with("TIMER_DELAY_MS", "5"), NotSupported, "any delay"},
		"timer by time":             {with("TIMER_DELIVER_MS", "5"), NotSupported, "any delay"},
		"half message":              {with("TRAN_MSG", "TRUE"), NotSupported, "transactions"},
		"half message by flag":      {set(func(r *Request) { r.SysFlag = record.SysTransactionPrepared }), NotSupported, "transactions"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, nil)
			r := order()
			test.edit(f, r)
			if no := f.refusal(t, r); no.Reason != test.reason || !strings.Contains(no.Remark, test.remark) {
				t.Errorf("reason %d %q, expected %d and %q", no.Reason, no.Remark, test.reason, test.remark)
			}
			if f.changed != 0 {
				t.Error("a topic was made for a message that wasn't taken")
			}
		})
	}
}

func (f *fixture) setPerm(perm int32) {
	c := *f.table.Get("orders")
	c.Perm = perm
	if _, err := f.table.Put(c, 0); err != nil {
		panic(err)
	}
}

func TestAMessageWithoutAUniqueIDGetsOneThatToolsCanRead(t *testing.T) {
	f := newFixture(t, nil)
	at := time.Date(2026, 3, 2, 1, 0, 0, 5e6, time.Local)
	f.Now = func() time.Time { return at }
	seen := map[string]bool{}
	for range 3 {
		r := order()
		r.Properties = props("A", "b")
		stored := f.one(t, f.send(t, r), 0)
		id := property(stored, record.PropUniqKey)
		b, err := hex.DecodeString(id)
		if err != nil || len(b) != 16 || id != strings.ToUpper(id) || id != string(r.UniqueID) || seen[id] {
			t.Fatalf("id %q, %q for the sender, seen %v", id, r.UniqueID, seen)
		}
		seen[id] = true
		if host := netip.AddrFrom4([4]byte(b[:4])); host != f.StoreHost.IP {
			t.Errorf("host %v", host)
		}
		if ms := binary.BigEndian.Uint32(b[10:]); ms != 25*3600_000+5 {
			t.Errorf("%d ms since the month began", ms)
		}
		if property(stored, "A") != "b" {
			t.Error("its own property is gone")
		}
	}
	r := order()
	f.send(t, r)
	if string(r.UniqueID) != "k1" {
		t.Errorf("id %q of a message that has one", r.UniqueID)
	}
}

func TestMessagesOfATopicWithSeveralTagsAreMarked(t *testing.T) {
	f := newFixture(t, nil)
	c := meta.NewTopic("orders", 4)
	c.FilterType = "MULTI_TAG"
	f.table.Put(c, 0)
	if got := f.one(t, f.send(t, order()), 0); got.SysFlag != record.SysMultiTags {
		t.Errorf("flags %x", got.SysFlag)
	}
}

func TestATopicThatKeepsTheLastOfEachKeyNeedsKeys(t *testing.T) {
	f := newFixture(t, nil)
	c := meta.NewTopic("orders", 4)
	c.Attributes = map[string]string{meta.AttrCleanup: "COMPACTION"}
	f.table.Put(c, 0)
	blank, keyed := order(), order()
	blank.Properties, keyed.Properties = props("UNIQ_KEY", "k1", "KEYS", "  "), props("UNIQ_KEY", "k1", "KEYS", "a")
	b := f.send(t, order(), blank, keyed)
	for i := range 2 {
		if _, no := b.Stored(i); no == nil || no.Reason != IllegalMessage || !strings.Contains(no.Remark, "Required message key is missing") {
			t.Errorf("request %d: %+v", i, no)
		}
	}
	f.one(t, b, 2)
}

func TestATopicOfAUnitIsMarked(t *testing.T) {
	f := newFixture(t, nil)
	for name, flag := range map[string]int32{"new": meta.SysFlagUnit, "%RETRY%shop": meta.SysFlagUnitSubscription} {
		r := order()
		r.Topic, r.QueueID, r.Unit = []byte(name), 0, true
		f.one(t, f.send(t, r), 0)
		if c := f.table.Get(name); c == nil || c.SysFlag != flag {
			t.Errorf("topic %s: %+v", name, c)
		}
	}
}

func TestWhatOnlyLooksLikeADelayIsNone(t *testing.T) {
	f := newFixture(t, nil)
	for _, p := range [][]byte{props("DELAY", "0"), props("DELAY", "-1"), props("TRAN_MSG", "false")} {
		r := order()
		r.Properties = p
		f.one(t, f.send(t, r), 0)
	}
}

func TestPropertiesThatSendersCannotGiveAreNotStored(t *testing.T) {
	f := newFixture(t, nil)
	r := order()
	r.Properties = props("A", "1", "POP_CK", "forged", "B", "2", "__RMQ.TRANSIENT.TOPIC_SYS_FLAG", "1", "__CRC32#", "123", "C", "3")
	got := f.one(t, f.send(t, r), 0)
	for _, name := range []string{"POP_CK", "__RMQ.TRANSIENT.TOPIC_SYS_FLAG"} {
		if v := property(got, name); v != "" {
			t.Errorf("property %s=%q was stored", name, v)
		}
	}
	if property(got, "__CRC32#") == "123" {
		t.Error("the sender's CRC was stored")
	}
	if property(got, "A")+property(got, "B")+property(got, "C") != "123" {
		t.Errorf("the sender's own properties are %q", got.Properties)
	}
}

func TestANegativeQueueIsAnyQueue(t *testing.T) {
	f := newFixture(t, nil)
	seen := map[int32]bool{}
	for range 200 {
		r := order()
		r.QueueID = -1
		seen[f.one(t, f.send(t, r), 0).QueueID] = true
	}
	if len(seen) != 4 {
		t.Errorf("queues %v were used, expected all 4", seen)
	}
}

func TestASendMakesItsTopicAfterTheDefaultTopic(t *testing.T) {
	for _, test := range []struct{ asked, queues int32 }{{4, 4}, {100, 8}} {
		f := newFixture(t, nil)
		r := order()
		r.Topic, r.DefaultQueues = []byte("fresh"), test.asked
		f.one(t, f.send(t, r, r), 1)
		if c := f.table.Get("fresh"); c.WriteQueues != test.queues || c.ReadQueues != test.queues || c.Perm != meta.PermRead|meta.PermWrite {
			t.Errorf("asked for %d queues: %+v", test.asked, c)
		}
		if f.changed != 1 {
			t.Errorf("the name servers were told %d times", f.changed)
		}
		again, err := meta.OpenTopics(meta.Options{FS: f.mem.Kill(), Dir: "store/config"}, nil)
		if err != nil || again.Get("fresh") == nil {
			t.Errorf("after a crash the topic is gone: %v", err)
		}
	}
}

func TestAClientThatAsksForNoQueuesGetsATopicWithoutAny(t *testing.T) {
	f := newFixture(t, nil)
	r := order()
	r.Topic, r.DefaultQueues, r.QueueID = []byte("fresh"), -3, 0
	b := f.send(t, r)
	if _, no := b.Stored(0); no == nil || no.Reason != IllegalQueue {
		t.Errorf("%+v", no)
	}
}

func TestSendsAllocateNothing(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	f := newFixture(t, func(s *setup) { s.store.Log.SegmentSize = 64 << 20; s.store.CheckpointInterval = time.Hour })
	b, r, delayed := NewBatch(), order(), order()
	delayed.Properties = props("UNIQ_KEY", "k1", "DELAY", "3")
	const together = 64
	batch := func() {
		for range together / 2 {
			f.Add(b, r)
			f.Add(b, delayed)
		}
		if !f.Submit(b, nil) {
			t.Error("an asynchronous log made a sender wait")
		}
		b.Reset()
	}
	for range 100 {
		batch()
	}
	if n := testing.AllocsPerRun(200, batch); n != 0 {
		t.Errorf("%v allocations for %d sends", n, together)
	}
}

func TestRequestsOfABatchGoWhereEachOfThemSays(t *testing.T) {
	f := newFixture(t, nil)
	for _, name := range []string{"other", "wide"} {
		if _, err := f.Topics.Ensure(meta.NewTopic(name, 40)); err != nil {
			t.Fatal(err)
		}
	}
	var rs []*Request
	for i := range 200 {
		r := order()
		r.Topic = []byte([]string{"orders", "orders", "wide", "orders", "other"}[i%5])
		r.QueueID = int32(i % 4)
		if i%5 == 2 {
			r.QueueID = int32(i % 40)
		}
		rs = append(rs, r)
	}
	b := f.send(t, rs...)
	for i, r := range rs {
		if got := f.one(t, b, i); string(got.Topic) != string(r.Topic) || got.QueueID != r.QueueID || b.QueueID(i) != r.QueueID {
			t.Errorf("request %d for %s/%d stands in %s/%d", i, r.Topic, r.QueueID, got.Topic, got.QueueID)
		}
	}
}
