package procfs

import (
	"testing"
	"time"
)

func TestStealIsTheShareThatOthersGot(t *testing.T) {
	before, err := parseCPUTimes("cpu  100 0 100 700 50 0 0 50 90 0\ncpu0 1 2 3\n")
	if err != nil || before != (CPUTimes{Total: 10 * time.Second, Steal: 500 * time.Millisecond}) {
		t.Fatalf("%+v, %v", before, err)
	}
	after, err := parseCPUTimes("cpu  200 0 200 1250 50 0 0 300 90 0\n")
	if err != nil {
		t.Fatal(err)
	}
	if got := after.StealSince(before); got != 0.25 {
		t.Errorf("steal %v, expected 0.25", got)
	}
	if got := before.StealSince(before); got != 0 {
		t.Errorf("steal %v of no time", got)
	}
}

func TestACPULineThatIsTooShortIsAnError(t *testing.T) {
	for _, text := range []string{"", "cpu  1 2 3\n", "cpu  1 2 3 4 x 6 7 8\n"} {
		if got, err := parseCPUTimes(text); err == nil {
			t.Errorf("%q: %+v, expected an error", text, got)
		}
	}
}

func TestAMountIsFoundByItsDevice(t *testing.T) {
	const info = "22 1 0:21 / /proc rw shared:1 - proc proc rw\n23 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"
	if got := describeMount(info, "254:0", func(device string) string { return map[string]string{"vda": "1"}[device] }); got != "ext4 on vda (rotational=1)" {
		t.Errorf("%q", got)
	}
	if got := describeMount(info, "9:9", func(string) string { return "" }); got != "" {
		t.Errorf("%q for a device that isn't mounted", got)
	}
}
