package consumequeue

import "sync"

// bufferSizes are the capacities of pooled buffers. A queue's tail begins with the smallest, so that many queues with
// little traffic each cost little, and moves up to its layout's largest.
var bufferSizes = [...]int{256, 1024, 4096, 32768}

// buffer is a pooled byte slice. The pointer to it is what goes in and out of the pool without an allocation.
type buffer struct {
	b     []byte
	class int
}

// buffers hands out buffers. Safe for concurrent use.
type buffers struct {
	pools [len(bufferSizes)]sync.Pool
}

// get returns an empty buffer with room for n bytes, n ≤ the largest size.
func (p *buffers) get(n int) *buffer {
	class := 0
	for bufferSizes[class] < n {
		class++
	}
	if b, ok := p.pools[class].Get().(*buffer); ok {
		return b
	}
	return &buffer{b: make([]byte, 0, bufferSizes[class]), class: class}
}

func (p *buffers) put(b *buffer) {
	b.b = b.b[:0]
	p.pools[b.class].Put(b)
}

// grow returns a buffer with b's content and room for n bytes in all; b must not be used any more.
func (p *buffers) grow(b *buffer, n int) *buffer {
	larger := p.get(max(n, bufferSizes[b.class]+1))
	larger.b = append(larger.b, b.b...)
	p.put(b)
	return larger
}
