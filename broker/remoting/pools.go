package remoting

import "sync"

// What a busy connection needs and an idle one doesn't is lent from here. Slices that grew beyond keepBytes are left to the collector.
const keepBytes = 256 << 10

// pools are shared by the connections of one server or one client.
type pools struct {
	inboxes, batches, replies sync.Pool
}

func (p *pools) inbox() *inbox {
	if in, ok := p.inboxes.Get().(*inbox); ok {
		return in
	}
	return &inbox{buf: make([]byte, firstBytes)}
}

// putInbox takes back an inbox that holds no bytes.
func (p *pools) putInbox(in *inbox) {
	if len(in.buf) <= keepBytes && cap(in.cmds) <= keepCommands {
		p.inboxes.Put(in)
	}
}

func (p *pools) batch() *batch {
	if b, ok := p.batches.Get().(*batch); ok {
		return b
	}
	return new(batch)
}

// putBatch takes back a batch that has been reset.
func (p *pools) putBatch(b *batch) {
	if cap(b.buf) <= keepBytes && cap(b.joined) <= keepBytes && cap(b.parts) <= keepCommands {
		p.batches.Put(b)
	}
}

func (p *pools) reply() *Reply {
	if w, ok := p.replies.Get().(*Reply); ok {
		return w
	}
	return new(Reply)
}

// putReply takes back a reply whose body has been dropped.
func (p *pools) putReply(w *Reply) {
	w.c, w.err = nil, nil
	if cap(w.head) <= keepBytes && cap(w.parts) <= keepCommands {
		p.replies.Put(w)
	}
}
