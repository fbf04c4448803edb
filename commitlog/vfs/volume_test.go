package vfs_test

import (
	"errors"
	"io/fs"
	"path"
	"syscall"
	"testing"

	"github.com/gantry-mq/gantry/commitlog/vfs"
)

func TestVolumeSyncsOrSaysThatItCannot(t *testing.T) {
	onEach(t, func(t *testing.T, fsys vfs.FS, dir string) {
		_, err := fsys.OpenVolume(path.Join(dir, "no"))
		wantError(t, err, fs.ErrNotExist, "no")
		v, err := fsys.OpenVolume(dir)
		if errors.Is(err, errors.ErrUnsupported) {
			t.Skip(err)
		}
		ok(t, err)
		create(t, fsys, path.Join(dir, "f"), "x")
		ok(t, v.Sync())
		ok(t, v.Close())
	})
}

func TestMkdirMakesOneDirectory(t *testing.T) {
	onEach(t, func(t *testing.T, fsys vfs.FS, dir string) {
		name := path.Join(dir, "a")
		wantError(t, fsys.Mkdir(path.Join(name, "b")), fs.ErrNotExist, "a/b")
		ok(t, fsys.Mkdir(name))
		ok(t, fsys.Mkdir(name))
		create(t, fsys, path.Join(name, "f"), "")
		wantError(t, fsys.Mkdir(path.Join(name, "f")), fs.ErrExist, "f")
		wantError(t, fsys.Mkdir(path.Join(name, "f", "d")), syscall.ENOTDIR, "f")
	})
}

func TestVolumeSyncMakesEverythingDurable(t *testing.T) {
	found := outcomes(t, func(m *vfs.Mem) {
		f := durableFile(t, m, "/d/f", "old")
		write(t, f, "new", 0)
		durableFile(t, m, "/d/gone", "x")
		ok(t, m.Remove("/d/gone"))
		ok(t, m.Mkdir("/d/dir"))
		create(t, m, "/d/dir/g", "content")
		v, err := m.OpenVolume("/d")
		ok(t, err)
		ok(t, v.Sync())
		write(t, f, "more", 4096) // isn't
	}, func(m *vfs.Mem) string {
		return contentOf("/d/f")(m)[:3] + " " + contentOf("/d/gone")(m) + " " + contentOf("/d/dir/g")(m)
	})
	wantOutcomes(t, found, "new gone content")
}

func TestMkdirWithoutSyncDirMayBeLost(t *testing.T) {
	found := outcomes(t, func(m *vfs.Mem) {
		ok(t, m.Mkdir("/d/dir"))
		durableFile(t, m, "/d/dir/f", "x")
	}, contentOf("/d/dir/f"))
	wantOutcomes(t, found, "gone", "x")
}
