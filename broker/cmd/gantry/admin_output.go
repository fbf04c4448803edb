package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/gantry-mq/gantry/broker/admin"
)

// result is what a verb has found or done: a value for programs, and a way to show it to people.
type result struct {
	value any
	table func(t *table)
	again time.Duration // positive: it is of interest how this changes; to be asked for anew after so long
}

// printer is how results are printed in a format.
func printer(format string) (func(io.Writer, result) error, error) {
	switch format {
	case "json":
		return func(w io.Writer, r result) error { return printJSON(w, r.value) }, nil
	case "table":
		return func(w io.Writer, r result) error {
			t := &table{out: w, columns: tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)}
			r.table(t)
			return errors.Join(t.err, t.columns.Flush())
		}, nil
	}
	return nil, fmt.Errorf("--output %s: table or json is expected", format)
}

// table is text in aligned columns, and lines between them.
type table struct {
	out     io.Writer
	columns *tabwriter.Writer
	err     error // the first of writing
}

// row writes cells.
func (t *table) row(cells ...any) {
	for i, c := range cells {
		if i > 0 {
			fmt.Fprint(t.columns, "\t")
		}
		fmt.Fprint(t.columns, strings.Map(inCell, fmt.Sprint(c)))
	}
	fmt.Fprintln(t.columns) // that it can't be written is known when it is flushed
}

// text writes a text that can have lines of its own, below the columns so far; others can follow it.
func (t *table) text(format string, args ...any) {
	err := t.columns.Flush()
	if err == nil {
		_, err = fmt.Fprintln(t.out, strings.Map(inText, fmt.Sprintf(format, args...)))
	}
	if t.err == nil {
		t.err = err
	}
}

// inText and inCell keep what others have written, such as bodies and keys, from steering the terminal or the columns.
func inText(r rune) rune {
	if unicode.IsControl(r) && r != '\n' && r != '\t' {
		return '\uFFFD'
	}
	return r
}

func inCell(r rune) rune {
	if r == '\n' || r == '\t' {
		return ' '
	}
	return inText(r)
}

// instant shows a time in ms, and a dash if there is none.
func instant(ms int64) string {
	if ms <= 0 {
		return "-"
	}
	return clock(ms)
}

// dash stands for an empty text, so that columns can be cut apart.
func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// names is a list of names, one to a line.
func names(key string, list []string) result {
	if list == nil {
		list = []string{}
	}
	return result{value: map[string][]string{key: list}, table: func(t *table) {
		for _, name := range list {
			t.row(name)
		}
	}}
}

// did is what a change was made to, by brokers.
type did struct {
	Done    string         `json:"done"` // created, deleted, …
	Subject string         `json:"subject"`
	Brokers []admin.Broker `json:"brokers"`
}

// changed shows which brokers have done what was asked for; nothing, if none has.
func changed(done, subject string, brokers []admin.Broker) result {
	if len(brokers) == 0 {
		return result{}
	}
	return result{value: did{done, subject, brokers}, table: func(t *table) {
		for _, b := range brokers {
			name := b.Addr
			if b.Name != "" {
				name = b.Name + " (" + b.Addr + ")"
			}
			t.text("%s %s in %s", subject, done, name)
		}
	}}
}
