package meta

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gantry-mq/gantry/commitlog/vfs"
)

func TestATopicThatWasCreatedIsThereAfterARestart(t *testing.T) {
	s := newStore(t)
	topics := s.topics(t)
	c := NewTopic("orders", 4)
	c.Perm, c.Order, c.SysFlag, c.FilterType = PermRead, true, 1, "MULTI_TAG"
	c.Attributes = map[string]string{AttrMessageType: "FIFO"}
	created, err := topics.Put(c, 100)
	if err != nil || !created {
		t.Fatal(created, err)
	}
	must(t, topics.Persist())
	_, version := topics.All()

	again := s.topics(t)
	if diff := cmp.Diff(&c, again.Get("orders")); diff != "" {
		t.Error(diff)
	}
	if all, v := again.All(); v != version || len(all) != 1 || v.Counter != 1 || v.Timestamp != start().UnixMilli() {
		t.Errorf("%d topics, version %+v, %+v expected", len(all), v, version)
	}
	if again.Birth("orders") != 100 || again.BirthBytes([]byte("orders")) != 100 || again.Birth("others") != 0 {
		t.Errorf("births %d and %d, 100 and 0 expected", again.Birth("orders"), again.Birth("others"))
	}
}

func TestWhatWasGivenToTheTableCanBeChangedAfterwards(t *testing.T) {
	topics := newStore(t).topics(t)
	c := NewTopic("t", 1)
	c.Attributes = map[string]string{"a": "1"}
	_, err := topics.Put(c, 0)
	must(t, err)
	c.Attributes["a"] = "2"
	if got := topics.Get("t").Attributes["a"]; got != "1" {
		t.Errorf("the table shares the caller's map: %s", got)
	}
}

func TestOnlyAChangeMovesTheVersion(t *testing.T) {
	topics := newStore(t).topics(t)
	for i, want := range []int64{1, 1, 2, 3, 3} {
		switch i {
		case 0, 1:
			_, err := topics.Put(NewTopic("t", 1), 0)
			must(t, err)
		case 2:
			_, err := topics.Put(NewTopic("t", 2), 0)
			must(t, err)
		case 3, 4:
			topics.Delete("t", 0)
		}
		if got := topics.Version().Counter; got != want {
			t.Errorf("step %d: counter %d, %d expected", i, got, want)
		}
	}
}

func TestATopicThatIsCreatedAgainIsBornAfterItsEarlierLife(t *testing.T) {
	s := newStore(t)
	topics := s.topics(t)
	put := func(logEnd int64) {
		_, err := topics.Put(NewTopic("t", 1), logEnd)
		must(t, err)
	}
	put(0)
	if b := topics.Birth("t"); b != 0 {
		t.Errorf("first birth %d, 0 expected", b)
	}
	if !topics.Delete("t", 500) || topics.Delete("t", 600) {
		t.Error("a topic is deleted once")
	}
	if b := topics.Birth("t"); b != 500 {
		t.Errorf("birth after the deletion %d, 500 expected", b)
	}
	put(700)
	put(900) // an update of what exists is no birth
	must(t, topics.Persist())
	if b := s.topics(t).Birth("t"); b != 700 {
		t.Errorf("birth after the second creation %d, 700 expected", b)
	}
}

func TestBirthsFitARecoveredLog(t *testing.T) {
	s := newStore(t)
	topics := s.topics(t)
	for name, birth := range map[string]int64{"old": 100, "kept": 200, "lost": 400} {
		_, err := topics.Put(NewTopic(name, 1), birth)
		must(t, err)
	}
	topics.FitBirths(100, 300)
	must(t, topics.Persist())
	again := s.topics(t)
	for name, want := range map[string]int64{"old": 0, "kept": 200, "lost": 300} {
		if got := again.Birth(name); got != want {
			t.Errorf("birth of %s is %d, %d expected", name, got, want)
		}
	}
	if !strings.Contains(s.log.String(), "topic=lost") {
		t.Error("nothing was said about the topic that is younger than the log")
	}
}

