package meta

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/gantry-mq/gantry/commitlog/vfs"
)

var powerSeeds = flag.Int("power.seeds", 1000, "histories to simulate, of three lives with two power losses between them")

// machine is one whose power fails at a random operation of its file system.
type machine struct {
	rng   *rand.Rand
	disk  *vfs.Mem
	left  int // operations until the power fails
	after *vfs.Mem
}

func (m *machine) fs() vfs.FS {
	return vfs.Fault(m.disk, func(op vfs.Op) error {
		if !op.Kind.Changes() {
			return nil
		}
		if m.left--; m.left == 0 {
			m.after = m.disk.Crash(m.rng)
		}
		return nil
	})
}

// reboot makes the machine run until its power fails again.
func (m *machine) reboot() {
	if m.after != nil {
		m.disk, m.after = m.after, nil
	}
	m.disk.SetWriteBack(m.rng, 0.3)
	m.left = 1 + m.rng.IntN(60)
}

// state is what the tables say.
type state struct {
	topics, births, groups, offsets string
}

func stateOf(topics *Topics, groups *Groups, offsets *Offsets) state {
	queues := map[string]int32{}
	for name, c := range topics.topics.all() {
		queues[name] = c.ReadQueues
	}
	all, _ := groups.All()
	committed := map[string]int64{}
	offsets.Each(func(group, topic string, queue int32, offset int64) bool {
		committed[fmt.Sprint(topic, group, queue)] = offset
		return true
	})
	return state{fmt.Sprint(queues), fmt.Sprint(topics.births.all()), fmt.Sprint(len(all)), fmt.Sprint(committed)}
}

// TestWhatPersistAcknowledgedSurvivesEveryPowerLoss lets tables live through many power cuts. What it finds after each
// must be what the last Persist made durable, or what the one that the cut interrupted was writing.
func TestWhatPersistAcknowledgedSurvivesEveryPowerLoss(t *testing.T) {
	for seed := range uint64(*powerSeeds) {
		if err := livePastPowerLosses(seed, 3); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}

func livePastPowerLosses(seed uint64, lives int) error {
	m := &machine{rng: rand.New(rand.NewPCG(seed, 1)), disk: vfs.NewMem()}
	var durable, attempted state
	for life := range lives {
		m.reboot()
		o := Options{FS: m.fs(), Dir: "store/config"}
		topics, err1 := OpenTopics(o, start)
		groups, err2 := OpenGroups(o, start)
		offsets, err3 := OpenOffsets(o, false, start)
		if err := errors.Join(err1, err2, err3); err != nil && m.after != nil {
			continue
		} else if err != nil {
			return fmt.Errorf("life %d: %w", life, err)
		}
		found := stateOf(topics, groups, offsets)
		if life == 0 {
			durable = found
		} else if err := plausible(found, durable, attempted); err != nil {
			return fmt.Errorf("life %d: %w", life, err)
		}
		durable = found
		for logEnd := int64(life) * 1000; m.after == nil; logEnd++ {
			change(m.rng, topics, groups, offsets, logEnd)
			if m.rng.IntN(3) > 0 {
				continue
			}
			attempted = stateOf(topics, groups, offsets)
			if errors.Join(topics.Persist(), groups.Persist(), offsets.Persist()) == nil && m.after == nil {
				durable = attempted
			}
		}
	}
	return nil
}

func change(rng *rand.Rand, topics *Topics, groups *Groups, offsets *Offsets, logEnd int64) {
	name := fmt.Sprint("t", rng.IntN(4))
	switch rng.IntN(5) {
	case 0:
		topics.Delete(name, logEnd)
	case 1:
		_, _ = topics.Put(NewTopic(name, 1+rng.Int32N(8)), logEnd) // the name is legal
	case 2:
		_, _ = groups.Ensure(fmt.Sprint("g", rng.IntN(1000)), true)
	default:
		offsets.Commit("g", name, rng.Int32N(2), logEnd)
	}
}

func plausible(found, durable, attempted state) error {
	for what, s := range map[string][3]string{
		"topics": {found.topics, durable.topics, attempted.topics}, "births": {found.births, durable.births, attempted.births},
		"groups": {found.groups, durable.groups, attempted.groups}, "offsets": {found.offsets, durable.offsets, attempted.offsets},
	} {
		if s[0] != s[1] && s[0] != s[2] {
			return fmt.Errorf("%s are %s, durable was %s, being written %s", what, s[0], s[1], s[2])
		}
	}
	if found.topics != durable.topics && found.births != attempted.births {
		return fmt.Errorf("new topics %s with the old births %s", found.topics, found.births)
	}
	return nil
}

// TestAFullDiskLosesNothing fills the disk before every Persist but the last.
func TestAFullDiskLosesNothing(t *testing.T) {
	disk := vfs.NewMem()
	full := true
	o := Options{Dir: "config", FS: vfs.Fault(disk, func(op vfs.Op) error {
		if full && (op.Kind == vfs.OpWrite || op.Kind == vfs.OpCreate) {
			return vfs.ErrFull
		}
		return nil
	})}
	topics, err := OpenTopics(o, start)
	must(t, err)
	_, err = topics.Put(NewTopic("t", 1), 5)
	must(t, err)
	if err := topics.Persist(); !errors.Is(err, vfs.ErrFull) {
		t.Fatalf("got %v, ErrFull expected", err)
	}
	full = false
	must(t, topics.Persist())
	again, err := OpenTopics(o, start)
	must(t, err)
	if again.Get("t") == nil || !maps.Equal(again.births.all(), map[string]int64{"t": 5}) {
		t.Error("the topic is lost")
	}
}
