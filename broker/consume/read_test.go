package consume

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gantry-mq/gantry/broker/store"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
	"github.com/gantry-mq/gantry/consumequeue"
)

func expect(t *testing.T, what string, got, want outcome) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %+v, expected %+v", what, got, want)
	}
}

func TestAReadOfAQueueThatNeverHadAMessage(t *testing.T) {
	s := openStore(t, nil)
	q := s.Queue("orders", 0)
	expect(t, "from the start", read(t, s, q, 0, 32, tags(t, "*"), wide), outcome{Status: Empty})
	expect(t, "from elsewhere", read(t, s, q, 5, 32, tags(t, "*"), wide), outcome{Status: TooLarge})
	expect(t, "from before the start", read(t, s, q, -1, 32, tags(t, "*"), wide), outcome{Status: TooSmall})
}

func TestAReadSaysWhereToGoOn(t *testing.T) {
	s := openStore(t, nil)
	q := s.Queue("orders", 0)
	put(t, s, q, "", "a", "b", "c")
	expect(t, "from the start", read(t, s, q, 0, 32, tags(t, "*"), wide), outcome{Found, 3, 0, 3, 3, "a b c"})
	expect(t, "of two", read(t, s, q, 0, 2, tags(t, "*"), wide), outcome{Found, 2, 0, 3, 2, "a b"})
	expect(t, "in the middle", read(t, s, q, 1, 32, tags(t, "*"), wide), outcome{Found, 3, 0, 3, 2, "b c"})
	expect(t, "at the end", read(t, s, q, 3, 32, tags(t, "*"), wide), outcome{AtEnd, 3, 0, 3, 0, ""})
	expect(t, "behind the end", read(t, s, q, 4, 32, tags(t, "*"), wide), outcome{TooLarge, 3, 0, 3, 0, ""})
	expect(t, "before the start", read(t, s, q, -7, 32, tags(t, "*"), wide), outcome{TooSmall, 0, 0, 3, 0, ""})
}

func TestTheFirstMessageComesHoweverLargeItIs(t *testing.T) {
	s := openStore(t, nil)
	q := s.Queue("orders", 0)
	large := strings.Repeat("x", 5000)
	put(t, s, q, "", large, "a", large)
	l := wide
	l.Bytes = 1000
	expect(t, "large first", read(t, s, q, 0, 32, tags(t, "*"), l), outcome{Found, 1, 0, 3, 1, large})
	expect(t, "small first", read(t, s, q, 1, 32, tags(t, "*"), l), outcome{Found, 2, 0, 3, 1, "a"})
	l.Messages = 2
	l.Bytes = 1 << 20
	expect(t, "two at most", read(t, s, q, 0, 32, tags(t, "*"), l), outcome{Found, 2, 0, 3, 2, large + " a"})
}

func TestMessagesThatAreNotInMemoryComeInSmallerPortions(t *testing.T) {
	s := openStore(t, nil)
	q := s.Queue("orders", 0)
	put(t, s, q, "", "a", "b", "c", "d", "e", "f")
	l := wide
	l.ColdMessages = 2
	l.HotBytes = s.Log.Max() / 2 // the younger half
	expect(t, "from the old half", read(t, s, q, 0, 32, tags(t, "*"), l), outcome{Found, 2, 0, 6, 2, "a b"})
	expect(t, "from the young half", read(t, s, q, 3, 32, tags(t, "*"), l), outcome{Found, 6, 0, 6, 3, "d e f"})
	l.ColdMessages, l.ColdBytes = 32, 1
	expect(t, "by bytes", read(t, s, q, 0, 32, tags(t, "*"), l), outcome{Found, 1, 0, 6, 1, "a"})
}

func TestAFilterPassesOverMessagesOfOtherTags(t *testing.T) {
	s := openStore(t, nil)
	q := s.Queue("orders", 0)
	put(t, s, q, "red", "r1", "r2")
	put(t, s, q, "", "none")
	put(t, s, q, "blue", "b1")
	put(t, s, q, "green", "g1")
	expect(t, "one tag", read(t, s, q, 0, 32, tags(t, "blue"), wide), outcome{Found, 5, 0, 5, 1, "b1"})
	expect(t, "two tags", read(t, s, q, 0, 32, tags(t, " red || green "), wide), outcome{Found, 5, 0, 5, 3, "r1 r2 g1"})
	expect(t, "another tag", read(t, s, q, 0, 32, tags(t, "black"), wide), outcome{NoneMatched, 5, 0, 5, 0, ""})
	expect(t, "all", read(t, s, q, 0, 32, tags(t, ""), wide), outcome{Found, 5, 0, 5, 5, "r1 r2 none b1 g1"})
}

func TestAFilterThatLetsFewPassLooksAtABoundedNumberOfMessages(t *testing.T) {
	s := openStore(t, nil)
	q := s.Queue("orders", 0)
	put(t, s, q, "red", strings.Fields(strings.Repeat("x ", 900))...)
	put(t, s, q, "blue", "b")
	first := read(t, s, q, 0, 32, tags(t, "blue"), wide)
	if first.Status != NoneMatched || first.Next < maxScanned || first.Next >= 900 {
		t.Fatalf("the first read: %+v", first)
	}
	expect(t, "the next", read(t, s, q, first.Next, 32, tags(t, "blue"), wide), outcome{Found, 901, 0, 901, 1, "b"})
}

