package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/gantry-mq/gantry/broker/admin"
)

// verbFlags are the flags of one verb, with what cobra doesn't know of them.
type verbFlags struct {
	*pflag.FlagSet
	required []string
	complete map[string]completer // names to complete a flag with, by its long name
}

// need makes flags required.
func (f *verbFlags) need(names ...string) { f.required = append(f.required, names...) }

// topic, group, broker, cluster define flags whose values can be completed. All names of flags are mqadmin's.
func (f *verbFlags) topic(name, short, help string) *string {
	f.complete[name] = topicNames
	return f.StringP(name, short, "", help)
}

func (f *verbFlags) group(name, help string) *string {
	f.complete[name] = groupNames
	return f.StringP(name, "g", "", help)
}

func (f *verbFlags) broker(name, help string) *string {
	f.complete[name] = brokerNames
	return f.StringP(name, "b", "", help)
}

func (f *verbFlags) cluster(name, help string) *string {
	f.complete[name] = clusterNames
	return f.StringP(name, "c", "", help)
}

// target defines the flags that choose brokers, and returns how to read them.
func (f *verbFlags) target() func() (admin.Target, error) {
	b := f.broker("brokerAddr", "address or name of one broker")
	c := f.cluster("clusterName", "all masters of this cluster (default without -b: of the only cluster there is)")
	return func() (admin.Target, error) {
		if *b != "" && *c != "" {
			return admin.Target{}, usage(errors.New("-b and -c exclude each other: give the broker or its cluster"))
		}
		return admin.Target{Broker: *b, Cluster: *c}, nil
	}
}

// via defines the flag that says where to look for a topic.
func (f *verbFlags) via() *string {
	return f.cluster("cluster", "only brokers of this cluster; for a lightweight queue: its parent topic")
}

// choice defines a flag that is true or false. As in mqadmin, its value must be given.
func (f *verbFlags) choice(name, short string, value bool, help string) *bool {
	b := truth(value)
	f.VarP(&b, name, short, help)
	return (*bool)(&b)
}

// truth is a flag's value that is true or false.
type truth bool

func (t *truth) String() string { return strconv.FormatBool(bool(*t)) }
func (t *truth) Type() string   { return "true|false" }
func (t *truth) Set(text string) error {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "true":
		*t = true
	case "false":
		*t = false
	default:
		return errors.New("true or false is expected")
	}
	return nil
}

// moment defines a flag that is a time, in ms.
func (f *verbFlags) moment(name, short, help string) *int64 {
	m := new(moment)
	f.VarP(m, name, short, help+"; ms since 1970, yyyy-MM-dd#HH:mm:ss:SSS (local time) or now")
	return (*int64)(m)
}

// moment is a flag's value that is a time, in ms since 1970. 0 is none.
type moment int64

func (m *moment) Type() string { return "time" }

func (m *moment) String() string {
	if *m == 0 {
		return ""
	}
	return strconv.FormatInt(int64(*m), 10)
}

// momentForms are how a time can be written, with or without a fraction of the second behind a point; the first one is mqadmin's.
var momentForms = []string{"2006-01-02#15:04:05", time.RFC3339, "2006-01-02 15:04:05", "2006-01-02"}

func (m *moment) Set(text string) error {
	text = strings.TrimSpace(text)
	if text == "now" {
		*m = moment(time.Now().UnixMilli())
		return nil
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		*m = moment(n)
		return nil
	}
	// mqadmin has a colon before the milliseconds.
	if at := len(momentForms[0]); len(text) > at && text[at] == ':' {
		text = text[:at] + "." + text[at+1:]
	}
	for _, form := range momentForms {
		if t, err := time.ParseInLocation(form, text, time.Local); err == nil {
			*m = moment(t.UnixMilli())
			return nil
		}
	}
	return errors.New("expected are ms since 1970, a time like 2026-01-31#08:00:00:000, or now")
}

// take gives arguments to the flags that they stand for, and checks that nothing is missing.
func (f *verbFlags) take(names, args []string) error {
	if len(args) > len(names) {
		return fmt.Errorf("%q is too much: at most %d arguments are expected", args[len(names)], len(names))
	}
	for i, value := range args {
		if f.Changed(names[i]) {
			return fmt.Errorf("%s is given twice: as --%s and as the argument %q", names[i], names[i], value)
		}
		if err := f.Set(names[i], value); err != nil {
			return err
		}
	}
	for _, name := range f.required {
		flag := f.Lookup(name)
		if !flag.Changed || flag.Value.Type() == "string" && strings.TrimSpace(flag.Value.String()) == "" {
			return missingFlag(flag, slices.Contains(names, name))
		}
	}
	return nil
}

func missingFlag(flag *pflag.Flag, argument bool) error {
	text := fmt.Sprintf("%s is missing: give it with --%s", flag.Name, flag.Name)
	if flag.Shorthand != "" {
		text = fmt.Sprintf("%s is missing: give it with -%s", flag.Name, flag.Shorthand)
	}
	if argument {
		text += " or as an argument"
	}
	return errors.New(text)
}
