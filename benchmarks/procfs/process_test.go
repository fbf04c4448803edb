package procfs

import (
	"testing"
	"time"
)

func TestCPUTimeIsFoundBehindAnyProgramName(t *testing.T) {
	for _, name := range []string{"gantry", "a b", "x) R 9 9 (", ""} {
		text := "4711 (" + name + ") S 1 2 3 4 5 6 7 8 9 10 1234 766 0 0 20 0 9 0\n"
		got, err := parseStat(text)
		if err != nil || got != 20*time.Second {
			t.Errorf("name %q: %v, %v, expected 20s", name, got, err)
		}
	}
}

func TestAStatLineWithoutTimesIsAnError(t *testing.T) {
	for _, text := range []string{"", "4711 (x", "4711 (x) S 1 2 3", "4711 (x) S 1 2 3 4 5 6 7 8 9 10 u s 0"} {
		if got, err := parseStat(text); err == nil {
			t.Errorf("%q: %v, expected an error", text, got)
		}
	}
}

func TestAnonymousMemoryIsReadInBytes(t *testing.T) {
	got, err := parseRSSAnon("Name:\tx\nVmRSS:\t 9 kB\nRssAnon:\t    3456 kB\nRssFile:\t 7 kB\n")
	if err != nil || got != 3456<<10 {
		t.Errorf("%d, %v", got, err)
	}
	for _, text := range []string{"", "\nRssAnon:\t5 MB\n", "\nRssAnon:\tx kB\n"} {
		if got, err := parseRSSAnon(text); err == nil {
			t.Errorf("%q: %d, expected an error", text, got)
		}
	}
}

func TestWhatWasRemovedBeforeItWasWrittenDoesNotCount(t *testing.T) {
	got, err := parseWritten("rchar: 9\nwrite_bytes: 5000\ncancelled_write_bytes: 1000\n")
	if err != nil || got != 4000 {
		t.Errorf("%d, %v, expected 4000", got, err)
	}
	for _, text := range []string{"", "write_bytes: 5\n", "write_bytes: x\ncancelled_write_bytes: 1\n"} {
		if got, err := parseWritten(text); err == nil {
			t.Errorf("%q: %d, expected an error", text, got)
		}
	}
}
