package cases;

import java.util.List;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/**
 * Push consumers of two groups, one that takes messages concurrently and one that does it orderly, which report each message until they are
 * told to stop: {@code cases.Consume NAMESRV TOPIC CONCURRENT_GROUP ORDERLY_GROUP}.
 */
public final class Consume {
    private final Reporter reporter = new Reporter();

    private Consume() {
    }

    public static void main(String[] args) throws Exception {
        Consume all = new Consume();
        try {
            DefaultMQPushConsumer concurrent = consumer(args[0], args[1], args[2]);
            concurrent.registerMessageListener((MessageListenerConcurrently) (batch, context) -> {
                all.report(args[2], context.getMessageQueue(), batch);
                return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
            });
            DefaultMQPushConsumer orderly = consumer(args[0], args[1], args[3]);
            orderly.registerMessageListener((MessageListenerOrderly) (batch, context) -> {
                all.report(args[3], context.getMessageQueue(), batch);
                return ConsumeOrderlyStatus.SUCCESS;
            });
            concurrent.start();
            orderly.start();
            all.reporter.over.await();
            concurrent.shutdown();
            orderly.shutdown();
        } catch (Throwable e) {
            e.printStackTrace();
            System.exit(1);
        }
        System.exit(0); // the client leaves threads behind
    }

    private static DefaultMQPushConsumer consumer(String namesrv, String topic, String group) throws Exception {
        DefaultMQPushConsumer c = Reporter.set(new DefaultMQPushConsumer(group), namesrv);
        c.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        c.setConsumeThreadMin(4);
        c.setConsumeThreadMax(4);
        c.subscribe(topic, "*");
        return c;
    }

    private void report(String group, MessageQueue queue, List<MessageExt> batch) {
        for (MessageExt m : batch) {
            reporter.received(group, Body.number(m.getBody()), queue, m.getQueueOffset());
        }
    }
}
