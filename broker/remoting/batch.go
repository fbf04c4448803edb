package remoting

import "net"

// batch is a run of frames on their way out: bytes of our own with slices of others' cut in.
type batch struct {
	buf       []byte
	cuts      []cut
	parts     [][]byte
	releasers []Releaser
	sizeBytes int

	rest net.Buffers // what isn't written yet, once load has been called
	all  net.Buffers // the list that rest was cut from, kept for its capacity
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

// reset releases the parts and empties the batch.
func (b *batch) reset() {
	for _, r := range b.releasers {
		r.Release()
	}
	clear(b.releasers)
	clear(b.parts)
	clear(b.all)
	*b = batch{buf: b.buf[:0], cuts: b.cuts[:0], parts: b.parts[:0], releasers: b.releasers[:0], all: b.all[:0]}
}
