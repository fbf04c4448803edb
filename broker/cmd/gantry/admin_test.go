package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/commitlog/record"
)

var update = flag.Bool("update", false, "write what the commands print, and the table of docs/admin.md, instead of comparing")

// fakeCluster is a name server and the broker that it knows in one: it answers each code with a body, whatever the request.
type fakeCluster map[int32]fakeAnswer

type fakeAnswer struct {
	code   int32
	fields map[string]string
	body   string
}

func (f fakeCluster) Serve(c *remoting.Conn, cmds []remoting.Command) {
	for i := range cmds {
		a, ok := f[cmds[i].Code]
		if !ok {
			a.code = remoting.RespRequestCodeNotSupported
		}
		if cmds[i].Fields.Str("topic") == "none" {
			a = fakeAnswer{code: remoting.RespTopicNotExist}
		}
		w := c.Reply(cmds[i].Ticket(), a.code, "")
		for name, value := range a.fields {
			w.Str(name, value)
		}
		w.Body([]byte(a.body))
		w.End()
	}
}

func (fakeCluster) Closed(*remoting.Conn) {}

// start serves and returns the address.
func (f fakeCluster) start(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	set := `{"brokerAddrs":{0:"` + addr + `"},"brokerName":"broker-a","cluster":"DefaultCluster","enableActingMaster":false}`
	f[remoting.CodeGetBrokerClusterInfo] = fakeAnswer{body: `{"brokerAddrTable":{"broker-a":` + set + `},"clusterAddrTable":{"DefaultCluster":["broker-a"]}}`}
	f[remoting.CodeGetRouteInfoByTopic] = fakeAnswer{body: `{"orderTopicConf":"broker-a:1","brokerDatas":[` + set + `],"filterServerTable":{},"queueDatas":[{"brokerName":"broker-a","perm":6,"readQueueNums":1,"topicSysFlag":0,"writeQueueNums":1}]}`}
	s := remoting.NewServer(f, remoting.ServerOptions{Logger: slog.New(slog.DiscardHandler)})
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Serve(l) // ends with the test
	}()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		s.Shutdown(ctx)
		<-done
	})
	return addr
}

