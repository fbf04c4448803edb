package config

import (
	"slices"
	"strings"
	"time"
)

// Key is one key with everything that is to be said about it.
type Key struct {
	Name       string
	Default    string // as in a file
	Reloadable bool   // a running process takes a new value
	Doc        string // one sentence
	field      func(*Config) value
}

// Expected says which values the key takes: "true or false".
func (k *Key) Expected() string { return k.field(new(Config)).expected() }

// Value returns the key's value in c, as it would stand in a file.
func (k *Key) Value(c *Config) string { return k.field(c).text() }

// secret tells whether the value is for the process only.
func (k *Key) secret() bool { return strings.HasSuffix(k.Name, "Password") }

// section is a group of keys with a heading for the help.
type section struct {
	title string
	keys  []Key
}

func sections() []section { return slices.Concat(brokerSections(), storeSections(), tlsSections()) }

// Keys returns every key that has an effect, in the order of the help.
func Keys() []Key {
	var keys []Key
	for _, s := range sections() {
		keys = append(keys, s.keys...)
	}
	return keys
}

// Whether a running process takes a new value.
const (
	reload  = true
	restart = false
)

// What follows keeps the rows of the tables short.

func text(f func(*Config) *string) func(*Config) value {
	return func(c *Config) value { return stringValue{f(c)} }
}

func flag(f func(*Config) *bool) func(*Config) value {
	return func(c *Config) value { return boolValue{f(c)} }
}

func number(lo, hi int64, unit string, f func(*Config) *int64) func(*Config) value {
	return func(c *Config) value { return intValue{f(c), lo, hi, unit} }
}

func millis(lo, hi int64, f func(*Config) *time.Duration) func(*Config) value {
	return func(c *Config) value { return durationValue{f(c), time.Millisecond, lo, hi} }
}

func seconds(lo, hi int64, f func(*Config) *time.Duration) func(*Config) value {
	return func(c *Config) value { return durationValue{f(c), time.Second, lo, hi} }
}

func hours(lo, hi int64, f func(*Config) *time.Duration) func(*Config) value {
	return func(c *Config) value { return durationValue{f(c), time.Hour, lo, hi} }
}

func list(separator string, f func(*Config) *[]string) func(*Config) value {
	return func(c *Config) value { return listValue{f(c), separator} }
}

func choice(f func(*Config) *string, words ...string) func(*Config) value {
	return func(c *Config) value { return choiceValue{f(c), words} }
}
