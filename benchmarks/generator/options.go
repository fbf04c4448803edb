package generator

import (
	"errors"
	"flag"
	"fmt"
	"strings"
	"time"
)

const (
	maxFrameBytes = 16 << 20 // what a broker accepts by default
	maxInFlight   = 4096     // answers to a full window must fit in socket buffers: a connection writes before it reads
	maxRate       = 1_000_000
	maxGroups     = 1_000_000
)

// Options say what load to put on which broker.
type Options struct {
	Mode          string        // one of Modes
	Addr          string        // host:port of the broker
	Topic         string        // created, or changed to Queues queues, before the load starts
	Queues        int           // queues of the topic, used in turn
	SizeBytes     int           // bytes of a body
	Connections   int           // TCP connections; in ModeLatency the consumers', the sender has one more
	InFlight      int           // requests without an answer on each connection; unused where Rate paces them
	Count         int64         // measured sends; 0: as many as Duration allows
	Duration      time.Duration // how long measured sends start, unused with Count; how long ModeConnections holds
	Warmup        time.Duration // load before the measured part
	AnswerTimeout time.Duration // a connection without any answer for so long fails
	NoFill        bool          // ModePull: pull what the topic holds instead of filling it with Count messages first
	Passes        int           // ModePull: how often the backlog is pulled
	Groups        int           // ModePull: consumer groups that pull in turn; several commit offsets, too; 0: one
	Rate          int           // ModeLatency: sends per second
	NoReceive     bool          // ModeLatency: only the sends, nobody receives them
	Topics        int           // ModeTopics: how many; Topic is the beginning of their names, Count the messages for each, 0: one
	Namesrv       string        // ModeTopics: host:port of the name server to ask for their routes; "": none
	PID           int           // process of the broker on this machine, for its CPU time and memory; 0: unknown
}

// Register adds a flag per option, other than Mode, to fs and sets the defaults.
func (o *Options) Register(fs *flag.FlagSet) {
	fs.StringVar(&o.Addr, "addr", "127.0.0.1:10911", "`host:port` of the broker")
	fs.StringVar(&o.Topic, "topic", "bench", "`topic` to create and send to; nobody else may write to it")
	fs.IntVar(&o.Queues, "queues", 8, "`number` of queues of the topic")
	fs.IntVar(&o.SizeBytes, "size", 1024, "`bytes` of a message's body")
	fs.IntVar(&o.Connections, "connections", 4, "`number` of connections")
	fs.IntVar(&o.InFlight, "in-flight", 64, "`number` of unanswered requests on each connection")
	fs.Int64Var(&o.Count, "count", 0, "stop after this `number` of measured messages instead of after --duration")
	fs.DurationVar(&o.Duration, "duration", 10*time.Second, "how `long` to send after the warm-up, or to hold connections")
	fs.DurationVar(&o.Warmup, "warmup", 2*time.Second, "how `long` to send before measuring")
	fs.DurationVar(&o.AnswerTimeout, "answer-timeout", 30*time.Second, "give up when a connection brings no answer for so `long`")
	fs.BoolVar(&o.NoFill, "no-fill", false, "pull: what the topic holds, messages of --size, instead of --count new ones")
	fs.IntVar(&o.Passes, "passes", 1, "pull: this `number` of times")
	fs.IntVar(&o.Groups, "groups", 1, "pull: this `number` of consumer groups pull in turn; several commit their offsets, too")
	fs.IntVar(&o.Rate, "rate", 5000, "latency: `number` of sends per second")
	fs.BoolVar(&o.NoReceive, "no-receive", false, "latency: only of the sends; nobody receives them")
	fs.IntVar(&o.Topics, "topics", 10_000, "topics: `number` of topics")
	fs.StringVar(&o.Namesrv, "namesrv", "", "topics: `host:port` of the name server to ask for all routes")
	fs.IntVar(&o.PID, "pid", 0, "process `id` of the broker on this machine: reports its CPU time and memory")
}

