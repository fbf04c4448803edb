package meta

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	iofs "io/fs"
	"log/slog"
	"path"
	"strconv"

	"github.com/gantry-mq/gantry/broker/remoting/fastjson"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// Options are what every table takes.
type Options struct {
	FS     vfs.FS
	Dir    string       // the config directory; it is made if need be
	Logger *slog.Logger // nil: silent
}

// file is the place of one table on disk.
type file struct {
	fs   vfs.FS
	name string
	log  *slog.Logger
}

func (o Options) file(name string) file {
	log := o.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return file{fs: o.FS, name: path.Join(o.Dir, name), log: log}
}

// exists tells whether the file or its backup is there.
func (f file) exists() bool {
	for _, name := range []string{f.name, f.name + vfs.BackupSuffix} {
		if _, err := f.fs.Stat(name); err == nil {
			return true
		}
	}
	return false
}

// load reads f, or its backup, into a new T. It returns nil when there is neither, and an error that wraps
// vfs.ErrDamaged when there is only damage.
func load[T any](f file) (*T, error) {
	var out *T
	var refused error
	_, err := vfs.ReadFileOrBackup(f.fs, f.name, func(data []byte) bool {
		v := new(T)
		if err := decode(data, v); err != nil {
			refused = errors.Join(refused, err)
			return false
		}
		out = v
		return true
	})
	switch {
	case errors.Is(err, iofs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("meta: %w", errors.Join(err, refused))
	case refused != nil:
		f.log.Warn("meta: the file is damaged, its backup is used", "file", f.name, "reason", refused)
	}
	// A process that died may have renamed the file and not made that durable. What is stored from here on builds on it.
	if err := f.fs.SyncDir(path.Dir(f.name)); err != nil {
		return nil, fmt.Errorf("meta: %w", err)
	}
	return out, nil
}

// save replaces f durably.
func (f file) save(v any) error {
	data, err := encode(v)
	if err != nil {
		return fmt.Errorf("meta: %s: %w", f.name, err)
	}
	if err := f.fs.MkdirAll(path.Dir(f.name)); err != nil {
		return fmt.Errorf("meta: %s: %w", f.name, err)
	}
	if err := vfs.WriteFileWithBackup(f.fs, f.name, data); err != nil {
		return fmt.Errorf("meta: %s: %w", f.name, err)
	}
	return nil
}

const (
	sumPrefix = "{\n\t\"crc32c\":\""
	sumDigits = 8
	sumSuffix = "\","
)

// encode is v, a struct, as JSON with the checksum as its first member.
func encode(v any) ([]byte, error) {
	body, err := json.MarshalIndent(v, "", "\t")
	if err != nil {
		return nil, err
	}
	body = append(bytes.TrimPrefix(body, []byte("{")), '\n')
	sum := crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli))
	return append(fmt.Appendf(nil, "%s%08x%s", sumPrefix, sum, sumSuffix), body...), nil
}

func decode(data []byte, v any) error {
	if rest, ok := bytes.CutPrefix(data, []byte(sumPrefix)); ok {
		if len(rest) < sumDigits+len(sumSuffix) || string(rest[sumDigits:sumDigits+len(sumSuffix)]) != sumSuffix {
			return errors.New("the checksum is cut")
		}
		want, err := strconv.ParseUint(string(rest[:sumDigits]), 16, 32)
		if err != nil {
			return fmt.Errorf("the checksum: %w", err)
		}
		body := rest[sumDigits+len(sumSuffix):]
		if got := crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)); got != uint32(want) {
			return fmt.Errorf(`CRC %08x of the content, %08x expected (after an edit by hand, remove the line "crc32c")`, got, want)
		}
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return errors.New("empty")
	}
	return fastjson.Unmarshal(data, v)
}
