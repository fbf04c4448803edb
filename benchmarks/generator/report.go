package generator

import (
	"fmt"
	"io"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Report is what a load measured. As JSON it is stable: scripts compare reports of different runs and brokers.
type Report struct {
	Mode        string    `json:"mode,omitempty"`
	Addr        string    `json:"addr"`
	Topic       string    `json:"topic"`
	Queues      int       `json:"queues"`
	SizeBytes   int       `json:"sizeBytes"`
	Connections int       `json:"connections"`
	InFlight    int       `json:"inFlight"` // per connection; 0 where the load decides
	Started     time.Time `json:"started"`

	Messages          int64   `json:"messages"` // measured sends that were answered with code 0
	ElapsedSeconds    float64 `json:"elapsedSeconds"`
	MessagesPerSecond float64 `json:"messagesPerSecond"`
	Latency           Latency `json:"latencyMicros"`

	// Of the broker's process, with Options.PID only.
	ServerCPUSeconds           *float64 `json:"serverCPUSeconds,omitempty"`
	MessagesPerServerCPUSecond *float64 `json:"messagesPerServerCPUSecond,omitempty"`
	ServerRSSAnonBytes         *int64   `json:"serverRssAnonBytes,omitempty"` // at the end
	// Of this process, where the system tells.
	ClientCPUSeconds *float64 `json:"clientCPUSeconds,omitempty"`

	Pull     *PullReport     `json:"pull,omitempty"`
	Delivery *DeliveryReport `json:"delivery,omitempty"`

	Failures []Failure `json:"failures,omitempty"` // by code, the warm-up's included
	Problems []string  `json:"problems,omitempty"` // answers that a broker must not give, in words
}

// PullReport is what only ModePull measures.
type PullReport struct {
	Backlog            int64   `json:"backlog"` // messages in all queues
	Passes             int     `json:"passes"`  // how often they were pulled
	Pulls              int64   `json:"pulls"`   // that brought messages: latencyMicros is theirs
	EmptyPulls         int64   `json:"emptyPulls"`
	MegabytesPerSecond float64 `json:"megabytesPerSecond"` // of bodies, 10⁶ bytes
}

// DeliveryReport is what only ModeLatency measures, without the warm-up. Here latencyMicros is from when a message was due to
// be sent until a consumer has it.
type DeliveryReport struct {
	Rate        int     `json:"ratePerSecond"`
	Sent        int64   `json:"sent"`
	Pulls       int64   `json:"pulls"`             // that brought messages, the warm-up's included
	EmptyPulls  int64   `json:"emptyPulls"`        // that the broker held in vain
	SendLatency Latency `json:"sendLatencyMicros"` // from when a message was due to the answer
	Late        int64   `json:"late"`              // sends that left more than 1 ms after they were due
	Lateness    Latency `json:"latenessMicros"`    // of all sends, from when they were due until they left
}

// Latency is the distribution of the time from send to answer, in microseconds.
type Latency struct {
	Mean float64 `json:"mean"`
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p99.9"`
	Max  float64 `json:"max"`
}

// Clean tells whether every send was answered with success and all answers made sense.
func (r *Report) Clean() bool { return len(r.Failures) == 0 && len(r.Problems) == 0 }

// newReport returns a report that says what load it is of.
func (r *run) newReport() *Report {
	o := &r.options
	return &Report{
		Mode: o.Mode, Addr: o.Addr, Topic: o.Topic, Queues: o.Queues, SizeBytes: o.SizeBytes,
		Connections: o.Connections, InFlight: o.InFlight, Started: r.start.Round(time.Millisecond),
	}
}

// count sets how many messages there were in so many ns.
func (r *Report) count(messages, elapsed int64) {
	r.Messages = messages
	if messages > 0 && elapsed > 0 {
		r.ElapsedSeconds = float64(elapsed) / 1e9
		r.MessagesPerSecond = float64(messages) / r.ElapsedSeconds
	}
}

// use sets what was used for the messages, which have been counted.
func (r *Report) use(u *usage) {
	if u.serverCPU != nil {
		s := u.serverCPU.Seconds()
		r.ServerCPUSeconds, r.ServerRSSAnonBytes = &s, u.rssAnonBytes
		if s > 0 {
			rate := float64(r.Messages) / s
			r.MessagesPerServerCPUSecond = &rate
		}
	}
	if u.clientCPU != nil {
		s := u.clientCPU.Seconds()
		r.ClientCPUSeconds = &s
	}
}

func latencyOf(h *hdrhistogram.Histogram) Latency {
	if h.TotalCount() == 0 {
		return Latency{}
	}
	micros := func(ns float64) float64 { return ns / 1e3 }
	at := func(percentile float64) float64 { return micros(float64(h.ValueAtQuantile(percentile))) }
	return Latency{
		Mean: micros(h.Mean()), P50: at(50), P90: at(90), P99: at(99), P999: at(99.9), Max: micros(float64(h.Max())),
	}
}

// WriteText writes the report for a person.
func (r *Report) WriteText(w io.Writer) error {
	var b []byte
	b = fmt.Appendf(b, "%s  topic %s  %d queues  %d B  %d connections", r.Addr, r.Topic, r.Queues, r.SizeBytes, r.Connections)
	if r.InFlight > 0 {
		b = fmt.Appendf(b, " × %d in flight", r.InFlight)
	}
	b = append(b, '\n')
	b = fmt.Appendf(b, "messages    %d in %.2f s\n", r.Messages, r.ElapsedSeconds)
	b = fmt.Appendf(b, "rate        %.0f msg/s\n", r.MessagesPerSecond)
	if r.MessagesPerServerCPUSecond != nil {
		b = fmt.Appendf(b, "server CPU  %.0f msg per CPU-second  (%.2f s)\n", *r.MessagesPerServerCPUSecond, *r.ServerCPUSeconds)
	}
	if r.ServerRSSAnonBytes != nil {
		b = fmt.Appendf(b, "server RSS  %.1f MiB anonymous\n", float64(*r.ServerRSSAnonBytes)/(1<<20))
	}
	if r.ClientCPUSeconds != nil {
		b = fmt.Appendf(b, "client CPU  %.2f s\n", *r.ClientCPUSeconds)
	}
	b = fmt.Appendf(b, "latency     %s\n", r.Latency.text())
	if d := r.Delivery; d != nil {
		b = fmt.Appendf(b, "sends       %s\n", d.SendLatency.text())
		b = fmt.Appendf(b, "lateness    %s\n", d.Lateness.text())
		b = fmt.Appendf(b, "paced       %d sent at %d/s, %d late by more than 1 ms; %d pulls with messages, %d without\n",
			d.Sent, d.Rate, d.Late, d.Pulls, d.EmptyPulls)
	}
	if p := r.Pull; p != nil {
		b = fmt.Appendf(b, "pulls       %d with messages, %d without  (backlog %d, %d passes)  %.0f MB/s\n",
			p.Pulls, p.EmptyPulls, p.Backlog, p.Passes, p.MegabytesPerSecond)
	}
	for _, f := range r.Failures {
		b = fmt.Appendf(b, "failed      %d with code %d: %s\n", f.Count, f.Code, f.Remark)
	}
	for _, p := range r.Problems {
		b = fmt.Appendf(b, "PROBLEM     %s\n", p)
	}
	_, err := w.Write(b)
	return err
}

func (l *Latency) text() string {
	return fmt.Sprintf("p50 %s  p90 %s  p99 %s  p99.9 %s  max %s",
		showMicros(l.P50), showMicros(l.P90), showMicros(l.P99), showMicros(l.P999), showMicros(l.Max))
}

func showMicros(us float64) string {
	switch {
	case us >= 1e6:
		return fmt.Sprintf("%.2f s", us/1e6)
	case us >= 1e3:
		return fmt.Sprintf("%.2f ms", us/1e3)
	default:
		return fmt.Sprintf("%.0f µs", us)
	}
}