// answers are those of a broker with one topic, orders, with one message in it, and one group, billing.
func answers(t *testing.T) fakeCluster {
	t.Helper()
	host := record.Host{}
	if err := host.IP.UnmarshalText([]byte("127.0.0.1")); err != nil {
		t.Fatal(err)
	}
	host.Port = 10911
	d := record.Draft{
		Topic: "orders", BornTimestamp: 1795634307000, BornHost: host, StoreHost: host, Body: []byte("hello\nworld\x1b[31m"), LogOffset: 4711,
		QueueOffset: 7, StoreTimestamp: 1795634307930,
		Properties: []byte("KEYS\x01k1 order-4711\x02TAGS\x01new\x02UNIQ_KEY\x017F000001000071F5BDD29DC8F6C40000\x02color\x01red"),
	}
	rec, err := d.AppendTo(nil, false)
	if err != nil {
		t.Fatal(err)
	}
	d.Finish(rec)
	ok := fakeAnswer{}
	offset := func(n string) fakeAnswer { return fakeAnswer{fields: map[string]string{"offset": n}} }
	key := `{"brokerName":"broker-a","queueId":0,"topic":"orders"}`
	return fakeCluster{
		remoting.CodeUpdateAndCreateTopic:             ok,
		remoting.CodePutKVConfig:                      ok,
		remoting.CodeDeleteTopicInBroker:              ok,
		remoting.CodeDeleteTopicInNamesrv:             ok,
		remoting.CodeUpdateAndCreateSubscriptionGroup: ok,
		remoting.CodeDeleteSubscriptionGroup:          ok,
		remoting.CodeUpdateBrokerConfig:               ok,
		remoting.CodeGetAllTopicListFromNameServer:    {body: `{"topicList":["orders","%RETRY%billing","TBW102"]}`},
		remoting.CodeQueryTopicConsumeByWho:           {body: `{"groupList":["billing"]}`},
		remoting.CodeGetTopicStatsInfo:                {body: `{"offsetTable":{` + key + `:{"lastUpdateTimestamp":1795634307930,"maxOffset":8,"minOffset":7}},"topicPutTps":0.5}`},
		remoting.CodeGetBrokerRuntimeInfo:             {body: `{"table":{"brokerVersionDesc":"V5_5_0","putTps":"1.5 0.5 0.1","getTransferredTps":"2 1 0","commitLogDiskRatio":"0.24","brokerActive":"true","msgPutTotalYesterdayMorning":"1","msgPutTotalTodayMorning":"11","msgPutTotalTodayNow":"111"}}`},
		remoting.CodeGetBrokerConfig:                  {body: "brokerName=broker-a\nautoCreateTopicEnable=true\n"},
		remoting.CodeGetConsumeStats:                  {body: `{"consumeTps":1.5,"offsetTable":{` + key + `:{"brokerOffset":8,"consumerOffset":3,"lastTimestamp":1795634307930,"pullOffset":5}}}`},
		remoting.CodeGetConsumerConnectionList:        {body: `{"connectionSet":[{"clientAddr":"10.0.0.9:34038","clientId":"10.0.0.9@26689","language":"GO","version":317}],"consumeFromWhere":"CONSUME_FROM_FIRST_OFFSET","consumeType":"CONSUME_PASSIVELY","messageModel":"CLUSTERING","subscriptionTable":{"orders":{"expressionType":"TAG","subString":"new || old","topic":"orders"}}}`},
		remoting.CodeGetConsumerRunningInfo:           {body: `{"mqTable":{` + key + `:{}}}`},
		remoting.CodeGetProducerConnectionList:        {body: `{"connectionSet":[{"clientAddr":"10.0.0.8:34038","clientId":"10.0.0.8@1#2","language":"JAVA","version":513}]}`},
		remoting.CodeInvokeBrokerToResetOffset:        {body: `{"offsetTable":{` + key + `:7}}`},
		remoting.CodeUpdateConsumerOffset:             ok,
		remoting.CodeQueryMessage:                     {body: string(rec)},
		remoting.CodeGetMinOffset:                     offset("7"),
		remoting.CodeGetMaxOffset:                     offset("8"),
		remoting.CodeSearchOffsetByTimestamp:          offset("7"),
		remoting.CodePullMessage:                      {fields: map[string]string{"nextBeginOffset": "8"}, body: string(rec)},
		remoting.CodeSendMessageV2:                    {fields: map[string]string{"msgId": "7F00000100002A9F0000000000001268", "queueId": "0", "queueOffset": "8"}},
	}
}

// runAdmin runs `gantry admin` in this process.
func runAdmin(args ...string) (stdout string, err error) {
	var out bytes.Buffer
	root := newRoot()
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(append([]string{"admin"}, args...))
	err = root.Execute()
	return out.String(), err
}

// TestCommandsPrintWhatTheScriptSays runs the commands of testdata/admin.txt: lines that begin with "$ ", each followed by what is printed, the error and the exit code.
func TestCommandsPrintWhatTheScriptSays(t *testing.T) {
	local := time.Local
	time.Local = time.UTC
	defer func() { time.Local = local }()
	addr := answers(t).start(t)
	t.Setenv("NAMESRV_ADDR", addr)
	const path = "testdata/admin.txt"
	script, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	random := regexp.MustCompile(`[0-9A-F]{32}`)
	var got strings.Builder
	for line := range strings.Lines(string(script)) {
		if strings.HasPrefix(line, "#") {
			if got.Len() > 0 {
				got.WriteString("\n")
			}
			got.WriteString(line)
		}
		command, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "$ gantry admin ")
		if !ok {
			continue
		}
		out, err := runAdmin(words(command)...)
		if err != nil {
			out += "gantry: " + advice(err) + "\n"
		}
		// The real address is as long as this one, so columns stay where they are.
		out = strings.ReplaceAll(out, addr, "127.0.0.1:10911")
		if strings.Contains(command, "send") {
			out = random.ReplaceAllString(out, strings.Repeat("X", 32))
		}
		fmt.Fprintf(&got, "\n%s%s[%d]\n", line, out, exitCode(err))
	}
	compare(t, path, string(script), got.String())
}

