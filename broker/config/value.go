package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// value is one field of a Config as text.
type value interface {
	set(text string) error // leaves the field alone if it fails; the error is errValue
	text() string          // what set would accept
	expected() string      // for errors and help: "a number from 1 to 3"
}

var errValue = errors.New("bad value")

type stringValue struct{ p *string }

func (v stringValue) set(s string) error { *v.p = s; return nil }
func (v stringValue) text() string       { return *v.p }
func (v stringValue) expected() string   { return "text" }

type boolValue struct{ p *bool }

func (v boolValue) text() string     { return strconv.FormatBool(*v.p) }
func (v boolValue) expected() string { return "true or false" }
func (v boolValue) set(s string) error {
	switch {
	case strings.EqualFold(s, "true"):
		*v.p = true
	case strings.EqualFold(s, "false"):
		*v.p = false
	default:
		return errValue
	}
	return nil
}

// intValue is a number from min to max.
type intValue struct {
	p        *int64
	min, max int64
	unit     string // "", or what is counted
}

func (v intValue) text() string { return strconv.FormatInt(*v.p, 10) }
func (v intValue) expected() string {
	return strings.TrimSpace(fmt.Sprintf("a number from %d to %d %s", v.min, v.max, v.unit))
}
func (v intValue) set(s string) error {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < v.min || n > v.max {
		return errValue
	}
	*v.p = n
	return nil
}

// durationValue is a number of units from min to max.
type durationValue struct {
	p        *time.Duration
	unit     time.Duration
	min, max int64
}

func (v durationValue) text() string { return strconv.FormatInt(int64(*v.p/v.unit), 10) }
func (v durationValue) expected() string {
	name := map[time.Duration]string{time.Millisecond: "milliseconds", time.Second: "seconds", time.Hour: "hours"}[v.unit]
	return fmt.Sprintf("a number from %d to %d %s", v.min, v.max, name)
}
func (v durationValue) set(s string) error {
	var n int64
	if err := (intValue{p: &n, min: v.min, max: v.max}).set(s); err != nil {
		return err
	}
	*v.p = time.Duration(n) * v.unit
	return nil
}

// choiceValue is one of some words; case doesn't matter.
type choiceValue struct {
	p     *string
	words []string
}

func (v choiceValue) text() string     { return *v.p }
func (v choiceValue) expected() string { return strings.Join(v.words, " or ") }
func (v choiceValue) set(s string) error {
	i := slices.IndexFunc(v.words, func(w string) bool { return strings.EqualFold(w, s) })
	if i < 0 {
		return errValue
	}
	*v.p = v.words[i]
	return nil
}

// listValue is a list of texts; empty ones are dropped.
type listValue struct {
	p         *[]string
	separator string
}

func (v listValue) text() string     { return strings.Join(*v.p, v.separator) }
func (v listValue) expected() string { return fmt.Sprintf("texts separated by %q", v.separator) }
func (v listValue) set(s string) error {
	var list []string
	for part := range strings.SplitSeq(s, v.separator) {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	*v.p = list
	return nil
}

// hoursOfDay is a list like 04;16.
type hoursOfDay struct{ p *[]int }

func (v hoursOfDay) expected() string { return "hours of the day from 00 to 23, separated by ;" }
func (v hoursOfDay) text() string {
	parts := make([]string, len(*v.p))
	for i, h := range *v.p {
		parts[i] = fmt.Sprintf("%02d", h)
	}
	return strings.Join(parts, ";")
}
func (v hoursOfDay) set(s string) error {
	var hours []int
	for part := range strings.SplitSeq(s, ";") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		h, err := strconv.Atoi(part)
		if err != nil || h < 0 || h > 23 {
			return errValue
		}
		hours = append(hours, h)
	}
	if len(hours) == 0 {
		return errValue
	}
	*v.p = hours
	return nil
}

// delayLevels is a list like 1s 5s 1m 2h.
type delayLevels struct{ p *[]time.Duration }

// maxLevels bounds the queues of the topic that delayed messages wait in, one per level.
const maxLevels = 64

func (v delayLevels) expected() string {
	return fmt.Sprintf("up to %d waits such as 10s 5m 2h 1d, separated by spaces", maxLevels)
}
func (v delayLevels) text() string {
	parts := make([]string, len(*v.p))
	for i, d := range *v.p {
		for _, u := range levelUnits {
			if d%u.unit == 0 {
				parts[i] = strconv.FormatInt(int64(d/u.unit), 10) + u.suffix
				break
			}
		}
	}
	return strings.Join(parts, " ")
}
func (v delayLevels) set(s string) error {
	var levels []time.Duration
	for part := range strings.FieldsSeq(s) {
		i := slices.IndexFunc(levelUnits, func(u levelUnit) bool { return strings.HasSuffix(part, u.suffix) })
		if i < 0 {
			return errValue
		}
		n, err := strconv.ParseInt(part[:len(part)-1], 10, 64)
		if err != nil || n < 0 || n > int64(maxLevelWait/levelUnits[i].unit) {
			return errValue
		}
		levels = append(levels, time.Duration(n)*levelUnits[i].unit)
	}
	if len(levels) == 0 || len(levels) > maxLevels {
		return errValue
	}
	*v.p = levels
	return nil
}

const maxLevelWait = 10 * 365 * 24 * time.Hour

type levelUnit struct {
	suffix string
	unit   time.Duration
}

var levelUnits = []levelUnit{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}}
