package commitlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"

	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// A checkpoint file has checkpointSize bytes, of which the first checkpointUsed are in use.
const (
	checkpointSize = 4096
	checkpointUsed = 48
)

// Checkpoint is the content of a store's `checkpoint` file, in the form that RocketMQ 5.4 and later give it: six
// big-endian 64-bit numbers, then zeros. Zero in a field says "not known", which is normal for a store that lived
// for less than a minute.
type Checkpoint struct {
	LogTimestamp   int64 // ms: store time of the newest flushed message
	QueueTimestamp int64 // ms: store time of the newest message whose queue unit is flushed
	IndexTimestamp int64 // ms: store time of the newest message in a flushed index file
	MasterFlushed  int64 // log offset
	Confirmed      int64 // log offset
	QueueLogOffset int64 // log offset of the newest message whose queue unit is flushed
}

func (c *Checkpoint) fields() [6]*int64 {
	return [6]*int64{&c.LogTimestamp, &c.QueueTimestamp, &c.IndexTimestamp, &c.MasterFlushed, &c.Confirmed, &c.QueueLogOffset}
}

// DecodeCheckpoint reads the content of a checkpoint file; shorter ones of older versions have zeros for what they lack.
func DecodeCheckpoint(b []byte) Checkpoint {
	var c Checkpoint
	for i, f := range c.fields() {
		if len(b) >= 8*(i+1) {
			*f = int64(binary.BigEndian.Uint64(b[8*i:]))
		}
	}
	return c
}

// Encode is the content of the file.
func (c Checkpoint) Encode() []byte {
	b := make([]byte, checkpointSize)
	for i, f := range c.fields() {
		binary.BigEndian.PutUint64(b[8*i:], uint64(*f))
	}
	return b
}

// ReadCheckpoint reads the file; one that isn't there is the zero Checkpoint.
func ReadCheckpoint(fsys vfs.FS, name string) (Checkpoint, error) {
	f, err := fsys.OpenReadOnly(name)
	if errors.Is(err, fs.ErrNotExist) {
		return Checkpoint{}, nil
	}
	if err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint: %w", err)
	}
	defer f.Close()
	b := make([]byte, checkpointUsed)
	n, err := f.ReadAt(b, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return Checkpoint{}, fmt.Errorf("checkpoint %s: %w", name, err)
	}
	return DecodeCheckpoint(b[:n]), nil
}

// WriteCheckpoint writes the file in place, as the peer does: the fields lie in one disk sector, which a power loss
// leaves either old or new. The caller has made durable what the fields speak of.
func WriteCheckpoint(fsys vfs.FS, name string, c Checkpoint) (err error) {
	f, err := fsys.Open(name)
	created := errors.Is(err, fs.ErrNotExist)
	if created {
		f, err = fsys.Create(name)
	}
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	defer func() {
		if e := f.Close(); err == nil && e != nil {
			err = fmt.Errorf("checkpoint %s: %w", name, e)
		}
	}()
	b := c.Encode()
	if !created {
		b = b[:checkpointUsed]
	}
	if _, err = f.WriteAt(b, 0); err == nil {
		err = f.Sync()
	}
	if err == nil && created {
		err = fsys.SyncDir(path.Dir(name))
	}
	if err != nil {
		return fmt.Errorf("checkpoint %s: %w", name, err)
	}
	return nil
}
