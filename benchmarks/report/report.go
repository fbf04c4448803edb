// Package report is what a comparison of subjects writes down: as JSON, as Markdown with plots, and in the index of all of them.
package report

import (
	"time"

	"github.com/gantry-mq/gantry/benchmarks/procfs"
	"github.com/gantry-mq/gantry/benchmarks/stats"
)

// Report is one run of the comparison. As JSON it is stable: the history is drawn from the reports of different commits.
type Report struct {
	Name     string         `json:"name"`
	Started  time.Time      `json:"started"`
	Seconds  float64        `json:"seconds"`
	Command  string         `json:"command"` // that makes such a report
	Commit   string         `json:"commit"`
	Modified bool           `json:"modified,omitempty"` // the commit with local changes
	Machine  procfs.Machine `json:"machine"`
	Rounds   int            `json:"rounds"`
	Ended    string         `json:"ended,omitempty"` // why it ended before it was complete
	Subjects []Subject      `json:"subjects"`
	Loads    []Load         `json:"loads"`
}

// Subject is a program that was measured, or was to be.
type Subject struct {
	Name    string `json:"name"`
	Title   string `json:"title"`
	Config  string `json:"config,omitempty"`  // how it is configured, and why so
	Serve   string `json:"serve,omitempty"`   // command line of the server
	Version string `json:"version,omitempty"` // what its ready line says
	Absent  string `json:"absent,omitempty"`  // why it was not measured
}

// Load is one kind of work, what it took from each subject, and what was measured of it.
type Load struct {
	ID     string  `json:"id"`
	Title  string  `json:"title"`
	Series string  `json:"series,omitempty"` // loads of one series differ in one number
	X      float64 `json:"x,omitempty"`      // that number
	Line   bool    `json:"line,omitempty"`   // the first row of each load of the series is expected to be a + b·X
	Runs   []Run   `json:"runs"`
	Rows   []Row   `json:"rows"`
}

// Run is a subject under a load. Figures are medians over the rounds.
type Run struct {
	Subject          string  `json:"subject"`
	Serve            string  `json:"serve,omitempty"` // command line of the server, where it isn't the subject's
	Drive            string  `json:"drive,omitempty"` // command line of the driver
	Rounds           int     `json:"rounds"`          // that gave something
	ReadySeconds     float64 `json:"readySeconds,omitempty"`
	ServerCPUSeconds float64 `json:"serverCPUSeconds,omitempty"` // of the measured part
	ClientCPUSeconds float64 `json:"clientCPUSeconds,omitempty"`
	RSSIdleBytes     float64 `json:"rssAnonIdleBytes,omitempty"`
	RSSPeakBytes     float64 `json:"rssAnonPeakBytes,omitempty"`
	WrittenBytes     float64 `json:"deviceWrittenBytes,omitempty"`
	Steal            float64 `json:"steal"`           // the largest part of the CPUs' time that went to other machines in a round
	Noisy            int     `json:"noisy,omitempty"` // rounds in which that was too much, although they were repeated
	Repeats          int     `json:"repeats,omitempty"`
	Refused          int64   `json:"refused,omitempty"` // requests that were answered with an error, in all rounds
	// Latencies are of all rounds together: percentile and microseconds.
	Latencies [][2]float64 `json:"latencyMicrosByPercentile,omitempty"`
	Failures  []string     `json:"failures,omitempty"`
}

// Row is one figure of a load.
type Row struct {
	ID        string `json:"id"`
	Subject   string `json:"subject"` // whom the goals are about
	Title     string `json:"title"`
	Unit      string `json:"unit"`
	Higher    bool   `json:"higherIsBetter,omitempty"`
	Reference string `json:"reference,omitempty"` // the subject that the others are compared with
	Cells     []Cell `json:"cells"`
	Goals     []Goal `json:"goals,omitempty"`
}

// Cell is what a row says of a subject.
type Cell struct {
	Subject string        `json:"subject"`
	Rounds  []int         `json:"rounds"` // that gave a value, from 0
	Values  []float64     `json:"values"` // of those rounds
	Summary stats.Summary `json:"summary"`
	Ratio   *stats.Ratio  `json:"ratio,omitempty"` // to the row's reference
}

// Goal is what a row's subject is to reach.
type Goal struct {
	Text    string       `json:"text"`
	Limit   float64      `json:"limit,omitempty"`   // in the row's unit
	Share   float64      `json:"share,omitempty"`   // what was measured, as a part of the limit
	Only    bool         `json:"only,omitempty"`    // the share is reported; it is no goal
	Met     *bool        `json:"met,omitempty"`     // nil: something that it takes wasn't measured
	Missing string       `json:"missing,omitempty"` // that something
	Ratio   *stats.Ratio `json:"ratio,omitempty"`   // to the subject that the goal names
	Unsure  bool         `json:"unsure,omitempty"`  // the ratio that is asked for lies within the interval of Ratio
}

// Cell returns what the row says of a subject, or nil.
func (r *Row) Cell(subject string) *Cell {
	for i := range r.Cells {
		if r.Cells[i].Subject == subject && len(r.Cells[i].Values) > 0 {
			return &r.Cells[i]
		}
	}
	return nil
}

// Row returns the row with that id, or nil.
func (r *Report) Row(id string) *Row {
	for i := range r.Loads {
		for k := range r.Loads[i].Rows {
			if r.Loads[i].Rows[k].ID == id {
				return &r.Loads[i].Rows[k]
			}
		}
	}
	return nil
}
