package vfs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"

	"github.com/gantry-mq/gantry/commitlog/seeded"
)

// TempSuffix and BackupSuffix are what the helpers below append to a file's name: for the new content while it is
// being written, and for the former one.
const (
	TempSuffix   = ".tmp"
	BackupSuffix = ".bak"
)

// ReadFile reads a whole file. The slice is the caller's.
func ReadFile(fsys FS, name string) ([]byte, error) {
	f, err := fsys.OpenReadOnly(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	data := make([]byte, size)
	n, err := f.ReadAt(data, 0)
	if err != nil && err != io.EOF { // EOF: it was cut since
		return nil, err
	}
	return data[:n], nil
}

// WriteFileAtomic replaces a file's content, or makes the file: after a power loss at any moment the file has the old
// content or the new one (or, if there was none, may be missing), and once it returns nil it has the new one.
// One caller at a time per name. If it fails, the file may already have the new content, but perhaps not durably.
func WriteFileAtomic(fsys FS, name string, data []byte) error {
	tmp := name + TempSuffix
	if err := writeFileSynced(fsys, tmp, data); err != nil {
		return errors.Join(err, removeIfThere(fsys, tmp)) // on a full disk its blocks are needed elsewhere
	}
	if err := fsys.Rename(tmp, name); err != nil {
		return errors.Join(err, removeIfThere(fsys, tmp))
	}
	return fsys.SyncDir(path.Dir(name))
}

func writeFileSynced(fsys FS, name string, data []byte) error {
	f, err := fsys.Create(name)
	if err != nil {
		return err
	}
	if _, err := f.WriteAt(data, 0); err != nil {
		return errors.Join(err, f.Close())
	}
	if seeded.Is(seeded.RenameBeforeSync) {
		return f.Close()
	}
	if err := f.Sync(); err != nil {
		return errors.Join(err, f.Close())
	}
	return f.Close()
}

func removeIfThere(fsys FS, name string) error {
	if err := fsys.Remove(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// WriteFileWithBackup is WriteFileAtomic that keeps the former content in name.bak, where ReadFileOrBackup and a
// RocketMQ broker look for it. If one of the two files was whole before, one is at every moment after.
//
// RocketMQ moves the file to .bak first and then writes a new one. That loses both when the file it moves over a good
// backup is itself torn, as an earlier power loss may have left it, and the power fails again before the new one is
// complete. Hence the other order here: the backup is replaced only when the new content is durable.
func WriteFileWithBackup(fsys FS, name string, data []byte) error {
	former, err := ReadFile(fsys, name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := WriteFileAtomic(fsys, name, data); err != nil {
		return err
	}
	if len(former) == 0 || bytes.Equal(former, data) {
		return nil // the backup that is there says more
	}
	return WriteFileAtomic(fsys, name+BackupSuffix, former)
}

// ReadFileOrBackup reads name, or name.bak if name is missing, empty or not valid. A nil valid accepts any content.
// If both files are missing the error is fs.ErrNotExist; if what is there is not usable it is ErrDamaged. An error of
// the device is returned as it is: an older state must not take the place of one that may be readable later.
func ReadFileOrBackup(fsys FS, name string, valid func([]byte) bool) ([]byte, error) {
	damaged := false
	for _, candidate := range []string{name, name + BackupSuffix} {
		data, err := ReadFile(fsys, candidate)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return nil, err
		case len(data) > 0 && (valid == nil || valid(data)):
			return data, nil
		}
		damaged = true
	}
	if damaged {
		return nil, fmt.Errorf("vfs: read %s: neither it nor %s has usable content: %w", name, path.Base(name)+BackupSuffix, ErrDamaged)
	}
	return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
}
