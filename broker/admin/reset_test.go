package admin

import (
	"errors"
	"testing"

	"github.com/gantry-mq/gantry/broker/remoting"
)

func TestOnlineConsumersAreResetByTheirBroker(t *testing.T) {
	c := newCluster(t, 1)
	c.say(remoting.CodeInvokeBrokerToResetOffset, answer{body: `{"offsetTable":{{"brokerName":"b0","queueId":1,"topic":"orders"}:7,{"brokerName":"b0","queueId":0,"topic":"orders"}:0}}`})
	list, err := c.client.ResetOffsets(t.Context(), Reset{Group: "g", Topic: "orders", Time: 1000, QueueID: -1})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "offsets", list, []ResetOffset{{Queue{"orders", "b0", 0}, 0}, {Queue{"orders", "b0", 1}, 7}})
	equal(t, "request", c.brokers[0].got(), []string{"INVOKE_BROKER_TO_RESET_OFFSET group=g isForce=true offset=-1 queueId=-1 timestamp=1000 topic=orders"})
}

func TestOfflineGroupsGetNewOffsetsWhereTheyHaveConsumed(t *testing.T) {
	c := newCluster(t, 1)
	b := c.brokers[0]
	b.says(remoting.CodeInvokeBrokerToResetOffset, answer{code: remoting.RespConsumerNotOnline})
	b.says(remoting.CodeGetConsumeStats, answer{body: stats0})
	b.says(remoting.CodeSearchOffsetByTimestamp, answer{fields: map[string]string{"offset": "3"}})
	b.says(remoting.CodeGetMaxOffset, answer{fields: map[string]string{"offset": "9"}})
	b.says(remoting.CodeUpdateConsumerOffset, answer{})
	for _, test := range []struct {
		reset Reset
		want  []ResetOffset
	}{
		{Reset{Time: 1000}, []ResetOffset{{Queue{"orders", "b0", 0}, 3}, {Queue{"orders", "b0", 1}, 3}}},
		{Reset{Time: Latest}, []ResetOffset{{Queue{"orders", "b0", 0}, 9}, {Queue{"orders", "b0", 1}, 9}}},
		{Reset{Time: 1000, OnlyBack: true}, []ResetOffset{{Queue{"orders", "b0", 1}, 3}}}, // the other is at 0 still
	} {
		test.reset.Group, test.reset.Topic, test.reset.QueueID = "g", "orders", -1
		before := len(b.got(remoting.CodeUpdateConsumerOffset))
		list, err := c.client.ResetOffsets(t.Context(), test.reset)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "offsets", list, test.want)
		if n := len(b.got(remoting.CodeUpdateConsumerOffset)) - before; n != len(test.want) {
			t.Errorf("%d offsets were committed, expected %d", n, len(test.want))
		}
	}
}

// A broker that leaves resets to its consumers ignores the queue and would move all others back to the time of the request.
func TestResettingOneQueueMovesNoOther(t *testing.T) {
	c := newCluster(t, 1)
	b := c.brokers[0]
	b.says(remoting.CodeUpdateConsumerOffset, answer{})
	b.says(remoting.CodeInvokeBrokerToResetOffset, answer{code: remoting.RespConsumerNotOnline})
	list, err := c.client.ResetOffsets(t.Context(), Reset{Group: "g", Topic: "orders", Broker: b.addr, QueueID: 1, Offset: 0})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "offsets", list, []ResetOffset{{Queue{"orders", "", 1}, 0}})
	equal(t, "requests", b.got(), []string{
		"UPDATE_CONSUMER_OFFSET commitOffset=0 consumerGroup=g queueId=1 topic=orders",
		"INVOKE_BROKER_TO_RESET_OFFSET group=g isForce=false offset=0 queueId=1 timestamp=-1 topic=orders",
	})
	b.says(remoting.CodeSearchOffsetByTimestamp, answer{fields: map[string]string{"offset": "5"}})
	if list, err = c.client.ResetOffsets(t.Context(), Reset{Group: "g", Topic: "orders", Broker: b.addr, QueueID: 1, Offset: -1, Time: 1000}); err != nil || list[0].Offset != 5 {
		t.Errorf("by time: %v, %v", list, err)
	}
	b.says(remoting.CodeInvokeBrokerToResetOffset, answer{code: remoting.RespSubscriptionGroupNotExist})
	if _, err := c.client.ResetOffsets(t.Context(), Reset{Group: "g", Topic: "orders", Broker: b.addr, QueueID: 1}); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}
