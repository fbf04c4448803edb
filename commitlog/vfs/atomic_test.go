package vfs_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// crashAtEach runs write on a copy of the same start again and again, with a power loss before its first, second, …
// operation and, in the end, behind the last one, each with several seeds. done tells whether write returned.
func crashAtEach(t *testing.T, start func(m *vfs.Mem), write func(fsys vfs.FS) error, check func(after *vfs.Mem, done bool)) {
	t.Helper()
	for stop := 0; ; stop++ {
		var err error
		for seed := range 60 {
			m := memWithDir(t, "/d")
			start(m)
			m.SetWriteBack(seeded(seed), 0.2)
			var after *vfs.Mem
			ops := 0
			err = write(vfs.Fault(m, func(vfs.Op) error {
				if ops++; ops > stop && after == nil {
					after = m.Crash(seeded(seed))
				}
				return nil
			}))
			if after == nil {
				ok(t, err)
				after = m.Crash(seeded(seed))
			}
			check(after, err == nil)
		}
		if err == nil {
			if stop < 5 {
				t.Fatalf("only %d operations", stop)
			}
			return
		}
	}
}

func TestWriteFileAtomicLeavesOldOrNewAtEveryPowerLoss(t *testing.T) {
	long := strings.Repeat("new ", 3000)
	crashAtEach(t,
		func(m *vfs.Mem) { ok(t, vfs.WriteFileAtomic(m, "/d/f", []byte("old"))) },
		func(fsys vfs.FS) error { return vfs.WriteFileAtomic(fsys, "/d/f", []byte(long)) },
		func(after *vfs.Mem, done bool) {
			got, err := vfs.ReadFile(after, "/d/f")
			ok(t, err)
			if s := string(got); s != long && (done || s != "old") {
				t.Fatalf("found %.20q…, done %v", s, done)
			}
		})
}

func whole(b []byte) bool { return len(b) > 0 && b[len(b)-1] == '.' }

func TestWriteFileWithBackupLeavesOneOfTheTwoWholeAtEveryPowerLoss(t *testing.T) {
	for name, start := range map[string]func(m *vfs.Mem){
		"both whole": func(m *vfs.Mem) {
			ok(t, vfs.WriteFileWithBackup(m, "/d/f", []byte("older.")))
			ok(t, vfs.WriteFileWithBackup(m, "/d/f", []byte("old.")))
		},
		// What a power loss in the middle of a RocketMQ broker's write leaves.
		"torn beside a whole backup": func(m *vfs.Mem) {
			ok(t, vfs.WriteFileAtomic(m, "/d/f", []byte("to")))
			ok(t, vfs.WriteFileAtomic(m, "/d/f.bak", []byte("old.")))
		},
		"backup only": func(m *vfs.Mem) { ok(t, vfs.WriteFileAtomic(m, "/d/f.bak", []byte("old."))) },
	} {
		t.Run(name, func(t *testing.T) {
			crashAtEach(t, start,
				func(fsys vfs.FS) error { return vfs.WriteFileWithBackup(fsys, "/d/f", []byte("new.")) },
				func(after *vfs.Mem, done bool) {
					got, err := vfs.ReadFileOrBackup(after, "/d/f", whole)
					ok(t, err)
					if s := string(got); s != "new." && (done || s != "old.") {
						t.Fatalf("found %q, done %v", s, done)
					}
				})
		})
	}
}

func TestWriteFileWithBackupKeepsTheFormerContent(t *testing.T) {
	onEach(t, func(t *testing.T, fsys vfs.FS, dir string) {
		name := dir + "/f"
		ok(t, vfs.WriteFileWithBackup(fsys, name, []byte("1")))
		wantMissing(t, fsys, name+".bak")
		ok(t, vfs.WriteFileWithBackup(fsys, name, []byte("2")))
		ok(t, vfs.WriteFileWithBackup(fsys, name, []byte("2"))) // must not cost the "1"
		wantContent(t, fsys, name, "2")
		wantContent(t, fsys, name+".bak", "1")
		wantMissing(t, fsys, name+".tmp")
		ok(t, vfs.WriteFileAtomic(fsys, name, nil))
		ok(t, vfs.WriteFileWithBackup(fsys, name, []byte("3")))
		wantContent(t, fsys, name+".bak", "1") // nor an empty file
	})
}

func TestReadFileOrBackupTakesTheFirstUsableOne(t *testing.T) {
	for _, c := range []struct{ name, file, backup, want string }{
		{"both", "a.", "b.", "a."},
		{"no backup", "a.", "-", "a."},
		{"missing", "-", "b.", "b."},
		{"empty", "", "b.", "b."},
		{"torn", "a", "b.", "b."},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := memWithDir(t, "/d")
			for name, content := range map[string]string{"/d/f": c.file, "/d/f.bak": c.backup} {
				if content != "-" {
					create(t, m, name, content)
				}
			}
			got, err := vfs.ReadFileOrBackup(m, "/d/f", whole)
			if string(got) != c.want || err != nil {
				t.Errorf("%q, %v, want %q", got, err, c.want)
			}
		})
	}
}

func TestReadFileOrBackupSaysWhyThereIsNothing(t *testing.T) {
	m := memWithDir(t, "/d")
	_, err := vfs.ReadFileOrBackup(m, "/d/f", whole)
	wantError(t, err, fs.ErrNotExist, "/d/f")

	create(t, m, "/d/f", "torn")
	_, err = vfs.ReadFileOrBackup(m, "/d/f", whole)
	wantError(t, err, vfs.ErrDamaged, "/d/f")

	create(t, m, "/d/f.bak", "old.")
	failing := vfs.Fault(m, func(op vfs.Op) error {
		if op.Kind == vfs.OpRead && op.Name == "/d/f" {
			return vfs.ErrIO
		}
		return nil
	})
	_, err = vfs.ReadFileOrBackup(failing, "/d/f", whole)
	wantError(t, err, vfs.ErrIO, "/d/f")
}

func TestAFailedWriteFileAtomicLeavesTheOldContentAndNoTemporaryFile(t *testing.T) {
	for _, kind := range []vfs.OpKind{vfs.OpCreate, vfs.OpWrite, vfs.OpSync, vfs.OpClose, vfs.OpRename} {
		m := memWithDir(t, "/d")
		ok(t, vfs.WriteFileAtomic(m, "/d/f", []byte("old")))
		fsys := vfs.Fault(m, func(op vfs.Op) error {
			if op.Kind == kind {
				return vfs.ErrFull
			}
			return nil
		})
		if err := vfs.WriteFileAtomic(fsys, "/d/f", []byte("new")); !errors.Is(err, vfs.ErrFull) {
			t.Errorf("%s: %v", kind, err)
		}
		wantContent(t, m, "/d/f", "old")
		wantMissing(t, m, "/d/f.tmp")
	}
}
