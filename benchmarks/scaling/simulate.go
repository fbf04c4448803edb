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
	dispatchStep = 230     // messages of 1 KiB that one step of dispatch reads back
)

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
	undone          []int // the connections whose batches are appended and not dispatched, oldest first
	running         bool  // the goroutine that dispatches what is left behind

	messages, dispatched, reread int // messages
}

// simulate runs a model for some batches.
func simulate(m model, batches int) outcome {
	s := &simulation{model: m, random: rand.New(rand.NewPCG(1, uint64(m.cpus))), idle: m.cpus}
	for c := range m.connections {
		s.onCPU(func() { s.serve(c) })
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
func (s *simulation) serve(c int) {
	work := s.random.ExpFloat64() * s.parallel * float64(s.batch)
	s.after(work*(1-answering), func() {
		s.lock(&s.log, func() {
			s.after(s.appended*float64(s.batch), func() {
				s.messages += s.batch
				s.undone = append(s.undone, c)
				s.after(s.unlock(&s.log)+work*answering, func() { s.announce(c) })
			})
		})
	})
}

// announce dispatches the batch that a connection has just appended, and what else there is, unless somebody is at it.
func (s *simulation) announce(c int) {
	if len(s.undone) == 0 || s.dispatcher.held {
		s.serve(c)
		return
	}
	s.dispatcher.take(s.now)
	var took float64
	if s.undone[0] == c {
		took = s.stored * float64(s.batch)
		s.undone = s.undone[1:]
		s.dispatched += s.batch
	}
	s.after(took+s.readBack(), func() {
		took := s.unlock(&s.dispatcher)
		if len(s.undone) > 0 && !s.running {
			s.running = true
			took += s.wake
			s.onCPU(func() { s.after(s.wake, s.run) })
		}
		s.after(took, func() { s.serve(c) })
	})
}

// run dispatches what was left behind until nothing is.
func (s *simulation) run() {
	s.lock(&s.dispatcher, func() {
		s.after(s.readBack(), func() {
			took := s.unlock(&s.dispatcher)
			if len(s.undone) > 0 {
				s.after(took, s.run)
				return
			}
			s.running = false
			s.leave()
		})
	})
}

// readBack does one step of dispatch and says how long it takes.
func (s *simulation) readBack() float64 {
	n := min(len(s.undone), max(1, dispatchStep/s.batch))
	s.undone = s.undone[n:]
	s.dispatched += n * s.batch
	s.reread += n * s.batch
	return s.read * float64(n*s.batch)
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
