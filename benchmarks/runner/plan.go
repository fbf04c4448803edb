package runner

import (
	"io"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/gantry-mq/gantry/benchmarks/generator"
	"github.com/gantry-mq/gantry/benchmarks/procfs"
	"github.com/gantry-mq/gantry/benchmarks/report"
)

// Plan says what is measured.
type Plan struct {
	Subjects []Subject
	Loads    []Load
	Rounds   int
	Dir      string // for the servers' data; empty directories in it are made, and removed at the end
	KeepLogs string // directory that keeps the HdrHistogram logs; "": nowhere
	Progress io.Writer

	// CPUTimes tells the machine's CPU times. Tests replace procfs.ReadCPUTimes.
	CPUTimes func() (procfs.CPUTimes, error)

	left []string // directories of rounds that are over
}

// Subject is something that is measured: a server and the program that drives it, or a program that measures by itself.
//
// A server prints one line that begins with "ready " or contains " ready ", with words KEY=VALUE: addr or broker is where
// the driver goes, pid the process to measure where that isn't the one that was started. It ends on SIGTERM with status 0.
type Subject struct {
	Name   string
	Title  string
	Config string   // how it is configured and why so, for people
	Serve  []string // command line of the server, where {data} stands for its directory. None: the driver measures by itself
	Drive  []string // command line of the driver, up to the mode
	Absent string   // why it can't be measured; "": it can
}

// Load is work that is put on several subjects, and what is measured of it.
type Load struct {
	ID       string
	Title    string
	Scenario Scenario
	Mode     string   // of the driver
	Flags    []string // of the driver; {data} as in Subject
	Entries  []Entry
	Metrics  []Metric
	Within   time.Duration // bounds each single step; 0: DefaultWithin
	Series   string        // loads of one series differ in one number
	X        float64
	Line     bool // the first metric of a series is expected to be a + b·X
}

// Scenario is what is done to a subject in a round.
type Scenario int

const (
	// Drive starts the server and runs the driver once.
	Drive Scenario = iota
	// Idle starts the server and lets it be for a moment.
	Idle
	// Restart fills the server by the driver, stops it, starts it, kills it and starts it again.
	Restart
)

// DefaultWithin bounds a step of a round.
const DefaultWithin = 5 * time.Minute

// Entry is a subject's part in a load.
type Entry struct {
	Subject string
	Serve   []string // added to the server's command line
	Mode    string   // instead of the load's
	Flags   []string // with Mode: instead of the load's; else added to them
	Rounds  int      // at most so many, where a round takes too long; 0: all
	Env     []string // NAME=VALUE, added to the server's environment
	Quota   *Quota   // what the server may use
}

// Metric is a figure of a load.
type Metric struct {
	ID        string // after the load's id
	Title     string
	Unit      string
	Higher    bool // is better
	Of        func(*Trial) (value float64, ok bool)
	Reference string // the subject that the others are compared with; "": none
	Goals     []Goal
}

// Goal is a limit for the first entry of a load: Absolute + Σ Terms.
type Goal struct {
	Text     string
	Absolute float64
	Terms    []Term
	Only     bool // report what part of it is reached; it is no goal
}

// Term is a multiple of what a subject reached.
type Term struct {
	Factor  float64
	Subject string
	Row     string // LOAD/METRIC; "": the goal's own row
}

// Trial is what one round of a subject gave.
type Trial struct {
	Round     int
	Version   string                  // of the server, where its ready line says version=
	Ready     time.Duration           // from the start of the process to its ready line
	Report    *generator.Report       // of the driver, nil without one
	Latencies *hdrhistogram.Histogram // its main histogram, in nanoseconds; nil if it wrote none
	RSSIdle   int64                   // anonymous memory before the load
	RSSPeak   int64                   // the most that was seen under it
	Written   int64                   // bytes to the device
	ServerCPU time.Duration           // under the load; in Idle: while nothing happened
	Refused   int64                   // requests that the server answered with an error, those of the warm-up among them
	Steal     float64
	Throttled float64 // with a quota: the part of its periods that the server had used up
	Attempts  int

	// Of Restart.
	Stop, CleanStart, KilledStart time.Duration
}

// MaxSteal is the part of the CPUs' time that others may take in a round; a round in which they take more is repeated.
const MaxSteal = 0.10

// maxAttempts is how often a round is done at most.
const maxAttempts = 4

func (p *Plan) subject(name string) *Subject {
	for i := range p.Subjects {
		if p.Subjects[i].Name == name {
			return &p.Subjects[i]
		}
	}
	return nil
}

func (p *Plan) describe() []report.Subject {
	var out []report.Subject
	for _, s := range p.Subjects {
		out = append(out, report.Subject{Name: s.Name, Title: s.Title, Config: s.Config, Serve: show(s.Serve), Absent: s.Absent})
	}
	return out
}
