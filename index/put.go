package index

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// PutRecord adds the record at logOffset, stored at storeTime (ms), under each of the hashes, which are of KeyHash or TagHash
// (negative ones count as 0). A record below what is indexed is ignored, so that the log can be replayed.
//
// Entries go to memory, and to disk with Flush, or here if memory or the file is full. An error that wraps
// vfs.ErrFull loses nothing: the same record can be put again, and goes on where it stopped. The index keeps nothing of hashes.
func (x *Index) PutRecord(logOffset, storeTime int64, hashes []int32) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if err := x.usable(); err != nil {
		return err
	}
	if logOffset < x.indexed {
		return nil
	}
	if x.partial.logOffset != logOffset {
		x.partial = partialRecord{logOffset: logOffset}
	}
	for x.partial.done < len(hashes) {
		room := x.room()
		if room == 0 {
			if err := x.makeRoom(); err != nil {
				return err
			}
			continue
		}
		rest := hashes[x.partial.done:]
		rest = rest[:min(len(rest), room)]
		for _, h := range rest {
			x.add(max(h, 0), logOffset, storeTime)
		}
		x.partial.done += len(rest)
	}
	x.partial = partialRecord{}
	x.complete = x.position()
	x.end = max(x.end, logOffset)
	x.indexed = logOffset + 1
	return nil
}

// Warm reads what PutRecord is going to read for these hashes. It lies anywhere in tens of megabytes, and to ask for one place after the
// other is to wait for memory each time: here the waits overlap. It is for the goroutine that puts, and for some dozens of hashes, so that what
// was read is in the CPU's cache when it is needed. Slots that a flush may be writing are not read, as they won't be by PutRecord.
func (x *Index) Warm(hashes []int32) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	f := x.last()
	if f == nil || f.slotMap == nil {
		return
	}
	var sum uint64
	for _, h := range hashes {
		slot := f.slotOf(max(h, 0))
		sum += x.active.look(slot)
		if x.frozen == nil || x.frozen.newest(slot) == 0 {
			sum += uint64(f.slotMap[f.slotAt(slot)])
		}
	}
	x.warmed.Store(sum) // so that the reads are made
}

// Room is how many entries can be put before some have to be written out or the next file has to be made, for which PutRecord waits;
// the first file of all is not counted as such a wait. pending is how many entries a Flush would write.
func (x *Index) Room() (room, pending int) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if x.last() == nil {
		return min(x.opt.MaxPending, int(x.layout.capacity())), 0
	}
	return x.room(), x.active.len()
}

// room is the number of entries that can be added to memory for the last file.
func (x *Index) room() int {
	f := x.last()
	if f == nil {
		return 0
	}
	return min(x.opt.MaxPending-x.active.len(), int(f.capacity()-f.header.count))
}

// add appends an entry to the last file. There must be room.
func (x *Index) add(hash int32, logOffset, storeTime int64) {
	f, p := x.last(), x.active
	slot := f.slotOf(hash)
	n := f.header.count + 1
	if p.len() == 0 {
		p.first = n
	}
	prev := p.exchange(slot, n)
	if prev == 0 && x.frozen != nil {
		prev = x.frozen.newest(slot)
	}
	if prev == 0 {
		prev = f.mappedSlot(slot)
	}
	h := &f.header
	if prev == 0 {
		h.slotsUsed++
	}
	if n == 1 {
		h.beginTime, h.endTime, h.beginOffset = storeTime, storeTime, logOffset
	}
	p.entries = appendEntry(p.entries, entry{hash: hash, logOffset: logOffset, diff: timeDiff(storeTime, h.beginTime), prev: prev})
	h.endTime = max(h.endTime, storeTime) // RocketMQ takes the last, which a clock that jumped back makes too early
	h.endOffset = logOffset
	h.count = n
}

// makeRoom writes out what is pending and begins a new file if the last one is full. It is called with mu held, and gives
// it up meanwhile.
func (x *Index) makeRoom() error {
	x.mu.Unlock()
	defer x.mu.Lock()
	x.flushMu.Lock()
	defer x.flushMu.Unlock()
	if err := x.writeOut(); err != nil {
		return err
	}
	x.mu.RLock()
	last, room := x.last(), x.room()
	x.mu.RUnlock()
	if room > 0 {
		return nil
	}
	return x.roll(last)
}

// roll begins a new file after prev, the last one or nil. flushMu is held and nothing is pending.
func (x *Index) roll(prev *file) error {
	name, err := x.nextName()
	if err != nil {
		return err
	}
	// Only the goroutine that puts changes the header of the last file, and it is here.
	f, err := createFile(x.opt.FS, x.opt.Dir, name, x.layout, followOn(prev))
	if err != nil {
		return err
	}
	if err := f.mapSlots(); err != nil {
		return errors.Join(err, f.close(), x.remove(f))
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if prev != nil {
		if err := prev.unmapSlots(); err != nil {
			x.opt.Logger.Warn("index: unmap of a full file", "file", prev.name, "error", err)
		}
	}
	if x.partial.done == 0 {
		x.complete = mark{file: name}
	}
	x.appendFile(f)
	return nil
}

// followOn is the header of an empty file after prev: it starts where prev ends, so that RocketMQ, which skips records below
// the last file's end offset, doesn't index them twice.
func followOn(prev *file) header {
	if prev == nil {
		return header{}
	}
	p := &prev.header
	return header{beginTime: p.endTime, endTime: p.endTime, beginOffset: p.endOffset, endOffset: p.endOffset}
}

// nextName is the wall-clock time in 17 digits, and higher than all names before even if the clock went back or
// two files are made within a millisecond. Nobody reads names as times: they sort, and that is all.
func (x *Index) nextName() (string, error) {
	now := x.opt.Now().In(x.opt.Location).Format("20060102150405.000")
	name := strings.Replace(now, ".", "", 1)
	if name > x.lastName {
		return name, nil
	}
	n, err := strconv.ParseInt(x.lastName, 10, 64)
	if err != nil || !isFileName(strconv.FormatInt(n+1, 10)) {
		return "", fmt.Errorf("index: no file name is left after %s", x.lastName)
	}
	return fmt.Sprintf("%017d", n+1), nil
}

func isFileName(s string) bool {
	if len(s) != 17 {
		return false
	}
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
