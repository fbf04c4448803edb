package handler_test

import (
	"testing"

	"github.com/gantry-mq/gantry/broker/config"
	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

func TestALightQueueIsConsumedThoughNobodyCreatedIt(t *testing.T) {
	mem := vfs.NewMem()
	light := func(c *config.Config) { c.EnableLMQ, c.EnableMultiDispatch = true, true }
	f := start(t, mem, light)
	c := f.dial(t)
	sf := sendFields("orders", 0)
	sf.Add("i", string(record.AppendProperty(record.AppendProperty(nil, record.PropUniqKey, "k"), record.PropMultiDispatch, "%LMQ%a,%LMQ%b")))
	for _, body := range []string{"x", "y"} {
		c.ok(t, remoting.CodeSendMessageV2, sf, []byte(body))
	}
	f.arrive(t, "%LMQ%b", 0, 1)
	of := []string{"consumerGroup", "%LMQ%phone", "topic", "%LMQ%b"}
	checkPull(t, c.ok(t, remoting.CodePullMessage, pullFields(0, subscription, of...), nil), remoting.RespSuccess, 2, 0, 2, "x y")
	c.fails(t, remoting.RespInvalidParameter, remoting.CodePullMessage, pullFields(0, subscription, append(of, "queueId", "1")...), nil)
	c.ok(t, remoting.CodeUpdateConsumerOffset, queueFields(append(of, "commitOffset", "1")...), nil)
	if n := number(t, c.ok(t, remoting.CodeGetMaxOffset, queueFields(of...), nil), "offset"); n != 2 {
		t.Errorf("max offset %d", n)
	}
	c.Close()
	f.stop(t)
	if b, err := vfs.ReadFile(mem, "store/config/lmqConsumerOffset.json"); err != nil || len(b) == 0 {
		t.Errorf("%q %v", b, err)
	}
	f = start(t, mem, light)
	c = f.dial(t)
	if n := number(t, c.ok(t, remoting.CodeQueryConsumerOffset, queueFields(of...), nil), "offset"); n != 1 {
		t.Errorf("offset %d", n)
	}
	checkPull(t, c.ok(t, remoting.CodePullMessage, pullFields(1, subscription, of...), nil), remoting.RespSuccess, 2, 0, 2, "y")
}

func TestALightQueueIsNoTopicWhereTheyAreOff(t *testing.T) {
	f := start(t, vfs.NewMem(), nil)
	c := f.dial(t)
	c.fails(t, remoting.RespTopicNotExist, remoting.CodePullMessage, pullFields(0, subscription, "topic", "%LMQ%b"), nil)
}
