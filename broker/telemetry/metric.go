package telemetry

import (
	"bufio"
	"io"
	"strconv"
	"strings"
)

// Kind is what a metric's value may do.
type Kind string

// Kinds of the Prometheus text format.
const (
	Counter Kind = "counter" // only grows
	Gauge   Kind = "gauge"
)

// Metric is one series. Name is the Prometheus name, with unit and _total where they belong.
type Metric struct {
	Name   string
	Kind   Kind
	Help   string
	Labels []Label
	Value  float64
}

// Label is a name and a value.
type Label struct{ Name, Value string }

// Write writes metrics in the Prometheus text format, version 0.0.4. Series of one name stand together.
func Write(w io.Writer, metrics []Metric) error {
	b := bufio.NewWriter(w)
	last := ""
	for i := range metrics {
		m := &metrics[i]
		if m.Name != last {
			b.WriteString("# HELP " + m.Name + " " + escape(m.Help, false) + "\n")
			b.WriteString("# TYPE " + m.Name + " " + string(m.Kind) + "\n")
			last = m.Name
		}
		b.WriteString(m.Name)
		for k, l := range m.Labels {
			if k == 0 {
				b.WriteByte('{')
			} else {
				b.WriteByte(',')
			}
			b.WriteString(l.Name + `="` + escape(l.Value, true) + `"`)
		}
		if len(m.Labels) > 0 {
			b.WriteByte('}')
		}
		b.WriteString(" " + strconv.FormatFloat(m.Value, 'g', -1, 64) + "\n")
	}
	return b.Flush()
}

var (
	helpEscapes  = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	labelEscapes = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
)

func escape(s string, label bool) string {
	if label {
		return labelEscapes.Replace(s)
	}
	return helpEscapes.Replace(s)
}
