package config

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestEveryKeyAcceptsItsDefault(t *testing.T) {
	for _, k := range Keys() {
		if k.Default == "" {
			continue
		}
		c := new(Config)
		if err := k.field(c).set(k.Default); err != nil {
			t.Errorf("%s refuses its default %q: %s is expected", k.Name, k.Default, k.Expected())
		}
		if got := k.Value(c); got != k.Default {
			t.Errorf("%s: the default %q reads back as %q", k.Name, k.Default, got)
		}
	}
}

func TestEveryKeyStandsInTheTablesOnce(t *testing.T) {
	seen := map[string]bool{}
	add := func(name string) {
		if seen[name] {
			t.Errorf("%s is there twice", name)
		}
		seen[name] = true
	}
	for _, k := range Keys() {
		add(k.Name)
		if !strings.HasSuffix(k.Doc, ".") {
			t.Errorf("%s: the documentation is no sentence: %q", k.Name, k.Doc)
		}
	}
	for _, idle := range idleKeys {
		for name := range strings.FieldsSeq(idle.keys) {
			add(name)
		}
	}
}

func TestEveryKeyHasAFieldOfItsOwn(t *testing.T) {
	other := map[string]string{"": "x", "permissive": "enforcing", "none": "require", "true": "false", "false": "true", AsyncFlush: SyncFlush}
	for _, k := range Keys() {
		c := Default()
		before := *c
		for _, text := range []string{other[k.Default], "3", "07", "4096", "7s"} {
			if k.Default != text && k.field(c).set(text) == nil && k.Value(c) != k.Default {
				break
			}
		}
		changed := 0
		for _, o := range Keys() {
			if o.Value(&before) != o.Value(c) {
				changed++
			}
		}
		if changed != 1 {
			t.Errorf("setting %s changed %d keys", k.Name, changed)
		}
	}
}

