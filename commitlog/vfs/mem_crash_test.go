package vfs_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gantry-mq/gantry/commitlog/vfs"
)

func seeded(seed int) *rand.Rand { return rand.New(rand.NewPCG(uint64(seed), 0)) }

// outcomes crashes what setup builds with many seeds and counts what look says that it finds.
func outcomes(t *testing.T, setup func(m *vfs.Mem), look func(after *vfs.Mem) string) map[string]int {
	t.Helper()
	found := map[string]int{}
	for seed := range 300 {
		m := memWithDir(t, "/d")
		setup(m)
		found[look(m.Crash(seeded(seed)))]++
	}
	return found
}

// wantOutcomes checks that each of the given outcomes occurs, and no other.
func wantOutcomes(t *testing.T, found map[string]int, want ...string) {
	t.Helper()
	for _, w := range want {
		if found[w] == 0 {
			t.Errorf("never found %q, only %v", w, found)
		}
		delete(found, w)
	}
	if len(found) > 0 {
		t.Errorf("found %v too", found)
	}
}

func contentOf(name string) func(*vfs.Mem) string {
	return func(m *vfs.Mem) string {
		b, err := vfs.ReadFile(m, name)
		if err != nil {
			return "gone"
		}
		return string(b)
	}
}

func durableFile(t *testing.T, m *vfs.Mem, name, content string) vfs.File {
	t.Helper()
	f := create(t, m, name, content)
	ok(t, f.Sync())
	ok(t, m.SyncDir(path.Dir(name)))
	return f
}

func TestSyncedContentUnderASyncedNameSurvives(t *testing.T) {
	found := outcomes(t, func(m *vfs.Mem) {
		f := durableFile(t, m, "/d/f", "v1")
		write(t, f, "v2", 0)
		ok(t, f.Datasync())
	}, contentOf("/d/f"))
	wantOutcomes(t, found, "v2")
}

func TestUnsyncedWritesSurviveOrNot(t *testing.T) {
	found := outcomes(t, func(m *vfs.Mem) {
		write(t, durableFile(t, m, "/d/f", "v1"), "v2", 0)
	}, contentOf("/d/f"))
	wantOutcomes(t, found, "v1", "v2")
}

func TestDirtyPagesSurviveApartFromEachOther(t *testing.T) {
	found := outcomes(t, func(m *vfs.Mem) {
		f := durableFile(t, m, "/d/f", string(make([]byte, 3*4096)))
		write(t, f, "1", 0)
		write(t, f, "3", 2*4096)
	}, func(m *vfs.Mem) string {
		b, err := vfs.ReadFile(m, "/d/f")
		ok(t, err)
		return fmt.Sprintf("%q%q", b[0], b[2*4096])
	})
	wantOutcomes(t, found, `'\x00''\x00'`, `'1''\x00'`, `'\x00''3'`, `'1''3'`)
}

func TestPagesTearAtSectors(t *testing.T) {
	torn := 0
	for seed := range 300 {
		m := memWithDir(t, "/d")
		f := durableFile(t, m, "/d/f", string(bytes.Repeat([]byte("o"), 4096)))
		write(t, f, string(bytes.Repeat([]byte("n"), 4096)), 0)
		b, err := vfs.ReadFile(m.Crash(seeded(seed)), "/d/f")
		ok(t, err)
		fresh := 0
		for i := 0; i < len(b); i += 512 {
			switch n := bytes.Count(b[i:i+512], []byte("n")); n {
			case 512:
				fresh++
			case 0:
			default:
				t.Fatalf("seed %d: sector %d holds %d new bytes", seed, i/512, n)
			}
		}
		if fresh > 0 && fresh < 8 {
			torn++
		}
	}
	if torn < 50 || torn > 150 {
		t.Errorf("%d of 300 pages were torn, want about a third", torn)
	}
}

func TestGrowthByWritingMayBeHalfThere(t *testing.T) {
	sizes := map[int64]bool{}
	for seed := range 300 {
		m := memWithDir(t, "/d")
		write(t, durableFile(t, m, "/d/f", "0123"), "456789", 4)
		info, err := m.Crash(seeded(seed)).Stat("/d/f")
		ok(t, err)
		if info.Size < 4 || info.Size > 10 {
			t.Fatalf("seed %d: size %d was never there", seed, info.Size)
		}
		sizes[info.Size] = true
	}
	if len(sizes) != 7 {
		t.Errorf("sizes found: %v, want 4 to 10", sizes)
	}
}