func TestAutoCreatedTopicsFollowTheirModel(t *testing.T) {
	topics := newStore(t).topics(t)
	topics.Reserve(System{Cluster: "c", Broker: "b", DefaultQueues: 8, AutoCreate: true}.Topics())
	for _, c := range []struct {
		in     Inherit
		queues int32
		err    error
	}{
		{Inherit{Topic: "few", Default: DefaultTopic, Queues: 4, AutoCreate: true}, 4, nil},
		{Inherit{Topic: "many", Default: DefaultTopic, Queues: 400, SysFlag: 2, AutoCreate: true}, 8, nil},
		{Inherit{Topic: "negative", Default: DefaultTopic, Queues: -4, AutoCreate: true}, 0, nil},
		{Inherit{Topic: "few", Default: "gone", Queues: 2}, 4, nil}, // it exists: nothing else matters
		{Inherit{Topic: "new", Default: DefaultTopic, Queues: 4}, 0, ErrNotInheritable},
		{Inherit{Topic: "new", Default: BenchmarkTopic, Queues: 4, AutoCreate: true}, 0, ErrNotInheritable},
		{Inherit{Topic: "new", Default: "gone", Queues: 4, AutoCreate: true}, 0, ErrNoDefaultTopic},
		{Inherit{Topic: "n e w", Default: DefaultTopic, Queues: 4, AutoCreate: true}, 0, ErrName},
	} {
		got, _, err := topics.EnsureInherited(c.in, 0)
		if !errors.Is(err, c.err) || c.err == nil && (got.ReadQueues != c.queues || got.WriteQueues != c.queues || got.Perm != PermRead|PermWrite || got.SysFlag != c.in.SysFlag) {
			t.Errorf("%+v: %+v, %v", c.in, got, err)
		}
	}
}

func TestReservedTopicsAreThoseOfRocketMQ(t *testing.T) {
	golden := newStore(t, "lmq").topics(t)
	system := System{Cluster: "DefaultCluster", Broker: "broker-a", DefaultQueues: 8, AutoCreate: true, ClusterTopic: true, BrokerTopic: true, Timer: true}
	for _, c := range system.Topics() {
		want := golden.Get(c.Name)
		if want == nil {
			t.Errorf("RocketMQ has no %s", c.Name)
		} else if !want.equal(&c) {
			t.Errorf("%s: %+v, %+v expected", c.Name, c, *want)
		}
	}
	own := NewTopic("BenchmarkTest", 2)
	topics := newStore(t).topics(t)
	_, err := topics.Put(own, 0)
	must(t, err)
	topics.Reserve(system.Topics())
	if got := topics.Get("BenchmarkTest"); got.ReadQueues != 2 {
		t.Error("a topic that exists was replaced")
	}
	for name, want := range map[string]bool{
		"broker-a": true, "DefaultCluster": true, "DefaultCluster_REPLY_TOPIC": true, "TBW102": true, "rmq_sys_anything": true,
		"orders": false, "%RETRY%g": false, "RMQ_SYS_MINE": false,
	} {
		if topics.IsSystem(name) != want {
			t.Errorf("IsSystem(%s) is %v", name, !want)
		}
	}
}

func TestATopicThatCanNotBeIsRefused(t *testing.T) {
	topics := newStore(t).topics(t)
	for want, change := range map[string]func(*TopicConfig){
		"the topic is empty":                      func(c *TopicConfig) { c.Name = "" },
		`"a/../b" has '/' at position 1`:          func(c *TopicConfig) { c.Name = "a/../b" },
		`has 'Ã' at position 1`:                   func(c *TopicConfig) { c.Name = "aä" },
		"has 128 bytes, at most 127":              func(c *TopicConfig) { c.Name = strings.Repeat("x", 128) },
		"has 256 bytes, at most 255":              func(c *TopicConfig) { c.Name = "%DLQ%" + strings.Repeat("x", 251) },
		"-1 read queues, 0 to 65536 are possible": func(c *TopicConfig) { c.ReadQueues = -1 },
		"70000 write queues, 0 to 65536":          func(c *TopicConfig) { c.WriteQueues = 70000 },
		"permission 8, a sum of":                  func(c *TopicConfig) { c.Perm = 8 },
		`filter type "NONE", SINGLE_TAG`:          func(c *TopicConfig) { c.FilterType = "NONE" },
	} {
		c := NewTopic("t", 1)
		change(&c)
		_, err := topics.Put(c, 0)
		_, _, err2 := topics.Ensure(c, 0)
		if err == nil || !strings.Contains(err.Error(), want) || err2 == nil {
			t.Errorf("%v, %v: %q expected", err, err2, want)
		}
	}
	if all, v := topics.All(); len(all) > 0 || v.Counter > 0 {
		t.Errorf("%d topics came of it", len(all))
	}
	long := NewTopic(RetryPrefix+strings.Repeat("g", 248), 1)
	if _, err := topics.Put(long, 0); err != nil {
		t.Error(err)
	}
}

