package consumequeue

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// modelQueue is what a queue should be: the units from queue offset base on, of which those below minLog are hidden.
type modelQueue struct {
	base  int64
	units []Unit
}

func (m *modelQueue) next() int64 { return m.base + int64(len(m.units)) }

func (m *modelQueue) visible(minLog int64) (first int64, units []Unit) {
	i := 0
	for i < len(m.units) && m.units[i].LogOffset < minLog {
		i++
	}
	return m.base + int64(i), m.units[i:]
}

// TestStoreBehavesLikeItsModel runs random operations on a store and on lists in memory.
func TestStoreBehavesLikeItsModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fs := vfs.NewMem()
		o := Options{
			FS: fs, Dir: "/cq",
			FileSize:     rapid.Int64Range(1, 2000).Draw(t, "file size"),
			MaxOpenFiles: rapid.IntRange(1, 4).Draw(t, "max open files"),
		}
		open := func() *Store {
			s, err := Open(o)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		s := open()
		model := map[queueName]*modelQueue{}
		end, minLog := int64(0), int64(0)
		name := func() queueName {
			return queueName{rapid.SampledFrom([]string{"a", "b"}).Draw(t, "topic"), rapid.Int32Range(0, 1).Draw(t, "id")}
		}
		get := func(n queueName) *modelQueue {
			if model[n] == nil {
				model[n] = &modelQueue{}
			}
			return model[n]
		}
		check := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) {
				n := name()
				m := get(n)
				at := m.next()
				if _, units := m.visible(minLog); len(units) == 0 {
					at += rapid.Int64Range(0, 300).Draw(t, "skip")
				}
				units := make([]Unit, rapid.IntRange(1, 400).Draw(t, "units"))
				for i := range units {
					units[i] = Unit{LogOffset: end, Size: 91, TagCode: int64(i)}
					end += 91
				}
				check(s.Open(n.topic, n.id).Append(at, units...))
				if at > m.next() {
					m.base, m.units = at, nil
				}
				m.units = append(m.units, units...)
			},
			"append again": func(t *rapid.T) {
				n := name()
				m := get(n)
				if len(m.units) == 0 {
					t.Skip("nothing there")
				}
				i := rapid.IntRange(0, len(m.units)-1).Draw(t, "from")
				check(s.Open(n.topic, n.id).Append(m.base+int64(i), m.units[i:]...))
			},
			"append behind a gap": func(t *rapid.T) {
				n := name()
				m := get(n)
				if _, units := m.visible(minLog); len(units) == 0 {
					t.Skip("may begin anywhere")
				}
				if err := s.Open(n.topic, n.id).Append(m.next()+1, Unit{LogOffset: end, Size: 1}); err == nil {
					t.Fatal("a gap was accepted")
				}
			},
			"flush": func(t *rapid.T) { check(s.Flush()) },
			"truncate": func(t *rapid.T) {
				end = rapid.Int64Range(minLog, end).Draw(t, "to")
				check(s.Truncate(end))
				for _, m := range model {
					i, _ := slices.BinarySearchFunc(m.units, end, func(u Unit, off int64) int { return int(u.LogOffset - off) })
					m.units = m.units[:i]
				}
			},
			"retire": func(t *rapid.T) {
				minLog = rapid.Int64Range(minLog, end).Draw(t, "to")
				check(s.SetMinLog(minLog))
			},
			"delete": func(t *rapid.T) {
				topic := name().topic
				check(s.DeleteTopic(topic))
				for n := range model {
					if n.topic == topic {
						delete(model, n)
					}
				}
			},
			"reopen": func(t *rapid.T) {
				if rapid.Bool().Draw(t, "clean") {
					check(s.Close())
					o.Clean = true
				} else {
					check(s.Flush())
					fs = fs.Kill()
					o.FS, o.Clean = fs, false
				}
				o.DurableTo, o.LogEnd, o.MinLog = end, end, minLog
				s = open()
				if len(s.Lost()) > 0 {
					t.Fatalf("%v is lost", s.Lost())
				}
			},
			"": func(t *rapid.T) {
				for n, m := range model {
					q := s.Open(n.topic, n.id)
					first, want := m.visible(minLog)
					if f, next := q.Bounds(); f != first || next != m.next() {
						t.Fatalf("%v: bounds are %d, %d, expected %d, %d", n, f, next, first, m.next())
					}
					got := make([]Unit, len(want)+1)
					k := 0
					for k < len(want) {
						r, err := q.Read(got[k:], first+int64(k))
						if err != nil || r == 0 {
							t.Fatalf("%v: %d units at %d, %v", n, r, first+int64(k), err)
						}
						k += r
					}
					if !slices.Equal(got[:k], want) {
						t.Fatalf("%v: %v, expected %v", n, got[:k], want)
					}
				}
			},
		})
	})
}