// ValidateAs is Validate for a driver of another server, whose mode takes the options of one of Modes.
func (o *Options) ValidateAs(mode string) error {
	as := *o
	as.Mode = mode
	return as.Validate()
}

// Validate returns what is wrong with the options, all of it.
func (o *Options) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("generator: "+format, args...))
		}
	}
	check(o.loadOf() != nil, "mode %q, expected one of %s", o.Mode, strings.Join(Modes(), ", "))
	check(o.Addr != "", "no broker address")
	check(o.Topic != "", "no topic")
	check(o.Queues > 0, "queues %d, expected at least 1", o.Queues)
	check(o.SizeBytes >= 0 && o.SizeBytes <= maxFrameBytes/2, "size %d, expected 0 … %d bytes", o.SizeBytes, maxFrameBytes/2)
	check(o.Connections > 0 && o.Connections <= 1<<16, "connections %d, expected 1 … %d", o.Connections, 1<<16)
	check(o.InFlight > 0 && o.InFlight <= maxInFlight, "in-flight %d, expected 1 … %d", o.InFlight, maxInFlight)
	check(o.Count >= 0, "count %d, expected 0 or more", o.Count)
	check(o.Mode == ModePull || o.Mode == ModeTopics || o.Count > 0 || o.Duration > 0, "duration %v, expected more than 0", o.Duration)
	check(o.Warmup >= 0, "warm-up %v, expected 0 or more", o.Warmup)
	check(o.AnswerTimeout > 0, "answer timeout %v, expected more than 0", o.AnswerTimeout)
	switch o.Mode {
	case ModePull:
		check(o.Passes > 0, "passes %d, expected at least 1", o.Passes)
		check(o.Groups >= 0 && o.Groups <= maxGroups, "groups %d, expected at most %d", o.Groups, maxGroups)
		check(o.Count > 0 || o.NoFill, "count %d, expected how many messages to pull", o.Count)
		check(o.Connections <= o.Queues, "connections %d, expected no more than the %d queues", o.Connections, o.Queues)
	case ModeTopics:
		check(o.Topics > 0 && o.Topics <= 1_000_000, "topics %d, expected 1 … 1000000", o.Topics)
		check(o.Count <= 1_000_000, "count %d, expected at most 1000000 messages for each topic", o.Count)
	case ModeLatency:
		check(o.Rate > 0 && o.Rate <= maxRate, "rate %d, expected 1 … %d", o.Rate, maxRate)
		check(o.Rate <= 0 || o.AnswerTimeout > time.Second/time.Duration(o.Rate), "answer timeout %v, expected more than the time between two sends", o.AnswerTimeout)
		check(o.SizeBytes >= stampBytes, "size %d, expected at least %d bytes", o.SizeBytes, stampBytes)
		check(o.Connections <= o.Queues, "connections %d, expected no more than the %d queues", o.Connections, o.Queues)
		check(o.sendsIn(o.Warmup)+max(o.Count, o.sendsIn(o.Duration)) < opaqueSpan, "more than %d sends", int64(opaqueSpan))
	}
	return errors.Join(errs...)
}

// suspend is how long the broker may hold a pull: as long as for RocketMQ's clients, but in time for AnswerTimeout.
func (o *Options) suspend() time.Duration { return min(15*time.Second, o.AnswerTimeout/2) }

// Applies tells whether a mode looks at the flag of that name.
func Applies(mode, flag string) bool {
	switch flag {
	case "topic", "queues", "size", "count":
		return mode != ModeConnections
	case "in-flight":
		return mode != ModeConnections && mode != ModeLatency
	case "duration":
		return mode != ModePull && mode != ModeTopics
	case "warmup":
		return mode != ModeTopics && mode != ModeConnections
	case "no-fill", "passes", "groups":
		return mode == ModePull
	case "rate", "no-receive":
		return mode == ModeLatency
	case "topics", "namesrv":
		return mode == ModeTopics
	}
	return true
}