func TestAFailedPersistIsMadeUpForByTheNext(t *testing.T) {
	s := newStore(t)
	topics := s.topics(t)
	_, err := topics.Put(NewTopic("t", 1), 10)
	must(t, err)
	s.dir = filepath.Join(s.dir, "gone")
	s.block(t)
	topics.file.name, topics.birthFile.name = filepath.Join(s.dir, "topics.json"), filepath.Join(s.dir, "topicBirths.json")
	if err := topics.Persist(); err == nil {
		t.Fatal("a file in place of the directory is no error")
	}
	must(t, os.Remove(s.dir))
	must(t, topics.Persist())
	if again := s.topics(t); again.Get("t") == nil || again.Birth("t") != 10 {
		t.Error("the change is lost")
	}
}

// block puts a file where the directory should be.
func (s *store) block(t *testing.T) {
	t.Helper()
	must(t, os.WriteFile(s.dir, nil, 0o644))
}

func TestConcurrentCreatorsAllFindTheirTopicOnDisk(t *testing.T) {
	s := newStore(t)
	topics := s.topics(t)
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			name := fmt.Sprintf("t%d", i)
			if _, _, err := topics.Ensure(NewTopic(name, 1), int64(i)); err != nil {
				t.Error(err)
			}
			if err := topics.Persist(); err != nil {
				t.Error(err)
			}
			if !strings.Contains(s.read(t, "topics.json"), `"`+name+`"`) {
				t.Errorf("%s is not on disk after Persist", name)
			}
		})
	}
	wg.Wait()
}

func TestLookingUpAllocatesNothing(t *testing.T) {
	topics := newStore(t, "features").topics(t)
	offsets := newStore(t, "features").offsets(t, false)
	name := []byte("FeatNormal")
	for what, f := range map[string]func(){
		"Get":        func() { topics.Get("FeatNormal") },
		"GetBytes":   func() { topics.GetBytes(name) },
		"BirthBytes": func() { topics.BirthBytes(name) },
		"CheckTopic": func() { _ = CheckTopic("FeatNormal") },
		"Commit":     func() { offsets.Commit("feat-pop-group", "FeatPop", 0, 7) },
		"Query":      func() { offsets.Query("feat-pop-group", "FeatPop", 0) },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s allocates %v times", what, n)
		}
	}
}

func BenchmarkGetOneOf10000Topics(b *testing.B) {
	topics, err := OpenTopics(Options{FS: vfs.OS(), Dir: b.TempDir()}, nil)
	if err != nil {
		b.Fatal(err)
	}
	for i := range 10000 {
		if _, err := topics.Put(NewTopic(fmt.Sprintf("topic-%d", i), 4), 0); err != nil {
			b.Fatal(err)
		}
	}
	name := []byte("topic-5000")
	for b.Loop() {
		topics.GetBytes(name)
	}
}

// renames counts how often a file is replaced.
type renames struct {
	vfs.FS
	of string
	n  atomic.Int32
}

func (r *renames) Rename(from, to string) error {
	if to == r.of {
		r.n.Add(1)
	}
	return r.FS.Rename(from, to)
}

func TestThoseWhoWaitForTheSameWriteShareIt(t *testing.T) {
	fs := &renames{FS: vfs.NewMem(), of: "config/topics.json"}
	topics, err := OpenTopics(Options{FS: fs, Dir: "config"}, nil)
	must(t, err)
	topics.persisting.Lock() // a write is under way
	var put, done sync.WaitGroup
	for i := range 16 {
		put.Add(1)
		done.Go(func() {
			_, err := topics.Put(NewTopic(fmt.Sprint("topic-", i), 4), 0)
			put.Done()
			if err := errors.Join(err, topics.Persist()); err != nil {
				t.Error(err)
			}
			if i%2 == 0 { // and comes again at once
				_, err := topics.Put(NewTopic(fmt.Sprint("topic-", i), 5), 0)
				if err := errors.Join(err, topics.Persist()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	put.Wait()
	topics.persisting.Unlock()
	done.Wait()
	if n := fs.n.Load(); n > 9 { // one for all, at most one for each that came again
		t.Errorf("%d writes", n)
	}
	again, err := OpenTopics(Options{FS: fs, Dir: "config"}, nil)
	must(t, err)
	for i := range 16 {
		if c := again.Get(fmt.Sprint("topic-", i)); c == nil || c.WriteQueues != int32(5-i%2) {
			t.Errorf("topic-%d: %+v", i, c)
		}
	}
}

func TestBirthsThatWereFittedToTheLogAreWrittenThoughTheTableHasNotChanged(t *testing.T) {
	s := newStore(t)
	topics := s.topics(t)
	if _, err := topics.Put(NewTopic("T", 1), 5000); err != nil {
		t.Fatal(err)
	}
	must(t, topics.Persist())
	topics.FitBirths(0, 4000)
	must(t, topics.Persist())
	if got := s.topics(t).Birth("T"); got != 4000 {
		t.Errorf("born at %d after a restart, expected 4000", got)
	}
}
