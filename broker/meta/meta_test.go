package meta

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantry-mq/gantry/commitlog/vfs"
)

func start() time.Time { return time.UnixMilli(1700000000000) }

// store is a config directory on disk, with what is logged about it.
type store struct {
	dir string
	log bytes.Buffer
}

func newStore(t *testing.T, golden ...string) *store {
	s := &store{dir: t.TempDir()}
	for _, dir := range golden {
		if err := os.CopyFS(s.dir, os.DirFS(filepath.Join("testdata", dir))); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func (s *store) options() Options {
	return Options{FS: vfs.OS(), Dir: s.dir, Logger: slog.New(slog.NewTextHandler(&s.log, nil))}
}

func (s *store) topics(t *testing.T) *Topics {
	t.Helper()
	topics, err := OpenTopics(s.options(), start)
	if err != nil {
		t.Fatal(err)
	}
	return topics
}

func (s *store) groups(t *testing.T) *Groups {
	t.Helper()
	groups, err := OpenGroups(s.options(), start)
	if err != nil {
		t.Fatal(err)
	}
	return groups
}

func (s *store) offsets(t *testing.T, lmq bool) *Offsets {
	t.Helper()
	offsets, err := OpenOffsets(s.options(), lmq, start)
	if err != nil {
		t.Fatal(err)
	}
	return offsets
}

func (s *store) write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (s *store) read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestAFileOfRocketMQReadsBackTheSameAfterGantryWroteIt compares what both files say, whatever the form.
func TestAFileOfRocketMQReadsBackTheSameAfterGantryWroteIt(t *testing.T) {
	for name, table := range map[string]string{
		"features/topics.json": "topicConfigTable", "features/subscriptionGroup.json": "subscriptionGroupTable", "features/consumerOffset.json": "offsetTable",
		"lmq/topics.json": "topicConfigTable", "lmq/subscriptionGroup.json": "subscriptionGroupTable", "lmq/lmqConsumerOffset.json": "offsetTable",
	} {
		dir, file := filepath.Split(name)
		s := newStore(t, dir)
		topics, groups, offsets := s.topics(t), s.groups(t), s.offsets(t, dir == "lmq/")
		topics.dirty, topics.changes, groups.dirty = true, 1, true
		offsets.dirty.Store(true)
		must(t, errors.Join(topics.Persist(), groups.Persist(), offsets.Persist()))

		read := func(data string) (v map[string]any) {
			var clean string
			for line := range strings.Lines(data) { // quote the integer keys
				if key := strings.TrimLeft(line, "\t"); key[0] >= '0' && key[0] <= '9' {
					n, rest, _ := strings.Cut(key, ":")
					line = fmt.Sprintf("%q:%s", n, rest)
				}
				clean += line
			}
			must(t, json.Unmarshal([]byte(clean), &v))
			return v
		}
		golden, ours := read(s.read(t, file+".bak")), read(s.read(t, file))
		if diff := cmp.Diff(golden[table], ours[table]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if file != "consumerOffset.json" && file != "lmqConsumerOffset.json" {
			if diff := cmp.Diff(golden["dataVersion"], ours["dataVersion"]); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
		if ours["crc32c"] == nil {
			t.Errorf("%s has no checksum", name)
		}
		if s.log.Len() > 0 {
			t.Errorf("%s: %s", name, &s.log)
		}
	}
}

func TestADamagedFileIsReadFromItsBackup(t *testing.T) {
	s := newStore(t)
	topics := s.topics(t)
	for _, name := range []string{"A", "B"} {
		if _, err := topics.Put(NewTopic(name, 1), 0); err != nil {
			t.Fatal(err)
		}
		must(t, topics.Persist())
	}
	good := s.read(t, "topics.json")
	for what, content := range map[string]string{
		"a flipped bit":       strings.Replace(good, `"readQueueNums": 1`, `"readQueueNums": 3`, 1),
		"a flipped checksum":  good[:13] + string(good[13]^1) + good[14:],
		"a cut checksum":      good[:15],
		"a checksum of words": strings.Replace(good, good[13:21], "checksum", 1),
		"a cut file":          good[:len(good)/2],
		"zeros":               string(make([]byte, 100)),
		"nothing":             "",
		"another type":        `{"topicConfigTable":[1,2]}`,
	} {
		s.write(t, "topics.json", content)
		topics := s.topics(t)
		if topics.Get("A") == nil || topics.Get("B") != nil {
			t.Errorf("%s: the table is not that of the backup", what)
		}
		if content != "" && !strings.Contains(s.log.String(), "its backup is used") {
			t.Errorf("%s: nothing was said", what)
		}
		s.log.Reset()
	}
}

func TestDamageWithoutABackupIsAnErrorThatSaysWhatToDo(t *testing.T) {
	s := newStore(t)
	offsets := s.offsets(t, false)
	offsets.Commit("g", "t", 0, 7)
	must(t, offsets.Persist())
	s.write(t, "consumerOffset.json", strings.Replace(s.read(t, "consumerOffset.json"), ": 7", ": 8", 1))
	_, err := OpenOffsets(s.options(), false, start)
	if !errors.Is(err, vfs.ErrDamaged) || !strings.Contains(err.Error(), "consumerOffset.json") || !strings.Contains(err.Error(), `remove the line "crc32c"`) {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(s.read(t, "consumerOffset.json"), "\n")
	s.write(t, "consumerOffset.json", strings.Join(append(lines[:1:1], lines[2:]...), ""))
	if got := s.offsets(t, false).Query("g", "t", 0); got != 8 {
		t.Errorf("after removing the checksum the offset is %d, 8 expected", got)
	}
}

func TestTheWorkedExampleOfAFile(t *testing.T) {
	s := newStore(t)
	offsets := s.offsets(t, false)
	offsets.Commit("group", "topic", 1, 5)
	must(t, offsets.Persist())
	want := "{\n\t\"crc32c\":\"cf9d3240\",\n\t\"dataVersion\": {\n\t\t\"stateVersion\": 0,\n\t\t\"timestamp\": 1700000000000,\n\t\t\"counter\": 1\n\t},\n" +
		"\t\"offsetTable\": {\n\t\t\"topic@group\": {\n\t\t\t\"1\": 5\n\t\t}\n\t}\n}\n"
	if diff := cmp.Diff(want, s.read(t, "consumerOffset.json")); diff != "" {
		t.Error(diff)
	}
}

func FuzzFilesDecodeWithoutPanic(f *testing.F) {
	for _, name := range []string{"features/topics.json", "features/subscriptionGroup.json", "lmq/lmqConsumerOffset.json"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	sealed, err := encode(&birthsFile{Births: map[string]int64{"t": 1}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed)
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, v := range []any{new(topicsFile), new(groupsFile), new(offsetsFile), new(birthsFile)} {
			if decode(data, v) != nil {
				continue
			}
			again, err := encode(v)
			if err != nil {
				t.Fatalf("%T can be read but not written: %v", v, err)
			}
			if err := decode(again, v); err != nil {
				t.Fatalf("%T can be written but not read: %v", v, err)
			}
		}
	})
}
