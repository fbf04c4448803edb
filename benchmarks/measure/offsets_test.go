package measure

import (
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

func TestOffsetsOfAQueueAreARangeInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := rapid.Int64Range(0, 1<<40).Draw(t, "from")
		n := rapid.IntRange(1, 200).Draw(t, "n")
		seed := rapid.Uint64().Draw(t, "seed")
		order := rand.New(rand.NewPCG(seed, 0)).Perm(n)

		var parts [3]Offsets // as three connections see them
		for i, k := range order {
			parts[i%3].Add(from + int64(k))
		}
		var all Offsets
		for _, p := range parts {
			all.Merge(p)
		}
		if p := all.Problem(); p != "" {
			t.Fatalf("a whole range: %s", p)
		}

		// One message got another's offset: a duplicate, and a hole unless it was an end.
		if n > 1 {
			var wrong Offsets
			victim, other := rapid.IntRange(0, n-1).Draw(t, "victim"), rapid.IntRange(0, n-2).Draw(t, "other")
			if other >= victim {
				other++
			}
			for k := range n {
				if k == victim {
					k = other
				}
				wrong.Add(from + int64(k))
			}
			if wrong.Problem() == "" {
				t.Fatalf("offset %d twice and %d never went unnoticed", other, victim)
			}
		}
	})
}

func TestAHoleInTheOffsetsIsAProblem(t *testing.T) {
	var o Offsets
	for _, v := range []int64{5, 6, 8} {
		o.Add(v)
	}
	if got := o.Problem(); got != "3 messages have the offsets 5 … 8, expected 4 of them" {
		t.Errorf("problem %q", got)
	}
}

func TestANegativeOffsetIsAProblem(t *testing.T) {
	var o Offsets
	o.Add(-1)
	o.Add(0)
	if got := o.Problem(); got != "offset -1, expected 0 or more" {
		t.Errorf("problem %q", got)
	}
}

func TestAQueueWithoutMessagesIsNoProblem(t *testing.T) {
	if got := new(Offsets).Problem(); got != "" {
		t.Errorf("problem %q", got)
	}
}
