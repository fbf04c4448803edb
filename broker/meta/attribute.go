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
	if creating {
		current = nil
	}
	fixed := func(name string) bool { return !creating && (name == AttrQueueType || name == AttrCleanup) }
	return alter(current, changes, checkAttribute, fixed)
}

// alterGroupAttributes is the same for a consumer group.
func alterGroupAttributes(current, changes map[string]string) (map[string]string, error) {
	return alter(current, changes, checkGroupAttribute, func(string) bool { return false })
}

// alter applies changes. check says what is wrong with a name or a value; the value of an attribute that is fixed stays what it is.
func alter(current, changes map[string]string, check func(name, value string, removing bool) error, fixed func(name string) bool) (map[string]string, error) {
	out := make(map[string]string, len(current)+len(changes))
	maps.Copy(out, current)
	for _, change := range slices.Sorted(maps.Keys(changes)) {
		name, value := strings.TrimLeft(change, "+-"), changes[change]
		if len(change) != len(name)+1 {
			return nil, fmt.Errorf(`attribute %q: it must be written "+name" to set or "-name" to remove it`, change)
		}
		if _, both := changes["+"+name]; both && change[0] == '-' {
			return nil, fmt.Errorf("attribute %s is both set and removed", name)
		}
		if err := check(name, value, change[0] == '-'); err != nil {
			return nil, err
		}
		old, had := out[name]
		switch {
		case fixed(name) && (old != value || change[0] == '-'):
			return nil, fmt.Errorf("attribute %s can't be changed once the topic exists", name)
		case change[0] == '+':
			out[name] = value
		case !had:
			return nil, fmt.Errorf("attribute %s can't be removed: it isn't set", name)
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

// attrPriority is a group's share of messages of higher priority, in percent.
const attrPriority = "priority.factor"

func checkGroupAttribute(name, value string, removing bool) error {
	switch name {
	case attrPriority:
		if n, err := strconv.Atoi(value); !removing && (err != nil || n < 0 || n > 100) {
			return fmt.Errorf("attribute %s: %q, a number from 0 to 100 is expected", name, value)
		}
		return nil
	case "lite.bind.topic", "lite.sub.model", "lite.sub.reset.offset.exclusive", "lite.sub.reset.offset.unsubscribe",
		"lite.sub.client.quota", "lite.sub.client.max.event.cnt", "lite.sub.wildcard":
		return nil // kept for a peer that takes the store over
	}
	return fmt.Errorf("attribute %q is unknown", name)
}
