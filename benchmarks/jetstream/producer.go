package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/gantry-mq/gantry/benchmarks/generator"
	"github.com/gantry-mq/gantry/benchmarks/measure"
)

// stampBytes are at the start of a stamped body: i64 when the send was due.
const stampBytes = 8

// producer is a connection whose messages the streams acknowledge. The reply subject of each ends with its slot. It is a loop.Conn.
type producer struct {
	*wire
	lines   []string // by queue: the line of a message to it, up to the slot
	size    string   // the line's end
	body    []byte
	stamped bool
	sent    int // so far; decides the queue

	// Of the goroutine that takes the answers.
	prefix  int // bytes of a reply subject before the slot
	streams map[string]*measure.Offsets
	refusal string // the server's words to the first send that it refused
}

func dialProducer(ctx context.Context, o *generator.Options, number int) (*producer, error) {
	w, err := dialWire(ctx, o.Addr, o.AnswerTimeout)
	if err != nil {
		return nil, err
	}
	in := inbox()
	p := &producer{wire: w, body: measure.NewBody(o.SizeBytes), sent: number, prefix: len(in), streams: make(map[string]*measure.Offsets)}
	for q := range o.Queues {
		p.lines = append(p.lines, fmt.Sprintf("PUB %s %s", subject(o, q), in))
	}
	p.size = fmt.Sprintf(" %d\r\n", o.SizeBytes)
	w.subscribe(in+"*", 1)
	if err := w.roundTrip(); err != nil {
		w.Close()
		return nil, err
	}
	return p, nil
}

func (p *producer) Send(slot, at int64) {
	p.out = append(p.out, p.lines[p.sent%len(p.lines)]...)
	p.out = strconv.AppendInt(p.out, slot, 10)
	p.out = append(p.out, p.size...)
	body := len(p.out)
	p.out = append(p.out, p.body...)
	if p.stamped {
		binary.BigEndian.PutUint64(p.out[body:], uint64(at))
	}
	p.out = append(p.out, "\r\n"...)
	p.sent++
}

// Next takes an acknowledgement: {"stream":"NAME","seq":1}, or an error instead.
func (p *producer) Next() (slot int64, stored, more bool, err error) {
	m, more, err := p.next()
	if err != nil || !more {
		return 0, false, false, err
	}
	if slot, err = strconv.ParseInt(string(m.subject[min(p.prefix, len(m.subject)):]), 10, 64); err != nil {
		return 0, false, false, fmt.Errorf("acknowledgement on %q: %w", m.subject, err)
	}
	name, seq, ok := parseAck(m.body)
	if !ok {
		if p.refusal == "" {
			p.refusal = fmt.Sprintf("%.200s%.200s", m.header, m.body)
		}
		return slot, false, true, nil
	}
	s := p.streams[string(name)]
	if s == nil {
		s = &measure.Offsets{}
		p.streams[string(name)] = s
	}
	s.Add(seq)
	return slot, true, true, nil
}

// parseAck returns which message of which stream it is. It looks for the order of members that the server writes before it takes the
// long way.
func parseAck(body []byte) (stream []byte, seq int64, ok bool) {
	if rest, found := bytes.CutPrefix(body, []byte(`{"stream":"`)); found {
		if name, rest, found := bytes.Cut(rest, []byte(`","seq":`)); found {
			digits, end := rest[:max(0, len(rest)-1)], rest[max(0, len(rest)-1):]
			if n, err := strconv.ParseInt(string(digits), 10, 64); err == nil && string(end) == "}" {
				return name, n, true
			}
		}
	}
	var a struct {
		Stream string          `json:"stream"`
		Seq    int64           `json:"seq"`
		Error  json.RawMessage `json:"error"`
	}
	if err := json.Unmarshal(body, &a); err != nil || a.Error != nil || a.Seq == 0 {
		return nil, 0, false
	}
	return []byte(a.Stream), a.Seq, true
}

// checkAcks adds to the report what was wrong with the numbers that the streams gave to the messages of all producers.
func checkAcks(r *generator.Report, producers []*producer) {
	all := make(map[string]*measure.Offsets)
	for _, p := range producers {
		if p.refusal != "" {
			r.Problems = append(r.Problems, "refused: "+p.refusal)
		}
		for name, s := range p.streams {
			if all[name] == nil {
				all[name] = &measure.Offsets{}
			}
			all[name].Merge(*s)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if text := all[name].Problem(); text != "" {
			r.Problems = append(r.Problems, fmt.Sprintf("stream %s: %s", name, text))
		}
	}
}