func TestAFilterIsParsedAnewInItsOwnMemory(t *testing.T) {
	f, red, blue := new(TagFilter), record.TagCode([]byte("red")), record.TagCode([]byte("blue"))
	parse := func(expression string) {
		if err := f.Parse([]byte(expression)); err != nil {
			t.Fatal(err)
		}
	}
	parse("red || blue")
	if f.All() || !f.Matches(red) || !f.Matches(blue) {
		t.Error("red || blue")
	}
	parse(" blue ")
	if f.All() || f.Matches(red) || !f.Matches(blue) {
		t.Error("blue")
	}
	parse("*")
	if !f.All() || !f.Matches(red) {
		t.Error("*")
	}
	expression := []byte("red||blue")
	if n := testing.AllocsPerRun(100, func() { f.Parse(expression) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestAnExpressionMustNameATag(t *testing.T) {
	for _, expression := range []string{"||", " || "} {
		if new(TagFilter).Parse([]byte(expression)) == nil {
			t.Errorf("%q was taken", expression)
		}
	}
}

func TestTagsThatStandInTheExtensionAreFiltered(t *testing.T) {
	s := openStore(t, func(o *store.Options) { o.QueueExt = true })
	q := s.Queue("orders", 0)
	put(t, s, q, "red", "r1")
	put(t, s, q, "blue", "b1")
	var us [1]consumequeue.Unit
	if n, err := q.Read(us[:], 0); n != 1 || err != nil || !consumequeue.IsExtAddress(us[0].TagCode) {
		t.Fatalf("the unit is %+v, %v", us[0], err)
	}
	expect(t, "one tag", read(t, s, q, 0, 32, tags(t, "blue"), wide), outcome{Found, 2, 0, 2, 1, "b1"})
}

func TestAMessageWhoseTagCodeIsLostPassesTheFilter(t *testing.T) {
	mem := vfs.NewMem()
	with := func(o *store.Options) { o.FS, o.QueueExt = mem, true }
	s := openStore(t, with)
	put(t, s, s.Queue("orders", 0), "red", "r1")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := mem.RemoveAll("store/consumequeue_ext"); err != nil {
		t.Fatal(err)
	}
	s = openStore(t, with)
	expect(t, "another tag", read(t, s, s.Queue("orders", 0), 0, 32, tags(t, "blue"), wide), outcome{Found, 1, 0, 1, 1, "r1"})
}

func TestAnInnerBatchCountsForItsMessages(t *testing.T) {
	s := openStore(t, nil)
	q := s.Queue("batches", 0)
	for _, body := range []string{"one", "two"} {
		d := []record.Draft{{
			Topic: "batches", SysFlag: record.SysInnerBatch | record.SysNeedUnwrap, Body: []byte(body), Queue: q,
			MoreProperties: record.AppendProperty(nil, record.PropInnerNum, "3"),
		}}
		if err := s.Append(d); err != nil || d[0].Err != nil {
			t.Fatal(err, d[0].Err)
		}
	}
	arrive(t, q, 5)
	expect(t, "from the start", read(t, s, q, 0, 32, tags(t, "*"), wide), outcome{Found, 6, 0, 6, 6, "one two"})
	expect(t, "fewer than one", read(t, s, q, 0, 2, tags(t, "*"), wide), outcome{Found, 3, 0, 6, 3, "one"})
	expect(t, "within one", read(t, s, q, 4, 32, tags(t, "*"), wide), outcome{Found, 6, 0, 6, 3, "two"})
	expect(t, "at the end", read(t, s, q, 6, 32, tags(t, "*"), wide), outcome{AtEnd, 6, 0, 6, 0, ""})
}

func TestAReadThatRetentionOvertakesGoesOnBehindIt(t *testing.T) {
	s := openStore(t, func(o *store.Options) { o.Log.SegmentSize = 4 << 10 })
	q := s.Queue("orders", 0)
	for i := range 20 {
		put(t, s, q, "", fmt.Sprintf("%d %s", i, strings.Repeat("x", 1000)))
	}
	// The log lets go of what the queue still has, as between a read's look at the one and at the other.
	if n, err := s.Log.Retire(2 * (4 << 10)); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	expect(t, "what is gone", read(t, s, q, 0, 32, tags(t, "*"), wide), outcome{Removed, 1, 0, 20, 0, ""})
	if got := read(t, s, q, 19, 32, tags(t, "*"), wide); got.Status != Found {
		t.Errorf("what is there: %+v", got)
	}
}

func TestAQueueThatCannotBeReadIsAnError(t *testing.T) {
	broken, fail := errors.New("I/O error"), false
	mem := vfs.NewMem()
	with := func(o *store.Options) {
		o.FS = vfs.Fault(mem, func(op vfs.Op) error {
			if fail && strings.Contains(op.Name, "consumequeue/") {
				return broken
			}
			return nil
		})
	}
	s := openStore(t, with)
	put(t, s, s.Queue("orders", 0), "", strings.Fields(strings.Repeat("x ", 500))...)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openStore(t, with)
	fail = true
	defer func() { fail = false }()
	if r, err := Read(s, s.Queue("orders", 0), 0, 32, tags(t, "*"), wide); !errors.Is(err, broken) {
		t.Errorf("%+v %v", r, err)
	}
}

func TestReadsAllocateNothingAndLetGoOfTheLog(t *testing.T) {
	s := openStore(t, nil)
	q := s.Queue("orders", 0)
	put(t, s, q, "red", strings.Fields(strings.Repeat("x ", 64))...)
	f := tags(t, "red||blue")
	once := func() {
		r, err := Read(s, q, 0, 32, f, wide)
		if err != nil || r.Messages != 32 {
			t.Fatal(r, err)
		}
		r.Release()
	}
	once()
	if n := testing.AllocsPerRun(100, once); n != 0 && !raceDetector {
		t.Errorf("%v allocations for a read of 32 messages", n)
	}
}
