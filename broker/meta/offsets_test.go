package meta

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestOffsetsOfARocketMQStoreAreThere(t *testing.T) {
	offsets := newStore(t, "lmq").offsets(t, true)
	for queue, want := range []int64{107, 106, 116, 107, -1} {
		if got := offsets.Query("golden-group", "GoldenNormal", int32(queue)); got != want {
			t.Errorf("queue %d: %d, %d expected", queue, got, want)
		}
	}
	topics := offsets.Topics("golden-pop-group")
	slices.Sort(topics)
	if !slices.Equal(topics, []string{"%RETRY%golden-pop-group", "GoldenPop"}) || !slices.Equal(offsets.Groups("GoldenNormal"), []string{"golden-group"}) {
		t.Errorf("topics %q, groups %q", topics, offsets.Groups("GoldenNormal"))
	}
}

func TestCommitReturnsWhatWasThereBefore(t *testing.T) {
	offsets := newStore(t).offsets(t, false)
	for i, c := range []struct{ commit, before int64 }{{5, -1}, {9, 5}, {0, 9}, {3, 0}} {
		if before := offsets.Commit("g", "t", 2, c.commit); before != c.before {
			t.Errorf("commit %d: %d before, %d expected", i, before, c.before)
		}
	}
	if got := offsets.Queues("g", "t"); len(got) != 1 || got[2] != 3 || offsets.Queues("g", "x") != nil {
		t.Errorf("queues %v", got)
	}
}

func TestOffsetsBeyondTheEndOfTheirQueueAreTakenBack(t *testing.T) {
	offsets := newStore(t).offsets(t, false)
	offsets.Commit("g", "t", 0, 10)
	offsets.Commit("g", "t", 1, 10)
	offsets.Commit("g", "unknown", 0, 10)
	clamped := offsets.ClampTo(func(topic string, queue int32) (int64, bool) { return 10 - 3*int64(queue), topic == "t" })
	if diff := cmp.Diff([]Clamped{{"g", "t", 1, 10, 7}}, clamped); diff != "" {
		t.Error(diff)
	}
	if a, b, c := offsets.Query("g", "t", 0), offsets.Query("g", "t", 1), offsets.Query("g", "unknown", 0); a != 10 || b != 7 || c != 10 {
		t.Errorf("offsets %d %d %d, 10 7 10 expected", a, b, c)
	}
}

func TestRemovedOffsetsStayAwayAfterARestart(t *testing.T) {
	s := newStore(t)
	offsets := s.offsets(t, false)
	for _, g := range []string{"a", "ab"} {
		for _, topic := range []string{"x", "xa"} {
			offsets.Commit(g, topic, 0, 1)
		}
	}
	must(t, offsets.Persist())
	offsets.RemoveGroup("a")
	offsets.RemoveTopic("x")
	must(t, offsets.Persist())
	var left []string
	s.offsets(t, false).Each(func(group, topic string, queue int32, offset int64) bool {
		left = append(left, topic+"@"+group)
		return true
	})
	if !slices.Equal(left, []string{"xa@ab"}) {
		t.Errorf("left: %q", left)
	}
}

func TestNothingIsWrittenWhenNothingChanged(t *testing.T) {
	s := newStore(t)
	offsets := s.offsets(t, false)
	must(t, offsets.Persist())
	if _, err := os.Stat(filepath.Join(s.dir, "consumerOffset.json")); !os.IsNotExist(err) {
		t.Error("a file for no offsets")
	}
	offsets.Commit("g", "t", 0, 1)
	must(t, offsets.Persist())
	must(t, os.Remove(filepath.Join(s.dir, "consumerOffset.json")))
	offsets.Commit("g", "t", 0, 1)
	must(t, offsets.Persist())
	if _, err := os.Stat(filepath.Join(s.dir, "consumerOffset.json")); !os.IsNotExist(err) {
		t.Error("the file was written again for the same offset")
	}
}

func TestSwitchingLightweightQueuesKeepsTheOffsets(t *testing.T) {
	s := newStore(t)
	offsets := s.offsets(t, true)
	offsets.Commit("g", "t", 1, 5)
	offsets.Commit("%LMQ%g", "%LMQ%t", 0, 6)
	must(t, offsets.Persist())
	if file := s.read(t, "lmqConsumerOffset.json"); !strings.Contains(file, `"lmqOffsetTable": {`+"\n\t\t"+`"%LMQ%t@%LMQ%g": 6`) {
		t.Errorf("the lightweight queue's offset is not where RocketMQ looks:\n%s", file)
	}
	for _, lmq := range []bool{false, true} {
		offsets := s.offsets(t, lmq)
		if a, b := offsets.Query("g", "t", 1), offsets.Query("%LMQ%g", "%LMQ%t", 0); a != 5 || b != 6 {
			t.Errorf("enableLmq=%v: offsets %d and %d, 5 and 6 expected", lmq, a, b)
		}
		must(t, offsets.Persist())
		must(t, os.Remove(filepath.Join(s.dir, map[bool]string{false: lmqName, true: offsetsName}[lmq])))
	}
	s.offsets(t, true)
	s.write(t, "consumerOffset.json", "{}")
	s.log.Reset()
	if got := s.offsets(t, true).Query("g", "t", 1); got != 5 || !strings.Contains(s.log.String(), "enableLmq decides") {
		t.Errorf("with both files: offset %d, log %s", got, &s.log)
	}
}

func TestACommitDuringPersistIsInTheNextFile(t *testing.T) {
	s := newStore(t)
	offsets := s.offsets(t, false)
	var wg sync.WaitGroup
	for q := range int32(4) {
		wg.Go(func() {
			for n := range int64(2000) {
				offsets.Commit("g", "t", q, n)
			}
		})
	}
	for range 5 {
		must(t, offsets.Persist())
	}
	wg.Wait()
	must(t, offsets.Persist())
	again := s.offsets(t, false)
	for q := range int32(4) {
		if got := again.Query("g", "t", q); got != 1999 {
			t.Errorf("queue %d: %d, 1999 expected", q, got)
		}
	}
}

func TestTheTableIsAMap(t *testing.T) {
	type op struct {
		Name   string
		Delete bool
	}
	rapid.Check(t, func(t *rapid.T) {
		table, want := newTable[int](), map[string]int{}
		for i, o := range rapid.SliceOf(rapid.Custom(func(t *rapid.T) op {
			return op{rapid.StringN(0, 2, -1).Draw(t, "name"), rapid.Bool().Draw(t, "delete")}
		})).Draw(t, "ops") {
			if o.Delete {
				table.delete(o.Name)
				delete(want, o.Name)
			} else {
				table.put(o.Name, i)
				want[o.Name] = i
			}
			got, ok := table.get(o.Name)
			bytes, ok2 := table.getBytes([]byte(o.Name))
			if ok == o.Delete || ok2 != ok || got != want[o.Name] || bytes != got {
				t.Fatalf("%q: %d %v, %d %v", o.Name, got, ok, bytes, ok2)
			}
		}
		if diff := cmp.Diff(want, table.all()); diff != "" {
			t.Fatal(diff)
		}
	})
}

func BenchmarkCommitOneOf10000Pairs(b *testing.B) {
	offsets := &Offsets{pairs: newTable[*pair]()}
	for i := range 10000 {
		offsets.Commit("group", "topic-"+strings.Repeat("x", i%7)+string(rune('a'+i%26))+string(rune('a'+i/26%26))+string(rune('a'+i/676)), 0, 0)
	}
	for b.Loop() {
		offsets.Commit("group", "topic-xxxabc", 0, 1)
	}
}
