package generator

import (
	"fmt"
	"io"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/gantry-mq/gantry/benchmarks/measure"
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
	Topics   *TopicsReport   `json:"topics,omitempty"`
	Idle     *IdleReport     `json:"idle,omitempty"`

	// Histograms are the latencies in full, in nanoseconds: the one without a tag is behind Latency.
	Histograms []*hdrhistogram.Histogram `json:"-"`

	Failures []Failure `json:"failures,omitempty"` // by code, the warm-up's included
	Problems []string  `json:"problems,omitempty"` // answers that a broker must not give, in words
	Error    string    `json:"error,omitempty"`    // why the load ended before its time
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

// Err is an error unless the report is clean.
func (r *Report) Err() error {
	if r.Clean() {
		return nil
	}
	return fmt.Errorf("%d response codes other than success, %d problems", len(r.Failures), len(r.Problems))
}

// Keep keeps a histogram under a name, "" for the main one, and returns what is reported of it.
func (r *Report) Keep(name string, h *hdrhistogram.Histogram) Latency {
	h.SetTag(name)
	h.SetStartTimeMs(r.Started.UnixMilli())
	h.SetEndTimeMs(time.Now().UnixMilli())
	r.Histograms = append(r.Histograms, h)
	return latencyOf(h)
}

func (r *run) newReport() *Report { return r.options.NewReport(r.start) }

// NewReport returns a report that says what load it is of.
func (o *Options) NewReport(started time.Time) *Report {
	return &Report{
		Mode: o.Mode, Addr: o.Addr, Topic: o.Topic, Queues: o.Queues, SizeBytes: o.SizeBytes,
		Connections: o.Connections, InFlight: o.InFlight, Started: started.Round(time.Millisecond),
	}
}

// Count sets how many messages there were in so many ns.
func (r *Report) Count(messages, elapsed int64) {
	r.Messages = messages
	if messages > 0 && elapsed > 0 {
		r.ElapsedSeconds = float64(elapsed) / 1e9
		r.MessagesPerSecond = float64(messages) / r.ElapsedSeconds
	}
}

// Use sets what was used for the messages, which have been counted.
func (r *Report) Use(u *measure.Usage) {
	if u.ServerCPU != nil {
		s := u.ServerCPU.Seconds()
		r.ServerCPUSeconds, r.ServerRSSAnonBytes = &s, u.RSSAnonBytes
		if s > 0 {
			rate := float64(r.Messages) / s
			r.MessagesPerServerCPUSecond = &rate
		}
	}
	if u.ClientCPU != nil {
		s := u.ClientCPU.Seconds()
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
	b = r.appendHead(b)
	if r.Idle == nil {
		b = fmt.Appendf(b, "messages    %d in %.2f s\n", r.Messages, r.ElapsedSeconds)
		b = fmt.Appendf(b, "rate        %.0f msg/s\n", r.MessagesPerSecond)
	}
	if r.MessagesPerServerCPUSecond != nil {
		b = fmt.Appendf(b, "server CPU  %.0f msg per CPU-second  (%.2f s)\n", *r.MessagesPerServerCPUSecond, *r.ServerCPUSeconds)
	} else if r.ServerCPUSeconds != nil {
		b = fmt.Appendf(b, "server CPU  %.2f s\n", *r.ServerCPUSeconds)
	}
	if r.ServerRSSAnonBytes != nil {
		b = fmt.Appendf(b, "server RSS  %.1f MiB anonymous\n", mebibytes(*r.ServerRSSAnonBytes))
	}
	if r.ClientCPUSeconds != nil {
		b = fmt.Appendf(b, "client CPU  %.2f s\n", *r.ClientCPUSeconds)
	}
	b = fmt.Appendf(b, "latency     %s\n", r.Latency.text())
	b = r.Delivery.text(b)
	b = r.Pull.text(b)
	b = r.Topics.text(b)
	b = r.Idle.text(b)
	for _, f := range r.Failures {
		b = fmt.Appendf(b, "failed      %d with code %d: %s\n", f.Count, f.Code, f.Remark)
	}
	for _, p := range r.Problems {
		b = fmt.Appendf(b, "PROBLEM     %s\n", p)
	}
	_, err := w.Write(b)
	return err
}

// appendHead adds the line that says what load it was.
func (r *Report) appendHead(b []byte) []byte {
	b = append(b, r.Addr...)
	if r.Topics != nil {
		b = fmt.Appendf(b, "  %d topics × %d queues  %d B", r.Topics.Topics, r.Queues, r.SizeBytes)
	} else if r.Idle == nil {
		b = fmt.Appendf(b, "  topic %s  %d queues  %d B", r.Topic, r.Queues, r.SizeBytes)
	}
	b = fmt.Appendf(b, "  %d connections", r.Connections)
	if r.InFlight > 0 {
		b = fmt.Appendf(b, " × %d in flight", r.InFlight)
	}
	return append(b, '\n')
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