func TestValuesReadBackAsWritten(t *testing.T) {
	keys := Keys()
	rapid.Check(t, func(t *rapid.T) {
		k := rapid.SampledFrom(keys).Draw(t, "key")
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[0-9]{1,20}[smhd]?( [0-9]{1,3}[smhd])*`),
			rapid.SampledFrom([]string{"true", "FALSE", "sync_flush", "04;16", "a;b,c"})).Draw(t, "text")
		c := Default()
		if k.field(c).set(text) != nil {
			if k.Value(c) != k.Value(Default()) {
				t.Fatalf("%s refused %q and changed", k.Name, text)
			}
			return
		}
		once := k.Value(c)
		if err := k.field(c).set(once); err != nil || k.Value(c) != once {
			t.Fatalf("%s=%q reads back as %q, then %q (%v)", k.Name, text, once, k.Value(c), err)
		}
	})
}

func write(t *testing.T, content string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "broker.conf")
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestABrokerConfOfRocketMQLoads(t *testing.T) {
	file := write(t, `
# the file that the distribution comes with, and a little more
brokerClusterName = DefaultCluster
brokerName = broker-a
brokerId = 0
deleteWhen = 04;16
fileReservedTime = 48
brokerRole = ASYNC_MASTER
flushDiskType = sync_flush
namesrvAddr=10.0.0.1:9876;10.0.0.2:9876
storePathRootDir=/data/${user}/store
storePathCommitLog=/a/commitlog,/b/commitlog
messageDelayLevel=1s 90s 2h 1d
`)
	c, warnings, err := Load(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"brokerName": "broker-a", "deleteWhen": "04;16", "fileReservedTime": "48", "flushDiskType": SyncFlush,
		"namesrvAddr": "10.0.0.1:9876;10.0.0.2:9876", "storePathRootDir": "/data/${user}/store",
		"storePathCommitLog": "/a/commitlog,/b/commitlog", "messageDelayLevel": "1s 90s 2h 1d",
		"listenPort": "10911", "enabledAppendPropCRC": "true",
	}
	for _, k := range Keys() {
		if w, ok := want[k.Name]; ok && k.Value(c) != w {
			t.Errorf("%s is %q, %q expected", k.Name, k.Value(c), w)
		}
	}
	if c.ReservedTime != 48*time.Hour || c.DelayLevels[1] != 90*time.Second || !c.Given("deleteWhen") || c.Given("listenPort") {
		t.Errorf("got %+v", c)
	}
	wantWarnings := []Warning{{"brokerRole", "config: " + file + ": brokerRole has no effect: replication is not part of this version"}}
	if diff := cmp.Diff(wantWarnings, warnings); diff != "" {
		t.Error(diff)
	}
}

func TestASettingBeatsTheFile(t *testing.T) {
	c, _, err := Load(write(t, "listenPort=1\nmaxMessageSize=2\n"), []string{"listenPort=3", "brokerIP1 = ::1", "listenPort=4"})
	if err != nil {
		t.Fatal(err)
	}
	if c.ListenPort != 4 || c.MaxMessageBytes != 2 || c.BrokerHost != "::1" {
		t.Errorf("listenPort %d, maxMessageSize %d, brokerIP1 %q", c.ListenPort, c.MaxMessageBytes, c.BrokerHost)
	}
}

func TestNameServersComeFromTheEnvironmentIfNothingElseNamesThem(t *testing.T) {
	t.Setenv("NAMESRV_ADDR", "a:1;b:2")
	for file, want := range map[string][]string{"": {"a:1", "b:2"}, write(t, "namesrvAddr=c:3"): {"c:3"}} {
		c, _, err := Load(file, nil)
		if err != nil || !slices.Equal(c.NamesrvAddrs, want) {
			t.Errorf("got %q (%v), %q expected", c.NamesrvAddrs, err, want)
		}
	}
}

func TestAMisspeltKeyIsPointedOut(t *testing.T) {
	for name, want := range map[string]string{
		"brokerNmae":          "brokerName",
		"flushdisktype":       "flushDiskType",
		"mapedFileSizeCommit": "mappedFileSizeCommitLog",
		"fileReserveTime":     "fileReservedTime",
		"transactionTimeout":  "transactionTimeOut",
		"zzzzzzzzzzzz":        "",
		"":                    "",
	} {
		_, warnings, err := Load("", []string{name + "=1"})
		if err != nil || len(warnings) != 1 || warnings[0].Key != name {
			t.Fatalf("%q: %v, %v", name, warnings, err)
		}
		hint := "is " + want + " meant?"
		if got := warnings[0].Message; strings.Contains(got, "meant") != (want != "") || want != "" && !strings.Contains(got, hint) {
			t.Errorf("%q: %s, %q expected", name, got, want)
		}
	}
}

func TestABadValueNamesKeyValueAndWhatIsExpected(t *testing.T) {
	for set, want := range map[string]string{
		"listenPort=70000":     "config: --set: listenPort=70000: bad configuration: a number from 0 to 65535 is expected",
		"listenPort=":          "config: --set: listenPort=: bad configuration: a number from 0 to 65535 is expected",
		"traceOn=yes":          "config: --set: traceOn=yes: bad configuration: true or false is expected",
		"flushDiskType=NEVER":  "config: --set: flushDiskType=NEVER: bad configuration: ASYNC_FLUSH or SYNC_FLUSH is expected",
		"deleteWhen=24":        "config: --set: deleteWhen=24: bad configuration: hours of the day from 00 to 23, separated by ; is expected",
		"messageDelayLevel=5":  "config: --set: messageDelayLevel=5: bad configuration: up to 64 waits such as 10s 5m 2h 1d, separated by spaces is expected",
		"syncFlushTimeout=5s":  "config: --set: syncFlushTimeout=5s: bad configuration: a number from 1 to 86400000 milliseconds is expected",
		"fileReservedTime=-1":  "config: --set: fileReservedTime=-1: bad configuration: a number from 0 to 87600 hours is expected",
		"maxMessageSize=1 000": "config: --set: maxMessageSize=1 000: bad configuration: a number from 1 to 67108864 bytes is expected",
		"brokerName":           "config: --set brokerName: bad configuration: key=value is expected",
	} {
		_, _, err := Load("", []string{set})
		if !errors.Is(err, ErrConfig) || err.Error() != want {
			t.Errorf("%s:\n got %v\nwant %s", set, err, want)
		}
	}
	if _, _, err := Load("", []string{"listenPort=x", "traceOn=x"}); !strings.Contains(err.Error(), "listenPort") || !strings.Contains(err.Error(), "traceOn") {
		t.Errorf("not both errors are reported: %v", err)
	}
	if _, _, err := Load(filepath.Join(t.TempDir(), "none"), nil); !errors.Is(err, ErrConfig) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

func TestReloadTakesWhatARunningProcessCanAndNamesTheRest(t *testing.T) {
	running, _, _ := Load("", []string{"listenPort=1", "defaultQueryMaxNum=10", "namesrvAddr=a:1;b:2"})
	next, _, _ := Load("", []string{"listenPort=2", "defaultQueryMaxNum=20", "namesrvAddr=a:1;b:2"})
	merged, changed, warnings := running.Reload(next)
	if merged.ListenPort != 1 || merged.MaxQueryMessages != 20 || running.MaxQueryMessages != 10 {
		t.Errorf("merged port %d, limit %d; running limit %d", merged.ListenPort, merged.MaxQueryMessages, running.MaxQueryMessages)
	}
	if !slices.Equal(changed, []string{"defaultQueryMaxNum"}) {
		t.Errorf("changed: %q", changed)
	}
	if diff := cmp.Diff([]Warning{{"listenPort", `config: listenPort stays "1": "2" needs a restart`}}, warnings); diff != "" {
		t.Error(diff)
	}
}

func TestHelpAndListingNameEveryKey(t *testing.T) {
	var help, listing strings.Builder
	c, _, err := Load("", nil)
	if err := errors.Join(err, WriteHelp(&help), c.WriteProperties(&listing)); err != nil {
		t.Fatal(err)
	}
	for _, k := range Keys() {
		if !strings.Contains(help.String(), "\n"+k.Name+"="+k.Default+"\n    "+k.Doc) {
			t.Errorf("the help lacks %s", k.Name)
		}
		if !strings.Contains("\n"+listing.String(), "\n"+k.Name+"="+k.Value(c)+"\n") {
			t.Errorf("the listing lacks %s", k.Name)
		}
	}
	again, warnings, err := Load(write(t, listing.String()), nil)
	if err != nil || len(warnings) > 0 {
		t.Fatal(warnings, err)
	}
	if _, changed, fixed := c.Reload(again); len(changed)+len(fixed) > 0 {
		t.Errorf("the listing reads back differently: %v, %v", changed, fixed)
	}
}

func TestAChangeFromOutsideIsTakenAsAWholeOrNotAtAll(t *testing.T) {
	c, _, err := Load("", []string{"listenPort=1"})
	if err != nil {
		t.Fatal(err)
	}
	next, warnings, err := c.With("here", []byte("maxMessageSize=10\nnoSuchKey=1\n"), "kvConfigPath")
	if err != nil || next.MaxMessageBytes != 10 || next.ListenPort != 1 || len(warnings) != 1 || !next.Given("maxMessageSize") {
		t.Errorf("%v, %v: size %d, port %d", err, warnings, next.MaxMessageBytes, next.ListenPort)
	}
	if c.MaxMessageBytes == 10 || c.Given("maxMessageSize") {
		t.Error("the running configuration was changed")
	}
	if _, _, err := c.With("here", []byte("maxMessageSize=many\n")); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), "maxMessageSize=many") {
		t.Error(err)
	}
	if _, _, err := c.With("here", []byte("maxMessageSize=10\nkvConfigPath=/etc/passwd\n"), "kvConfigPath"); !errors.Is(err, ErrFixed) {
		t.Error(err)
	}
}

func TestPasswordsAreNotListed(t *testing.T) {
	c, _, err := Load("", []string{"tls.server.keyPassword=hush"})
	if err != nil || c.TLS.Server.KeyPassword != "hush" {
		t.Fatal(err, c)
	}
	var listing strings.Builder
	if err := c.WriteProperties(&listing); err != nil || strings.Contains(listing.String(), "hush") {
		t.Errorf("%v\n%s", err, &listing)
	}
}
