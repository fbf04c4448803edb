package store

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
	"github.com/gantry-mq/gantry/consumequeue"
)

// queueFiles reads all queue and extension files below a store directory that have anything in them.
func queueFiles(t testing.TB, root string) map[string][]byte {
	t.Helper()
	files := make(map[string][]byte)
	for _, dir := range []string{"consumequeue", "batchconsumequeue", "consumequeue_ext"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := os.ReadFile(path)
			if len(bytes.Trim(b, "\x00")) > 0 {
				files[strings.TrimPrefix(path, root)] = b
			}
			return err
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	return files
}

func compareFiles(t testing.TB, got, want map[string][]byte) {
	t.Helper()
	for name := range got {
		if want[name] == nil {
			t.Errorf("%s: not expected", name)
		}
	}
	for name, b := range want {
		if !bytes.Equal(got[name], b) {
			t.Errorf("%s: %d bytes that differ from the %d expected", name, len(got[name]), len(b))
		}
	}
}

// remove deletes what matches from a store directory.
func remove(t testing.TB, root string, patterns ...string) {
	t.Helper()
	for _, pattern := range patterns {
		all, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range all {
			if err := os.RemoveAll(path); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestQueuesBuiltFromTheLogAreByteForByteThoseOfTheJavaBroker(t *testing.T) {
	for _, g := range []goldenStore{goldenClean, goldenFeatures, goldenTiered} {
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			root := g.unpack(t)
			java := queueFiles(t, root)
			remove(t, root, "*consumequeue*", "index")
			s := mustOpen(t, g.options(t, root))
			g.checkEach(t, s, 3)
			mustClose(t, s)
			compareFiles(t, queueFiles(t, root), java)
		})
	}
}

func TestAnythingDerivedCanBeDeletedAndComesBackFromTheLog(t *testing.T) {
	root := goldenFeatures.unpack(t)
	java := queueFiles(t, root)
	o := goldenFeatures.options(t, root)
	mustClose(t, mustOpen(t, o))
	for _, gone := range [][]string{
		{"consumequeue"},
		{"consumequeue", "consumequeue_ext"},
		{"batchconsumequeue"},
		{"index"},
		{"gantry.checkpoint"},
		{"gantry.queues*"},
		{"gantry.batchqueues*"},
		{"checkpoint"},
		{"consumequeue", "gantry.queues*"},
		{"consumequeue", "index", "gantry.checkpoint"},
		{"*consumequeue*", "index", "gantry.*", "checkpoint"},
	} {
		t.Run(strings.Join(gone, "+"), func(t *testing.T) {
			remove(t, root, gone...)
			s := mustOpen(t, o)
			goldenFeatures.checkEach(t, s, 7)
			mustClose(t, s)
			compareFiles(t, queueFiles(t, root), java)
		})
	}
}

func TestALostExtensionIsSaidAndNotMistakenForAnother(t *testing.T) {
	root := goldenFeatures.unpack(t)
	remove(t, root, "consumequeue_ext")
	o := goldenFeatures.options(t, root)
	s := mustOpen(t, o)
	q := s.Queue("FeatNormal", 0)
	_, before := q.Bounds()
	appendTo(t, s, "FeatNormal", 0, "TAGS\x01tag1\x02")
	us := readAll(t, q)
	for i, u := range us {
		code, err := s.TagCode(q, u.TagCode)
		if old := int64(i) < before; old && !errors.Is(err, ErrNoTagCode) || !old && (err != nil || code != record.TagCode([]byte("tag1"))) {
			t.Fatalf("queue offset %d of %d: tag code %d, %v", i, before, code, err)
		}
	}
}

func TestExtensionUnitsAreReadWithoutTheOption(t *testing.T) {
	g := goldenFeatures
	o := g.options(t, g.unpack(t))
	o.QueueExt = false
	s := mustOpen(t, o)
	g.checkEach(t, s, 3)
	if !consumequeue.IsExtAddress(readAll(t, s.Queue("FeatNormal", 0))[0].TagCode) {
		t.Error("the golden store has no extension units")
	}
}

func TestMultiDispatchedMessagesStandInTheirLightQueues(t *testing.T) {
	g := goldenClean
	s := mustOpen(t, g.options(t, g.unpack(t)))
	seen := 0
	for _, m := range g.messages(t) {
		names := m.Properties[record.PropMultiDispatch]
		if names == "" {
			continue
		}
		for name := range strings.SplitSeq(names, ",") {
			found := false
			for _, u := range readAll(t, s.Queue(name, 0)) {
				found = found || u.LogOffset == m.logOffset(t, s)
			}
			if !found {
				t.Errorf("message %s is not in %s", m.UniqueID, name)
			}
			seen++
		}
	}
	if seen != 12 {
		t.Errorf("%d places in light queues, expected 12", seen)
	}
}

func TestCommittedOffsetsOfTheJavaBrokerLieWithinTheQueues(t *testing.T) {
	for _, g := range []goldenStore{goldenClean, goldenFeatures} {
		root := g.unpack(t)
		s := mustOpen(t, g.options(t, root))
		offsets, err := meta.OpenOffsets(meta.Options{FS: vfs.OS(), Dir: filepath.Join(root, "config")}, g.lmq, nil)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		offsets.Each(func(group, topic string, queue int32, offset int64) bool {
			lowest, next := s.Queue(topic, queue).Bounds()
			if offset < lowest || offset > next {
				t.Errorf("%s: group %s of %s/%d is at %d, the queue holds [%d,%d)", g.name, group, topic, queue, offset, lowest, next)
			}
			n++
			return true
		})
		if n == 0 {
			t.Errorf("%s: no committed offsets", g.name)
		}
		if g.lmq {
			for id := range int32(4) {
				if _, next := s.Queue("GoldenNormal", id).Bounds(); offsets.Query("golden-group", "GoldenNormal", id) != next {
					t.Errorf("golden-group is at %d of queue %d, it consumed all %d", offsets.Query("golden-group", "GoldenNormal", id), id, next)
				}
			}
		}
	}
}

func TestPartsThatAreNotReadAreNamedInTheLog(t *testing.T) {
	for _, c := range []struct {
		g     goldenStore
		found []string
	}{
		{goldenRocksDB, []string{"consumequeue/CURRENT", "rocksdbstore/CURRENT"}},
		{goldenTiered, []string{"config/tieredStoreMetadata.json"}},
	} {
		root := c.g.unpack(t)
		if c.g.foreignQueues { // the archive has the rows of the databases, not their files
			for _, name := range c.found {
				path := filepath.Join(root, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte("MANIFEST-000005\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
		o := c.g.options(t, root)
		lines := new(logLines)
		o.Logger = slog.New(slog.NewTextHandler(lines, nil))
		s := mustOpen(t, o)
		c.g.checkEach(t, s, 7)
		for _, name := range c.found {
			if !strings.Contains(lines.String(), "a part is not read\" found="+filepath.Join(root, name)) {
				t.Errorf("%s: nothing is said of %s:\n%s", c.g.name, name, lines)
			}
		}
	}
}
