package meta

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// AlterTopicAttributes applies changes as admin tools send them, "+name" to set and "-name" to remove (its value is
// ignored), and returns the attributes that result. With creating set there are none yet. Nothing passed in changes.
func AlterTopicAttributes(current, changes map[string]string, creating bool) (map[string]string, error) {
	out := make(map[string]string, len(current)+len(changes))
	if !creating {
		maps.Copy(out, current)
	}
	for _, change := range slices.Sorted(maps.Keys(changes)) {
		name, value := strings.TrimLeft(change, "+-"), changes[change]
		if len(change) != len(name)+1 {
			return nil, fmt.Errorf(`attribute %q: it must be written "+name" to set or "-name" to remove it`, change)
		}
		if _, both := changes["+"+name]; both && change[0] == '-' {
			return nil, fmt.Errorf("attribute %s is both set and removed", name)
		}
		if err := checkAttribute(name, value, change[0] == '-'); err != nil {
			return nil, err
		}
		old, had := out[name]
		switch {
		case !creating && (name == AttrQueueType || name == AttrCleanup) && (old != value || change[0] == '-'):
			return nil, fmt.Errorf("attribute %s can't be changed once the topic exists", name)
		case change[0] == '+':
			out[name] = value
		case !had:
			return nil, fmt.Errorf("attribute %s can't be removed: the topic doesn't have it", name)
		default:
			delete(out, name)
		}
	}
	return out, nil
}

func checkAttribute(name, value string, removing bool) error {
	var choice []string
	switch name {
	case AttrMessageType:
		choice = []string{"UNSPECIFIED", "NORMAL", "FIFO", "DELAY", "TRANSACTION", "MIXED"}
	case AttrQueueType:
		choice = []string{"SimpleCQ", "BatchCQ"}
	case AttrCleanup:
		choice = []string{"DELETE", "COMPACTION"}
	case AttrReserveTime:
		if hours, err := strconv.ParseInt(value, 10, 64); !removing && (err != nil || hours < -1) {
			return fmt.Errorf("attribute %s: %q, a number of hours or -1 is expected", name, value)
		}
		return nil
	default:
		return fmt.Errorf("attribute %q is unknown", name)
	}
	if !removing && !slices.Contains(choice, value) {
		return fmt.Errorf("attribute %s: %q, one of %s is expected", name, value, strings.Join(choice, ", "))
	}
	return nil
}