func TestUnsyncedTruncateIsDoneOrUndone(t *testing.T) {
	found := outcomes(t, func(m *vfs.Mem) {
		ok(t, durableFile(t, m, "/d/f", "abcdef").Truncate(3))
	}, contentOf("/d/f"))
	wantOutcomes(t, found, "abc", "abcdef")
}

func TestWhatATruncateCutOffDoesNotComeBackBehindIt(t *testing.T) {
	// The hole of the second Truncate must be zeros whenever the first one is done.
	found := outcomes(t, func(m *vfs.Mem) {
		f := durableFile(t, m, "/d/f", "abcdef")
		ok(t, f.Truncate(2))
		ok(t, f.Truncate(4))
	}, contentOf("/d/f"))
	wantOutcomes(t, found, "abcdef", "ab", "ab\x00\x00")
}

func TestWhatATruncateCutOffDoesNotComeBackAfterSync(t *testing.T) {
	found := outcomes(t, func(m *vfs.Mem) {
		f := durableFile(t, m, "/d/f", "abcdef")
		for _, size := range []int64{2, 4} {
			ok(t, f.Truncate(size))
			ok(t, f.Datasync())
		}
	}, contentOf("/d/f"))
	wantOutcomes(t, found, "ab\x00\x00")
}

func TestWriteBackOfATruncateDoesNotLoseWhatWasWrittenBehindIt(t *testing.T) {
	seed := 0
	found := outcomes(t, func(m *vfs.Mem) {
		f := durableFile(t, m, "/d/f", "abcdef")
		ok(t, f.Truncate(0))
		write(t, f, "new", 0)
		rng := seeded(seed)
		seed++
		for range 3 {
			m.WriteBack(rng)
		}
		ok(t, f.Datasync())
	}, contentOf("/d/f"))
	wantOutcomes(t, found, "new")
}

func TestUnsyncedZeroRangeIsDoneOrUndone(t *testing.T) {
	found := outcomes(t, func(m *vfs.Mem) {
		ok(t, durableFile(t, m, "/d/f", "abc").ZeroRange(1, 1))
	}, contentOf("/d/f"))
	wantOutcomes(t, found, "abc", "a\x00c")
}

func TestUnsyncedPreallocationReadsAsZeros(t *testing.T) {
	found := outcomes(t, func(m *vfs.Mem) {
		ok(t, durableFile(t, m, "/d/f", "a").Preallocate(3))
	}, contentOf("/d/f"))
	wantOutcomes(t, found, "a", "a\x00\x00")
}

func TestSyncOfANewFileDoesNotMakeItsNameDurable(t *testing.T) {
	found := outcomes(t, func(m *vfs.Mem) {
		ok(t, create(t, m, "/d/f", "x").Sync())
	}, contentOf("/d/f"))
	wantOutcomes(t, found, "gone", "x")
}

func TestSyncDirOfANewFileDoesNotMakeItsContentDurable(t *testing.T) {
	found := outcomes(t, func(m *vfs.Mem) {
		create(t, m, "/d/f", "x")
		ok(t, m.SyncDir("/d"))
	}, contentOf("/d/f"))
	wantOutcomes(t, found, "", "\x00", "x")
}

func TestRenameWithoutSyncDirMayBeLostButIsAtomic(t *testing.T) {
	for _, target := range []string{"/d/to", "/e/to"} {
		found := outcomes(t, func(m *vfs.Mem) {
			ok(t, m.MkdirAll("/e"))
			durableFile(t, m, "/d/from", "new")
			durableFile(t, m, target, "old")
			ok(t, m.Rename("/d/from", target))
		}, func(m *vfs.Mem) string { return contentOf("/d/from")(m) + " " + contentOf(target)(m) })
		wantOutcomes(t, found, "new old", "gone new")
	}
}

