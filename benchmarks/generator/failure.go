package generator

import (
	"fmt"
	"maps"
	"slices"
)

// Failure is a response code other than 0.
type Failure struct {
	Code   int32  `json:"code"`
	Count  int64  `json:"count"`
	Remark string `json:"remark,omitempty"` // the broker's words to the first of them
}

// failures counts response codes other than 0.
type failures map[int32]*Failure

func (f failures) add(a *answer) {
	have := f[a.code]
	if have == nil {
		have = &Failure{Code: a.code, Remark: a.remark()}
		f[a.code] = have
	}
	have.Count++
}

func (f failures) merge(o failures) {
	for code, more := range o {
		if have := f[code]; have != nil {
			have.Count += more.Count
		} else {
			f[code] = more
		}
	}
}

// list returns them in the order of their codes.
func (f failures) list() []Failure {
	var out []Failure
	for _, code := range slices.Sorted(maps.Keys(f)) {
		out = append(out, *f[code])
	}
	return out
}

// problems are what the broker did that it must not, in words.
type problems []string

// note adds a problem that occurred n times, if it did.
func (p *problems) note(n int64, what string) {
	if n > 0 {
		*p = append(*p, fmt.Sprintf("%d %s", n, what))
	}
}
