package cases;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyContext;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.exception.MQBrokerException;
import org.apache.rocketmq.client.exception.RequestTimeoutException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.RequestCallback;
import org.apache.rocketmq.client.utils.MessageUtil;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageAccessor;
import org.apache.rocketmq.common.message.MessageConst;
import org.apache.rocketmq.common.message.MessageExt;

/** Requests: messages whose sender waits for a reply of their consumer. */
final class Replying {
    private static final long PATIENCE = 20_000;

    private Replying() {
    }

    static void cases(Suite suite) {
        suite.add("RequestSync", Replying::sync);
        suite.add("RequestAsync", Replying::async);
        suite.add("RequestWithoutReply", Replying::withoutReply);
        suite.add("ReplyToNobody", Replying::toNobody);
    }

    /** Starts a consumer that replies to number n with "reply to n", and returns the topic. */
    private static String replier(Stage stage) throws Exception {
        String topic = stage.topic(4);
        DefaultMQProducer replies = stage.set(new DefaultMQProducer(stage.name + "-replies"));
        stage.start(replies);
        DefaultMQPushConsumer c = stage.push(stage.name);
        c.registerMessageListener((List<MessageExt> batch, ConsumeConcurrentlyContext context) -> {
            for (MessageExt m : batch) {
                try {
                    replies.send(MessageUtil.createReplyMessage(m, text("reply to " + Seen.number(m))));
                } catch (Exception e) {
                    return ConsumeConcurrentlyStatus.RECONSUME_LATER;
                }
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        c.subscribe(topic, "*");
        stage.start(c);
        return topic;
    }

    private static byte[] text(String s) {
        return s.getBytes(StandardCharsets.UTF_8);
    }

    private static void sync(Stage stage) throws Exception {
        String topic = replier(stage);
        for (int i = 0; i < 20; i++) {
            Message reply = stage.producer().request(Stage.message(topic, i), PATIENCE);
            Check.equal("reply", new String(reply.getBody(), StandardCharsets.UTF_8), "reply to " + i);
            Check.that("no time of arrival", reply.getProperty(MessageConst.PROPERTY_PUSH_REPLY_TIME) != null);
        }
    }

    private static void async(Stage stage) throws Exception {
        String topic = replier(stage);
        CompletableFuture<?>[] all = new CompletableFuture<?>[20];
        for (int i = 0; i < all.length; i++) {
            String expected = "reply to " + i;
            CompletableFuture<String> reply = new CompletableFuture<>();
            all[i] = reply.thenAccept(got -> Check.equal("reply", got, expected));
            stage.producer().request(Stage.message(topic, i), new RequestCallback() {
                @Override
                public void onSuccess(Message message) {
                    reply.complete(new String(message.getBody(), StandardCharsets.UTF_8));
                }

                @Override
                public void onException(Throwable e) {
                    reply.completeExceptionally(e);
                }
            }, PATIENCE);
        }
        CompletableFuture.allOf(all).get(PATIENCE, TimeUnit.MILLISECONDS);
    }

    private static void withoutReply(Stage stage) throws Exception {
        String topic = stage.topic(1);
        Exception e = Check.fails("a request that nobody replies to", () -> stage.producer().request(Stage.message(topic, 1), 5000));
        Check.that("another exception: " + e, e instanceof RequestTimeoutException);
    }

    private static void toNobody(Stage stage) throws Exception {
        Message request = new Message(stage.name, text("1"));
        MessageAccessor.putProperty(request, MessageConst.PROPERTY_CLUSTER, "DefaultCluster");
        MessageAccessor.putProperty(request, MessageConst.PROPERTY_CORRELATION_ID, "1");
        MessageAccessor.putProperty(request, MessageConst.PROPERTY_MESSAGE_REPLY_TO_CLIENT, "nobody");
        MessageAccessor.putProperty(request, MessageConst.PROPERTY_MESSAGE_TTL, "1000");
        DefaultMQProducer p = stage.producer();
        Message reply = MessageUtil.createReplyMessage(request, text("reply"));
        Exception e = Check.fails("a reply to nobody", () -> p.send(reply, stage.queue(reply.getTopic(), 0)));
        Check.that("another exception: " + e, e instanceof MQBrokerException && ((MQBrokerException) e).getResponseCode() == 1);
    }
}