func TestSyncDirOfEitherDirectoryMakesAMoveDurable(t *testing.T) {
	for _, synced := range []string{"/d", "/e"} {
		found := outcomes(t, func(m *vfs.Mem) {
			ok(t, m.MkdirAll("/e"))
			durableFile(t, m, "/d/from", "x")
			ok(t, m.Rename("/d/from", "/e/to"))
			ok(t, m.SyncDir(synced))
		}, func(m *vfs.Mem) string { return contentOf("/d/from")(m) + " " + contentOf("/e/to")(m) })
		wantOutcomes(t, found, "gone x")
	}
}

func TestSyncDirBringsTheEarlierChangesThatAMoveBuildsOn(t *testing.T) {
	found := outcomes(t, func(m *vfs.Mem) {
		ok(t, m.MkdirAll("/e"))
		durableFile(t, m, "/e/t", "old")
		durableFile(t, m, "/d/x", "new")
		ok(t, m.Rename("/e/t", "/e/u"))
		ok(t, m.Rename("/d/x", "/e/t"))
		ok(t, m.SyncDir("/d"))
	}, func(m *vfs.Mem) string { return contentOf("/e/u")(m) + " " + contentOf("/e/t")(m) })
	wantOutcomes(t, found, "old new")

	found = outcomes(t, func(m *vfs.Mem) {
		ok(t, m.MkdirAll("/e"))
		ok(t, create(t, m, "/e/new", "x").Sync())
		ok(t, m.Rename("/e/new", "/d/f"))
		ok(t, m.SyncDir("/d"))
	}, contentOf("/d/f"))
	wantOutcomes(t, found, "x")
}

func TestAChangeOfALostFileIsLostToo(t *testing.T) {
	found := outcomes(t, func(m *vfs.Mem) {
		durableFile(t, m, "/d/f", "old")
		ok(t, create(t, m, "/d/tmp", "new").Sync())
		ok(t, m.Rename("/d/tmp", "/d/f"))
		ok(t, m.Remove("/d/f"))
	}, func(m *vfs.Mem) string { return contentOf("/d/tmp")(m) + " " + contentOf("/d/f")(m) })
	wantOutcomes(t, found,
		"gone old",  // the creation was lost, or nothing happened
		"new old",   // the rename was lost, so the removal can't have been of the old file
		"gone new",  // the removal was lost
		"gone gone") // all happened
}

func TestRemoveWithoutSyncDirMayBeUndone(t *testing.T) {
	found := outcomes(t, func(m *vfs.Mem) {
		f := durableFile(t, m, "/d/f", "x")
		ok(t, f.Close())
		ok(t, m.Remove("/d/f"))
	}, contentOf("/d/f"))
	wantOutcomes(t, found, "gone", "x")
	found = outcomes(t, func(m *vfs.Mem) {
		durableFile(t, m, "/d/f", "x")
		ok(t, m.Remove("/d/f"))
		ok(t, m.SyncDir("/d"))
	}, contentOf("/d/f"))
	wantOutcomes(t, found, "gone")
}

func TestChangesOfADirectoryAreLostOneByOne(t *testing.T) {
	found := outcomes(t, func(m *vfs.Mem) {
		create(t, m, "/d/1", "")
		create(t, m, "/d/2", "")
	}, func(m *vfs.Mem) string {
		entries, err := m.ReadDir("/d")
		ok(t, err)
		names := ""
		for _, e := range entries {
			names += e.Name()
		}
		return names
	})
	wantOutcomes(t, found, "", "1", "2", "12")
}

func TestMkdirAllSurvives(t *testing.T) {
	found := outcomes(t, func(m *vfs.Mem) { ok(t, m.MkdirAll("/d/a/b")) }, func(m *vfs.Mem) string {
		info, err := m.Stat("/d/a/b")
		return fmt.Sprint(info.Dir, err)
	})
	wantOutcomes(t, found, "true <nil>")
}

func TestWriteBackMakesAnythingDurableEarly(t *testing.T) {
	// Lost on the next crash unless a write-back chose it: with enough of them it is always there.
	for _, automatic := range []bool{false, true} {
		found := outcomes(t, func(m *vfs.Mem) {
			if automatic {
				m.SetWriteBack(seeded(1), 1)
			}
			f := create(t, m, "/d/f", "x")
			for i := range 60 {
				if automatic {
					write(t, create(t, m, "/d/other", ""), "y", int64(i))
				} else {
					m.WriteBack(seeded(i))
				}
			}
			ok(t, f.Close())
		}, contentOf("/d/f"))
		wantOutcomes(t, found, "x")
	}
}

