// Command tour sends ten messages through a running `gantry up` with the official Go client for
// the Remoting protocol, and receives them again.
package main

import (
	"context"
	"fmt"
	"log"

	rocketmq "github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/admin"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
	"github.com/apache/rocketmq-client-go/v2/rlog"
)

func main() {
	rlog.SetLogLevel("error")
	ctx := context.Background()
	namesrv := []string{"127.0.0.1:9876"}

	a, err := admin.NewAdmin(admin.WithResolver(primitive.NewPassthroughResolver(namesrv)))
	check(err)
	check(a.CreateTopic(ctx, admin.WithTopicCreate("tour"), admin.WithBrokerAddrCreate("127.0.0.1:10911")))

	received := make(chan string)
	c, err := rocketmq.NewPushConsumer(consumer.WithNameServer(namesrv), consumer.WithGroupName("tourists"))
	check(err)
	check(c.Subscribe("tour", consumer.MessageSelector{Type: consumer.TAG, Expression: "sight"},
		func(_ context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
			for _, m := range messages {
				received <- string(m.Body)
			}
			return consumer.ConsumeSuccess, nil
		}))
	check(c.Start())

	p, err := rocketmq.NewProducer(producer.WithNameServer(namesrv), producer.WithGroupName("guides"))
	check(err)
	check(p.Start())
	for i := range 10 {
		m := primitive.NewMessage("tour", fmt.Appendf(nil, "sight %d", i)).WithTag("sight")
		result, err := p.SendSync(ctx, m)
		check(err)
		fmt.Printf("sent      sight %d to queue %d, offset %d\n", i, result.MessageQueue.QueueId, result.QueueOffset)
	}
	for range 10 {
		fmt.Println("received ", <-received)
	}
	check(c.Shutdown())
	check(p.Shutdown())
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
