package main

import (
	"container/heap"
	"math/rand/v2"
)

// model is a broker under a load that always has more for it. Times are µs, those of messages for one.
type model struct {
	cpus, connections int
	batch             int // messages that a connection has at a time
	parallel          float64
	appended          float64
	stored, read      float64 // dispatch, from memory and from the log
	handoff           float64 // from when a lock is given up until another CPU that spins for it has it
	spin              float64 // how long somebody spins before he sleeps
	wake              float64 // what it takes to wake somebody up, and again for him to be awake
}

// outcome is what a simulated broker did.
type outcome struct {
	rate                 float64 // messages per second that were appended
	logBusy, dispatching float64 // fractions of the time in which the lock was held, and somebody dispatched
	reread               float64 // fraction of the dispatched messages that were read back
	dispatched           float64 // fraction of the appended messages
}

const (
	answering    = 1.0 / 3 // the part of a batch's work that comes after its append
	dispatchStep = 230     // messages of 1 KiB after which somebody who dispatches leaves the rest to others
)

// appended is a batch that the log has.
type appended struct{ announced, shown bool }

// simulation is a model while it runs.
type simulation struct {
	model
	random *rand.Rand
	now    float64
	events events
	count  int // of events, so that those of one moment happen in the order in which they were planned

	idle  int      // CPUs with nothing to do
	ready []func() // what waits for a CPU

	log, dispatcher lock
	undone          []*appended // and not dispatched, oldest first
	announced       int         // of them
	running         bool        // the goroutine that dispatches what is left behind

	messages, dispatched, reread int
}

// simulate runs a model for some batches.
func simulate(m model, batches int) outcome {
	s := &simulation{model: m, random: rand.New(rand.NewPCG(1, uint64(m.cpus))), idle: m.cpus}
	for range m.connections {
		s.onCPU(s.serve)
	}
	for s.messages < batches*m.batch {
		e := heap.Pop(&s.events).(event)
		s.now = e.at
		e.do()
	}
	return outcome{
		rate: 1e6 * float64(s.messages) / s.now, logBusy: s.log.busy(s.now), dispatching: s.dispatcher.busy(s.now),
		reread: float64(s.reread) / float64(max(1, s.dispatched)), dispatched: float64(s.dispatched) / float64(s.messages),
	}
}

// serve has a connection that is on a CPU take its next batch.
func (s *simulation) serve() {
	work := s.random.ExpFloat64() * s.parallel * float64(s.batch)
	s.after(work*(1-answering), func() {
		s.lock(&s.log, func() {
			s.after(s.model.appended*float64(s.batch), func() {
				b := new(appended)
				s.messages += s.batch
				s.undone = append(s.undone, b)
				s.after(s.unlock(&s.log)+work*answering, func() { s.announce(b) })
			})
		})
	})
}

// announce says that a batch needn't be read back, and dispatches what was announced, unless somebody is at it.
func (s *simulation) announce(b *appended) {
	if b.shown {
		s.serve()
		return
	}
	b.announced = true
	s.announced++
	if s.dispatcher.held {
		s.serve()
		return
	}
	s.dispatcher.take(s.now)
	s.dispatch(dispatchStep, func() {
		took := s.unlock(&s.dispatcher)
		if s.announced > 0 && !s.running {
			s.running = true
			took += s.wake
			s.onCPU(func() { s.after(s.wake, s.run) })
		}
		s.after(took, s.serve)
	})
}

// run dispatches what was left behind until nothing is.
func (s *simulation) run() {
	s.lock(&s.dispatcher, func() {
		s.dispatch(dispatchStep, func() {
			took := s.unlock(&s.dispatcher)
			if s.announced > 0 {
				s.after(took, s.run)
				return
			}
			s.running = false
			s.leave()
		})
	})
}

// dispatch shows what was announced, and what the log has before that, to about n messages.
func (s *simulation) dispatch(n int, then func()) {
	if s.announced == 0 || n <= 0 {
		then()
		return
	}
	b := s.undone[0]
	s.undone = s.undone[1:]
	b.shown = true
	s.dispatched += s.batch
	cost := s.stored
	if b.announced {
		s.announced--
	} else {
		cost = s.read
		s.reread += s.batch
	}
	s.after(cost*float64(s.batch), func() { s.dispatch(n-s.batch, then) })
}

// onCPU does f as soon as a CPU is free for it.
func (s *simulation) onCPU(f func()) {
	if s.idle == 0 {
		s.ready = append(s.ready, f)
		return
	}
	s.idle--
	f()
}

// leave gives a CPU to whoever waits for one.
func (s *simulation) leave() {
	if len(s.ready) == 0 {
		s.idle++
		return
	}
	f := s.ready[0]
	s.ready = s.ready[1:]
	f()
}

// lock is a mutex.
type lock struct {
	held     bool
	since    float64
	total    float64
	spinning []*waiter
	sleeping []*waiter
}

type waiter struct {
	then func()
	got  bool
}

func (l *lock) take(now float64) { l.held, l.since = true, now }

func (l *lock) busy(now float64) float64 {
	if l.held {
		return (l.total + now - l.since) / now
	}
	return l.total / now
}

// lock does then, for somebody who is on a CPU, when he has the lock.
func (s *simulation) lock(l *lock, then func()) {
	if !l.held {
		l.take(s.now)
		then()
		return
	}
	w := &waiter{then: then}
	l.spinning = append(l.spinning, w)
	s.after(s.spin, func() {
		if w.got {
			return
		}
		for i := range l.spinning {
			if l.spinning[i] == w {
				l.spinning = append(l.spinning[:i:i], l.spinning[i+1:]...)
				break
			}
		}
		l.sleeping = append(l.sleeping, w)
		s.leave()
	})
}

// unlock gives a lock up and returns how long that takes.
func (s *simulation) unlock(l *lock) float64 {
	if len(l.spinning) > 0 {
		w := l.spinning[0]
		l.spinning = l.spinning[1:]
		w.got = true
		s.after(s.handoff, w.then)
		return 0
	}
	l.held, l.total = false, l.total+s.now-l.since
	if len(l.sleeping) == 0 {
		return 0
	}
	w := l.sleeping[0]
	l.sleeping = l.sleeping[1:]
	s.onCPU(func() { s.after(s.wake, func() { s.lock(l, w.then) }) })
	return s.wake
}

// event is something that will happen.
type event struct {
	at    float64
	order int
	do    func()
}

func (s *simulation) after(d float64, do func()) {
	s.count++
	heap.Push(&s.events, event{s.now + d, s.count, do})
}

// events implement heap.Interface, the next one first.
type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, k int) bool {
	return e[i].at < e[k].at || e[i].at == e[k].at && e[i].order < e[k].order
}
func (e events) Swap(i, k int) { e[i], e[k] = e[k], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	old := *e
	x := old[len(old)-1]
	*e = old[:len(old)-1]
	return x
}