func TestTheSameSeedFindsTheSame(t *testing.T) {
	dump := func() string {
		m := memWithDir(t, "/d")
		m.SetClock(func() time.Time { return time.Unix(1, 0) })
		m.SetWriteBack(seeded(7), 0.3)
		for i := range 20 {
			f := create(t, m, fmt.Sprintf("/d/%d", i), "")
			for j := range 20 {
				write(t, f, fmt.Sprint(i, j), int64(j*1000))
			}
		}
		after := m.Crash(seeded(8))
		entries, err := after.ReadDir("/d")
		ok(t, err)
		var b bytes.Buffer
		for _, e := range entries {
			fmt.Fprintf(&b, "%s %q\n", e.Name(), contentOf(path.Join("/d", e.Name()))(after))
		}
		return b.String()
	}
	if a, b := dump(), dump(); a != b || a == "" {
		t.Errorf("found\n%s\nand then\n%s", a, b)
	}
}

func TestACrashedMemRefusesEverything(t *testing.T) {
	for name, end := range map[string]func(m *vfs.Mem){
		"crash": func(m *vfs.Mem) { m.Crash(seeded(1)) },
		"kill":  func(m *vfs.Mem) { m.Kill() },
	} {
		t.Run(name, func(t *testing.T) {
			m := memWithDir(t, "/d")
			f := create(t, m, "/d/f", "x")
			l, err := m.Lock("/d/lock", nil)
			ok(t, err)
			end(m)
			_, createErr := m.Create("/d/g")
			_, lockErr := m.Lock("/d/lock", nil)
			_, listErr := m.ReadDir("/d")
			_, writeErr := f.WriteAt([]byte("y"), 0)
			_, readErr := f.ReadAt(make([]byte, 1), 0)
			for _, err := range []error{
				createErr, lockErr, listErr, writeErr, readErr, f.Sync(), f.Close(), l.Close(),
				m.Rename("/d/f", "/d/g"), m.Remove("/d/f"), m.SyncDir("/d"), m.MkdirAll("/x"),
			} {
				wantError(t, err, vfs.ErrCrashed, "/")
			}
		})
	}
}

func TestKillKeepsWhatWasWrittenAndReleasesLocks(t *testing.T) {
	m := memWithDir(t, "/d")
	f := create(t, m, "/d/f", "x")
	b, err := f.Map(1)
	ok(t, err)
	_, err = m.Lock("/d/lock", []byte("1"))
	ok(t, err)
	next := m.Kill()
	wantContent(t, next, "/d/f", "x")
	l, err := next.Lock("/d/lock", []byte("2"))
	ok(t, err)
	ok(t, l.Close())
	g, err := next.Open("/d/f")
	ok(t, err)
	write(t, g, "y", 0)
	if b[0] != 'x' {
		t.Error("a mapping of the dead process shows the next one's write")
	}
}

func TestKillDoesNotMakeAnythingDurable(t *testing.T) {
	found := map[string]int{}
	for seed := range 100 {
		m := memWithDir(t, "/d")
		write(t, durableFile(t, m, "/d/f", "v1"), "v2", 0)
		found[contentOf("/d/f")(m.Kill().Crash(seeded(seed)))]++
	}
	wantOutcomes(t, found, "v1", "v2")
}

func TestModTimeComesFromTheClock(t *testing.T) {
	now := time.Unix(1000, 0)
	m := memWithDir(t, "/d")
	m.SetClock(func() time.Time { return now })
	f := durableFile(t, m, "/d/f", "x")
	now = now.Add(time.Hour)
	write(t, f, "y", 0)
	if info, err := m.Stat("/d/f"); err != nil || !info.ModTime.Equal(now) {
		t.Errorf("%v, %v, want %v", info.ModTime, err, now)
	}
	ok(t, f.Sync())
	if info, err := m.Crash(seeded(1)).Stat("/d/f"); err != nil || !info.ModTime.Equal(now) {
		t.Errorf("after sync and crash: %v, %v, want %v", info.ModTime, err, now)
	}
}

