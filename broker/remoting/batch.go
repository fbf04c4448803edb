package remoting

import (
	"net"
	"slices"
)

// batch is a run of frames on their way out: bytes of our own with slices of others' cut in.
type batch struct {
	buf       []byte
	cuts      []cut
	parts     [][]byte
	releasers []Releaser
	sizeBytes int

	rest net.Buffers // what isn't written yet, once load has been called
	all  net.Buffers // the list that rest was cut from, kept for its capacity

	joined []byte // what join has copied together
}

// cut says that parts up to index parts follow buf[:at].
type cut struct{ at, parts int }

// add appends a sealed frame. The parts and the duty to release them move from w to b.
func (b *batch) add(w *Reply) {
	b.buf = append(append(b.buf, w.head...), w.body...)
	if len(w.parts) > 0 {
		b.parts = append(b.parts, w.parts...)
		b.cuts = append(b.cuts, cut{len(b.buf), len(b.parts)})
	}
	b.releasers = append(b.releasers, w.releasers...)
	b.sizeBytes += len(w.head) + len(w.body) + w.partBytes
	w.forget()
}

// load lists what is to be written.
func (b *batch) load() {
	b.all = b.all[:0]
	at, part := 0, 0
	for _, c := range b.cuts {
		if at < c.at {
			b.all = append(b.all, b.buf[at:c.at])
		}
		b.all = append(b.all, b.parts[part:c.parts]...)
		at, part = c.at, c.parts
	}
	if at < len(b.buf) {
		b.all = append(b.all, b.buf[at:])
	}
	b.rest = b.all
}

// recordBytes is the most that a record of TLS holds.
const recordBytes = 16 << 10

// join copies neighbours together that are smaller than a record of TLS. Over TLS each slice becomes a record at least, which is a system call.
func (b *batch) join() {
	if len(b.rest) < 2 {
		return
	}
	size := 0
	for _, p := range b.rest {
		if len(p) < recordBytes {
			size += len(p)
		}
	}
	b.joined = slices.Grow(b.joined[:0], size) // it doesn't move any more: slices of it go into the list
	list, from := b.all[:0], 0
	for _, p := range b.rest {
		if len(p) < recordBytes {
			b.joined = append(b.joined, p...)
			continue
		}
		if from < len(b.joined) {
			list = append(list, b.joined[from:])
			from = len(b.joined)
		}
		list = append(list, p)
	}
	if from < len(b.joined) {
		list = append(list, b.joined[from:])
	}
	clear(b.all[len(list):])
	b.all, b.rest = list, list
}

// reset releases the parts and empties the batch.
func (b *batch) reset() {
	for _, r := range b.releasers {
		r.Release()
	}
	clear(b.releasers)
	clear(b.parts)
	clear(b.all)
	*b = batch{buf: b.buf[:0], cuts: b.cuts[:0], parts: b.parts[:0], releasers: b.releasers[:0], all: b.all[:0], joined: b.joined[:0]}
}
