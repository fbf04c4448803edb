package generator

import "fmt"

// PullReport is what only ModePull measures.
type PullReport struct {
	Backlog            int64   `json:"backlog"` // messages in all queues
	Passes             int     `json:"passes"`  // how often they were pulled
	Pulls              int64   `json:"pulls"`   // that brought messages: latencyMicros is theirs
	EmptyPulls         int64   `json:"emptyPulls"`
	MegabytesPerSecond float64 `json:"megabytesPerSecond"` // of bodies, 10⁶ bytes
}

// DeliveryReport is what only ModeLatency measures, without the warm-up. Here latencyMicros is from when a message was due to
// be sent until a consumer has it, or, where nobody receives, until the answer.
type DeliveryReport struct {
	Rate        int     `json:"ratePerSecond"`
	Sent        int64   `json:"sent"`
	Pulls       int64   `json:"pulls"`             // that brought messages, the warm-up's included
	EmptyPulls  int64   `json:"emptyPulls"`        // that the broker held in vain
	SendLatency Latency `json:"sendLatencyMicros"` // from when a message was due to the answer
	Late        int64   `json:"late"`              // sends that left more than 1 ms after they were due
	Lateness    Latency `json:"latenessMicros"`    // of all sends, from when they were due until they left
}

// TopicsReport is what only ModeTopics measures. Here messages and latencyMicros are those of the sends.
type TopicsReport struct {
	Topics           int     `json:"topics"`
	Created          int64   `json:"created"` // topics whose creation was answered with success
	CreateSeconds    float64 `json:"createSeconds"`
	CreatedPerSecond float64 `json:"createdPerSecond"`
	CreateLatency    Latency `json:"createLatencyMicros"`

	// Of the broker's process, with Options.PID only.
	RSSAnonBefore  *int64 `json:"serverRssAnonBytesBefore,omitempty"`
	RSSAnonCreated *int64 `json:"serverRssAnonBytesCreated,omitempty"` // before the first send

	Routes *RoutesReport `json:"routes,omitempty"` // with Options.Namesrv only
}

// RoutesReport is about one request for the route of each topic.
type RoutesReport struct {
	Namesrv   string  `json:"namesrv"`
	Right     int64   `json:"right"` // answers that name the broker and all queues
	Seconds   float64 `json:"seconds"`
	PerSecond float64 `json:"perSecond"`
	Latency   Latency `json:"latencyMicros"`
}

// IdleReport is what only ModeConnections measures. Here latencyMicros are those of the first requests on the connections,
// and the CPU times are those of holding them.
type IdleReport struct {
	Held  int64 `json:"held"`  // connections that answered
	Alive int64 `json:"alive"` // of those, how many answered again at the end

	// Of the broker's process, with Options.PID only.
	RSSAnonBefore      *int64   `json:"serverRssAnonBytesBefore,omitempty"`
	BytesPerConnection *float64 `json:"serverRssAnonBytesPerConnection,omitempty"`
}

// between sets what a connection costs, from the memory before and with all of them, where both are known.
func (i *IdleReport) between(before, with *int64) {
	if before != nil && with != nil && i.Held > 0 {
		each := float64(*with-*before) / float64(i.Held)
		i.BytesPerConnection = &each
	}
}

// The texts add a mode's own lines to b; other modes have none.

func (d *DeliveryReport) text(b []byte) []byte {
	if d == nil {
		return b
	}
	b = fmt.Appendf(b, "sends       %s\n", d.SendLatency.text())
	b = fmt.Appendf(b, "lateness    %s\n", d.Lateness.text())
	return fmt.Appendf(b, "paced       %d sent at %d/s, %d late by more than 1 ms; %d pulls with messages, %d without\n",
		d.Sent, d.Rate, d.Late, d.Pulls, d.EmptyPulls)
}

func (p *PullReport) text(b []byte) []byte {
	if p == nil {
		return b
	}
	return fmt.Appendf(b, "pulls       %d with messages, %d without; backlog %d × %d passes; %.0f MB/s\n",
		p.Pulls, p.EmptyPulls, p.Backlog, p.Passes, p.MegabytesPerSecond)
}

func (t *TopicsReport) text(b []byte) []byte {
	if t == nil {
		return b
	}
	b = fmt.Appendf(b, "created     %d of %d topics in %.2f s, %.0f/s; %s\n",
		t.Created, t.Topics, t.CreateSeconds, t.CreatedPerSecond, t.CreateLatency.text())
	if t.RSSAnonBefore != nil && t.RSSAnonCreated != nil {
		b = fmt.Appendf(b, "            server RSS anonymous %.1f MiB before, %.1f MiB with the topics\n", mebibytes(*t.RSSAnonBefore), mebibytes(*t.RSSAnonCreated))
	}
	if r := t.Routes; r != nil {
		b = fmt.Appendf(b, "routes      %d right of %d in %.2f s, %.0f/s; %s\n", r.Right, t.Topics, r.Seconds, r.PerSecond, r.Latency.text())
	}
	return b
}

func (i *IdleReport) text(b []byte) []byte {
	if i == nil {
		return b
	}
	b = fmt.Appendf(b, "connections %d held, %d of them answered again\n", i.Held, i.Alive)
	if i.RSSAnonBefore != nil && i.BytesPerConnection != nil {
		b = fmt.Appendf(b, "            server RSS anonymous %.1f MiB before, %.1f KiB more for each\n", mebibytes(*i.RSSAnonBefore), *i.BytesPerConnection/1024)
	}
	return b
}

func mebibytes(n int64) float64 { return float64(n) / (1 << 20) }