// fileModel knows for a file with a durable name what a crash may leave of it: the lengths and, byte by byte, the
// values that it had at or since the last sync.
type fileModel struct {
	now               []byte
	values            [modelSize]uint16 // bit v: the value v
	shortest, longest int
}

const modelSize = 3 * 4096

func (fm *fileModel) note() {
	fm.shortest, fm.longest = min(fm.shortest, len(fm.now)), max(fm.longest, len(fm.now))
	for i := range fm.values {
		if i < len(fm.now) {
			fm.values[i] |= 1 << fm.now[i]
		} else {
			fm.values[i] |= 1
		}
	}
}

func (fm *fileModel) synced() {
	clear(fm.values[:])
	fm.shortest, fm.longest = len(fm.now), len(fm.now)
	fm.note()
}

func TestACrashLeavesOnlyWhatWasThereSinceTheLastSync(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := vfs.NewMem()
		f, err := m.Create("/f")
		ok(t, err)
		ok(t, m.SyncDir("/"))
		fm := &fileModel{}
		fm.synced()
		for i := range rapid.IntRange(1, 12).Draw(rt, "steps") {
			off := rapid.IntRange(0, modelSize-1).Draw(rt, "off")
			n := rapid.IntRange(1, modelSize-off).Draw(rt, "n")
			b := bytes.Repeat([]byte{byte(i + 1)}, n)
			grown := append(bytes.Clone(fm.now), make([]byte, max(0, off+n-len(fm.now)))...)
			switch rapid.SampledFrom([]string{"write", "truncate", "preallocate", "zero", "sync", "writeback"}).Draw(rt, "op") {
			case "write":
				_, err = f.WriteAt(b, int64(off))
				copy(grown[off:], b)
				fm.now = grown
			case "zero":
				err = f.ZeroRange(int64(off), int64(n))
				clear(grown[off : off+n])
				fm.now = grown
			case "preallocate":
				err = f.Preallocate(int64(off + n))
				fm.now = grown
			case "truncate":
				err = f.Truncate(int64(off))
				fm.now = append(bytes.Clone(fm.now), make([]byte, max(0, off-len(fm.now)))...)[:off]
			case "sync":
				err = f.Datasync()
				fm.synced()
			case "writeback":
				m.WriteBack(seeded(off))
			}
			ok(t, err)
			fm.note()
			if now := contentOf("/f")(m); now != string(fm.now) {
				rt.Fatalf("before the crash: content differs from the model's")
			}
		}
		after := m.Crash(seeded(rapid.IntRange(0, 1<<20).Draw(rt, "seed")))
		found, err := vfs.ReadFile(after, "/f")
		ok(t, err)
		if len(found) < fm.shortest || len(found) > fm.longest {
			rt.Fatalf("length %d was not there since the last sync, only %d to %d", len(found), fm.shortest, fm.longest)
		}
		for i, v := range found {
			if fm.values[i]&(1<<v) == 0 {
				rt.Fatalf("byte %d is %d, which was not there since the last sync", i, v)
			}
		}
		// What was found is what the disk holds: a second crash finds the same.
		again, err := vfs.ReadFile(after.Crash(seeded(1)), "/f")
		if err != nil || !bytes.Equal(again, found) {
			rt.Fatalf("a second crash changes what the first one left: %v", err)
		}
	})
}

func TestUndurableDirectoryChangesDoNotHideErrors(t *testing.T) {
	m := memWithDir(t, "/d")
	_, err := m.Create("/")
	wantError(t, err, fs.ErrExist, "/")
	wantError(t, m.Remove("/"), fs.ErrExist, "/")
}

func BenchmarkCrashOfAStoreOfOneMebibyte(b *testing.B) {
	for i := range b.N {
		m := vfs.NewMem()
		for name := range 4 {
			f, err := m.Create(fmt.Sprint("/", name))
			if err != nil {
				b.Fatal(err)
			}
			f.Preallocate(256 << 10)
			for off := range int64(50) {
				f.WriteAt(make([]byte, 300), off*300)
			}
			f.Datasync()
			f.WriteAt(make([]byte, 5000), 15000)
		}
		m.SyncDir("/")
		m.Crash(seeded(i))
	}
}