// words splits a command at spaces outside of single quotes.
func words(command string) []string {
	var all []string
	for i, part := range strings.Split(command, "'") {
		if i%2 == 1 {
			all = append(all, part)
		} else {
			all = append(all, strings.Fields(part)...)
		}
	}
	return all
}

// compare compares with a file, or writes it.
func compare(t *testing.T, path, want, got string) {
	t.Helper()
	if got == want {
		return
	}
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		if i >= len(w) || i >= len(g) || w[i] != g[i] {
			t.Fatalf("%s, line %d (-update writes the file anew):\n got %q\nwant %q", path, i+1, at(g, i), at(w, i))
		}
	}
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "the end"
}

func TestAVerbIsTheSameUnderBothNames(t *testing.T) {
	seen := map[string]bool{}
	for _, v := range verbs() {
		if seen[v.mqadmin] || seen[v.friendly] {
			t.Errorf("%s or %s is there twice", v.mqadmin, v.friendly)
		}
		seen[v.mqadmin], seen[v.friendly] = true, true
		if len(v.examples) == 0 {
			t.Errorf("%s has no example", v.mqadmin)
		}
		flagsOf := func(name string) string {
			cmd, rest, err := newAdmin().Find(strings.Fields(name))
			if err != nil || len(rest) > 0 {
				t.Fatalf("%s: %v, %v", name, rest, err)
			}
			return cmd.Flags().FlagUsages()
		}
		if flagsOf(v.mqadmin) != flagsOf(v.friendly) {
			t.Errorf("%s and %s have different flags", v.mqadmin, v.friendly)
		}
		for _, e := range v.examples {
			if !strings.HasPrefix(e, v.mqadmin+" ") && e != v.mqadmin && !strings.HasPrefix(e, v.friendly) {
				t.Errorf("%s has the example of another: %s", v.mqadmin, e)
			}
		}
	}
}

func TestExamplesOfTheHelpWork(t *testing.T) {
	addr := answers(t).start(t)
	t.Setenv("NAMESRV_ADDR", addr)
	for _, v := range verbs() {
		for _, e := range v.examples {
			e, _, _ = strings.Cut(e, " |")
			e = strings.NewReplacer("127.0.0.1:9876", addr, "127.0.0.1:10911", addr, " -i 5", "").Replace(e)
			if strings.Contains(e, "-d ") || strings.Contains(e, "2A9F") { // the fake broker is at another address than its message says
				continue
			}
			if out, err := runAdmin(words(e)...); err != nil {
				t.Errorf("gantry admin %s: %v\n%s", e, err, out)
			}
		}
	}
}

func TestCompletionAsksTheCluster(t *testing.T) {
	addr := answers(t).start(t)
	for _, test := range []struct{ line, want string }{
		{"topic route ", "TBW102 orders"}, {"topic route o", "orders"}, {"topicRoute -t ", "TBW102 orders"}, {"consumer progress ", "billing"},
		{"consumerProgress -g b", "billing"}, {"topic create x -b ", "broker-a"}, {"topic create x -c ", "DefaultCluster"},
		{"topic list --output ", "table json"}, {"topic route orders ", ""}, {"topic ro", "route"}, {"message key ", ""},
	} {
		args := strings.Split("__complete admin -n "+addr+" "+test.line, " ")
		var out bytes.Buffer
		root := newRoot()
		root.SetOut(&out)
		root.SetErr(new(bytes.Buffer))
		root.SetArgs(args)
		if err := root.Execute(); err != nil {
			t.Fatal(err)
		}
		var got []string
		for line := range strings.Lines(out.String()) {
			if word, _, _ := strings.Cut(strings.TrimSpace(line), "\t"); word != "" && word[0] != ':' {
				got = append(got, word)
			}
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%q completes to %q, expected %q", test.line, got, test.want)
		}
	}
	start := time.Now()
	root := newRoot()
	root.SetOut(new(bytes.Buffer))
	root.SetErr(new(bytes.Buffer))
	root.SetArgs([]string{"__complete", "admin", "-n", silent(t), "topic", "route", ""})
	if err := root.Execute(); err != nil || time.Since(start) > patience/2 {
		t.Errorf("with a silent name server: %v after %v", err, time.Since(start))
	}
}

