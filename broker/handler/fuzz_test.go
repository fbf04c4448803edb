package handler_test

import (
	"encoding/json"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/broker/config"
	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// served are the codes that the broker answers, and one that it doesn't.
var served = []int32{
	remoting.CodeSendMessage, remoting.CodeSendMessageV2, remoting.CodeSendBatchMessage, remoting.CodePullMessage, remoting.CodeLitePullMessage,
	remoting.CodeHeartBeat, remoting.CodeUnregisterClient, remoting.CodeGetConsumerListByGroup, remoting.CodeLockBatchMQ, remoting.CodeUnlockBatchMQ,
	remoting.CodeQueryConsumerOffset, remoting.CodeUpdateConsumerOffset, remoting.CodeGetMaxOffset, remoting.CodeGetMinOffset,
	remoting.CodeSearchOffsetByTimestamp, remoting.CodeGetEarliestMsgStoreTime, remoting.CodeConsumerSendMsgBack, remoting.CodeUpdateAndCreateTopic,
	remoting.CodeDeleteTopicInBroker, remoting.CodeGetAllTopicConfig, remoting.CodeUpdateAndCreateSubscriptionGroup, remoting.CodeViewMessageByID,
	remoting.CodeQueryMessage, remoting.CodeCheckClientConfig,
	remoting.CodeUpdateAndCreateTopicList, remoting.CodeGetTopicConfig, remoting.CodeGetTopicStatsInfo, remoting.CodeGetSystemTopicListFromBroker,
	remoting.CodeUpdateAndCreateSubscriptionGroupList, remoting.CodeDeleteSubscriptionGroup, remoting.CodeGetAllSubscriptionGroupConfig,
	remoting.CodeGetSubscriptionGroupConfig, remoting.CodeUpdateAndGetGroupForbidden, remoting.CodeGetConsumeStats, remoting.CodeGetBrokerConsumeStats,
	remoting.CodeQueryConsumeTimeSpan, remoting.CodeGetAllConsumerOffset, remoting.CodeGetAllDelayOffset, remoting.CodeCloneGroupOffset,
	remoting.CodeQueryCorrectionOffset, remoting.CodeInvokeBrokerToResetOffset, remoting.CodeGetConsumerConnectionList,
	remoting.CodeGetProducerConnectionList, remoting.CodeGetAllProducerInfo, remoting.CodeQueryTopicConsumeByWho, remoting.CodeQueryTopicsByConsumer,
	remoting.CodeQuerySubscriptionByConsumer, remoting.CodeGetConsumerRunningInfo, remoting.CodeConsumeMessageDirectly,
	remoting.CodeInvokeBrokerToGetConsumerStatus, remoting.CodeGetBrokerRuntimeInfo, remoting.CodeViewBrokerStatsData, remoting.CodeGetBrokerConfig,
	remoting.CodeUpdateBrokerConfig, remoting.CodeCleanExpiredConsumeQueue, remoting.CodeDeleteExpiredCommitLog, remoting.CodeCleanUnusedTopic,
	remoting.CodeQueryConsumeQueue, 9999,
}

// FuzzServe sends any command to a broker: it must stay up, and answer once whoever wants an answer.
func FuzzServe(f *testing.F) {
	allFields := join(append(append(sendFields("orders", 0), pullFields(0, suspend|subscription|commitOffset)...), topicFields("orders", "offset", "0", "key", "k", "group", "shop", "timestamp", "5")...))
	bodies := []string{"", "{}", "null", string(heartbeat("a", "shop")), `{"clientId":"a","consumerGroup":"shop","mqSet":[{"topic":"orders","queueId":0}]}`, `{"groupName":"g"}`, `[1]`,
		`{"topicConfigList":[{"topicName":"listed","attributes":{"+message.type":"FIFO"}}]}`, `{"groupConfigList":[{"groupName":"listed"}]}`, "brokerPermission=6\n", "{\"a\":"}
	for i, code := range served {
		f.Add(code, false, "", "")
		f.Add(code, true, allFields, bodies[i%len(bodies)])
		f.Add(code, false, allFields, bodies[(i+1)%len(bodies)])
		for _, value := range []string{"", "-1", "9223372036854775807", "99999999999999999999", "\x00", "%RETRY%shop", "%RETRY%", "../x"} {
			f.Add(code, false, withValues(allFields, value), "x")
		}
	}
	for _, body := range bodies {
		f.Add(remoting.CodeHeartBeat, false, "", body)
		f.Add(remoting.CodeSendBatchMessage, false, allFields, strings.Repeat(body, 3))
	}
	b := start(f, vfs.NewMem(), func(c *config.Config) {
		// Nothing that a run leaves behind shall slow down the next ones.
		c.AutoCreateTopic, c.AutoCreateGroup, c.LongPolling, c.ShortPolling = false, false, false, time.Millisecond
	})
	f.Fuzz(func(t *testing.T, code int32, oneway bool, fields, body string) {
		b.Groups.Put(meta.NewGroup("shop"))
		b.Topics.Put(meta.NewTopic("orders", 4), b.Store.Log.Max())
		nc := dialRaw(t, b)
		flag := int32(0)
		if oneway {
			flag = remoting.FlagOneway
		}
		// The two behind it tell that it has been served, and that nothing more comes.
		owed := map[int32]int{2: 1}
		if !oneway {
			owed[1] = 1
		}
		write(t, nc, frame(code, 1, flag, split(fields), []byte(body)), frame(remoting.CodeGetAllTopicConfig, 2, 0, nil, nil))
		expectAnswers(t, b, nc, owed)
		write(t, nc, frame(9999, 3, 0, nil, nil))
		expectAnswers(t, b, nc, map[int32]int{3: 1})
	})
}

func write(t *testing.T, nc net.Conn, frames ...[]byte) {
	t.Helper()
	for _, b := range frames {
		if _, err := nc.Write(b); err != nil {
			t.Fatal(err)
		}
	}
}

// expectAnswers reads answers until each opaque number has been answered as often as it is owed, and expects no others.
func expectAnswers(t *testing.T, f *fixture, r io.Reader, owed map[int32]int) {
	t.Helper()
	for len(owed) > 0 {
		a, err := tryAnswer(r)
		if err != nil {
			t.Fatalf("%v; the broker says\n%s", err, f.log)
		}
		if a.Flag&int32(remoting.FlagResponse) == 0 {
			continue // a notice to the consumer that the heartbeat made of us
		}
		if owed[a.Opaque]--; owed[a.Opaque] < 0 {
			t.Fatalf("an answer that nobody asked for: %+v", a)
		} else if owed[a.Opaque] == 0 {
			delete(owed, a.Opaque)
		}
	}
}

// join and split turn fields into text, which the fuzzer changes, and back.
func join(f remoting.Fields) string {
	var lines []string
	for _, x := range f {
		lines = append(lines, string(x.Key)+"="+string(x.Value))
	}
	return strings.Join(lines, "\n")
}

func split(text string) (f remoting.Fields) {
	for line := range strings.SplitSeq(text, "\n") {
		name, value, _ := strings.Cut(line, "=")
		f.Add(name, value)
	}
	return f
}

// withValues gives all fields the same value.
func withValues(text, value string) string {
	f := split(text)
	for i := range f {
		f[i].Value = []byte(value)
	}
	return join(f)
}

func TestFieldsThatAreMissingOrOfTheWrongKindAreAnswered(t *testing.T) {
	f := start(t, vfs.NewMem(), nil)
	c := f.dial(t)
	for _, code := range served {
		for _, body := range []string{"", "{", "[]", "\xff\xfe"} {
			for _, fs := range []remoting.Fields{nil, split(withValues(join(pullFields(0, 0)), "")), split(withValues(join(pullFields(0, 0)), "x"))} {
				if r := c.call(t, code, fs, []byte(body)); r.Code != remoting.RespSuccess && r.Remark == "" {
					t.Errorf("%s with body %q: answer %d has no remark", remoting.RequestName(code), body, r.Code)
				}
			}
		}
	}
	if !json.Valid(c.ok(t, remoting.CodeGetAllTopicConfig, nil, nil).Body) {
		t.Error("the topics are no JSON")
	}
}
