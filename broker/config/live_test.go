package config

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func update(l *Live, text string) (changed []string, applied *Config, err error) {
	changed, err = l.Update("test", []byte(text), []string{"rocketmqHome"}, func(c *Config, _ []string) error { applied = c; return nil })
	return changed, applied, err
}

func TestAnUpdateIsMadeAndMadeKnown(t *testing.T) {
	l := NewLive(Default())
	before := l.Load()
	changed, applied, err := update(l, "fileReservedTime=48\nbrokerPermission = 4\nlongPollingEnable=true\n")
	if err != nil || !slices.Equal(changed, []string{"brokerPermission", "fileReservedTime"}) {
		t.Fatal(changed, err)
	}
	if c := l.Load(); applied != c || c.BrokerPerm != 4 || c.ReservedTime.Hours() != 48 {
		t.Errorf("%v %v %v", applied == c, c.BrokerPerm, c.ReservedTime)
	}
	if before.BrokerPerm != 6 {
		t.Error("who has loaded the configuration sees it change")
	}
}

func TestAnUpdateThatCanNotBeMadeAsAWholeChangesNothing(t *testing.T) {
	for text, want := range map[string]string{
		"brokerPermission=4\nlistenPort=1":          "config: listenPort stays \"10911\": \"1\" needs a restart",
		"brokerPermission=4\nbrokerPermision=6":     "is brokerPermission meant?",
		"brokerPermission=4\nfileReservedTime=many": "a number from 0 to 87600 hours is expected",
		"brokerPermission=9":                        "a number from 0 to 7 is expected",
		"brokerPermission=4\nrocketmqHome=/etc":     ErrFixed.Error(),
	} {
		l := NewLive(Default())
		before := l.Load()
		changed, applied, err := update(l, text)
		if err == nil || !strings.Contains(err.Error(), want) || changed != nil || applied != nil || l.Load() != before {
			t.Errorf("%s: %v, changed %v", text, err, changed)
		}
		if errors.Is(err, ErrFixed) != (want == ErrFixed.Error()) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func FuzzAnUpdateEndsWithAConfigurationThatCanBeUsed(f *testing.F) {
	f.Add("brokerPermission=4\n")
	f.Add("a\\u12=${b}\n\x00")
	f.Fuzz(func(t *testing.T, text string) {
		l := NewLive(Default())
		_, _, err := update(l, text)
		var listing strings.Builder
		if err := l.Load().WriteProperties(&listing); err != nil {
			t.Fatal(err)
		}
		if _, _, again := update(l, listing.String()); again != nil && err == nil {
			t.Errorf("what an update led to can't be had by one: %v", again)
		}
	})
}