// silent is an address where connections succeed and nobody answers.
func silent(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

// TestTheTableOfVerbsIsUpToDate compares the table in docs/admin.md with the commands.
func TestTheTableOfVerbsIsUpToDate(t *testing.T) {
	path := filepath.Join("..", "..", "..", "docs", "admin.md")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const head = "| by subject | in mqadmin | what it does | flags |\n| --- | --- | --- | --- |\n"
	before, table, ok := strings.Cut(string(text), head)
	if !ok {
		t.Fatalf("%s has no table of verbs", path)
	}
	after := ""
	if i := strings.Index(table, "\n\n"); i >= 0 {
		after = table[i+1:]
	}
	var want strings.Builder
	want.WriteString(before + head)
	for _, v := range verbs() {
		fmt.Fprintf(&want, "| `%s` | `%s` | %s | %s |\n", v.friendly, v.mqadmin, v.short, flagList(t, v))
	}
	want.WriteString(after)
	compare(t, path, string(text), want.String())
}

// flagList are a verb's flags, those that can be given as arguments in brackets first.
func flagList(t *testing.T, v verb) string {
	t.Helper()
	cmd, _, err := newAdmin().Find([]string{v.mqadmin})
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, name := range v.args {
		list = append(list, "["+name+"]")
	}
	for line := range strings.Lines(cmd.LocalNonPersistentFlags().FlagUsages()) {
		fields := strings.Fields(line)
		flag := fields[0]
		if strings.HasSuffix(flag, ",") {
			flag += " " + fields[1]
		}
		if !strings.Contains(flag, "--help") {
			list = append(list, "`"+flag+"`")
		}
	}
	return strings.Join(list, " ")
}

func TestTimesAreReadInAllTheirForms(t *testing.T) {
	want := time.Date(2026, 1, 31, 8, 0, 0, 0, time.Local)
	for text, ms := range map[string]int64{
		"2026-01-31#08:00:00:000": want.UnixMilli(), "2026-01-31#08:00:00:250": want.UnixMilli() + 250, "2026-01-31#08:00:00": want.UnixMilli(),
		"2026-01-31 08:00:00": want.UnixMilli(), "2026-01-31": want.UnixMilli() - 8*3600_000, "1769846400000": 1769846400000, "-1": -1, "0": 0,
		"2026-01-31T08:00:00Z": time.Date(2026, 1, 31, 8, 0, 0, 0, time.UTC).UnixMilli(),
	} {
		var m moment
		if err := m.Set(text); err != nil || int64(m) != ms {
			t.Errorf("%s: %d, %v; expected %d", text, m, err, ms)
		}
	}
	var m moment
	if err := m.Set("now"); err != nil || time.Since(time.UnixMilli(int64(m))).Abs() > time.Minute {
		t.Errorf("now: %d, %v", m, err)
	}
	for _, text := range []string{"", "yesterday", "2026-13-01", "2026-01-31#", "2026-01-31#08:00:00:", "2026-01-31#08:00:00:1:2"} {
		if err := m.Set(text); err == nil {
			t.Errorf("%q is %d", text, m)
		}
	}
}

func TestNameServersComeFromFlagEnvironmentOrDefault(t *testing.T) {
	for _, test := range []struct{ flag, env, want string }{
		{"a:1", "b:1", "a:1"}, {"", "b:1;c:1", "b:1 c:1"}, {"", "", "127.0.0.1:9876"}, {" a:1 ; http://b:2;", "", "a:1 b:2"}, {";", "b:1", "127.0.0.1:9876"},
	} {
		t.Setenv("NAMESRV_ADDR", test.env)
		a := adminFlags{namesrv: test.flag}
		if got := strings.Join(a.namesrvs(), " "); got != test.want {
			t.Errorf("%+v: %s", test, got)
		}
	}
}
