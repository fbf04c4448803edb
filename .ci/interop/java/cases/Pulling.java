package cases;

import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.PullCallback;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** The old pull consumer: one request, one answer. */
final class Pulling {
    private Pulling() {
    }

    static void cases(Suite suite) {
        suite.add("PullByOffset", Pulling::byOffset);
        suite.add("PullWaitsForMessages", Pulling::waits);
        suite.add("PullWithTags", Pulling::tags);
        suite.add("PullBoundsAndTimes", Pulling::bounds);
        suite.add("PullCommitsOffsets", Pulling::commits);
    }

    private static void byOffset(Stage stage) throws Exception {
        String topic = stage.topic(2);
        stage.send(topic, 2, 0, 20);
        DefaultMQPullConsumer c = stage.pull(stage.name);
        Set<MessageQueue> queues = c.fetchSubscribeMessageQueues(topic);
        Check.equal("queues", queues, Set.of(stage.queue(topic, 0), stage.queue(topic, 1)));
        MessageQueue q = stage.queue(topic, 1);
        PullResult r = c.pull(q, "*", 3, 4);
        Check.equal("status", r.getPullStatus(), PullStatus.FOUND);
        Check.equal("messages", r.getMsgFoundList().size(), 4);
        for (int i = 0; i < 4; i++) {
            MessageExt m = r.getMsgFoundList().get(i);
            Check.equal("number", Seen.number(m), 2 * (3 + i) + 1);
            Check.equal("queue offset", m.getQueueOffset(), 3L + i);
        }
        Check.equal("next offset", r.getNextBeginOffset(), 7L);
        Check.equal("bounds", r.getMinOffset() + "…" + r.getMaxOffset(), "0…10");
        Check.equal("status at the end", c.pull(q, "*", 10, 4).getPullStatus(), PullStatus.NO_NEW_MSG);
        PullResult beyond = c.pull(q, "*", 1000, 4);
        Check.equal("status beyond the end", beyond.getPullStatus(), PullStatus.OFFSET_ILLEGAL);
        Check.equal("next offset from there", beyond.getNextBeginOffset(), 10L);
    }

    private static void waits(Stage stage) throws Exception {
        String topic = stage.topic(1);
        stage.send(topic, 1, 0, 1);
        DefaultMQPullConsumer c = stage.pull(stage.name);
        CompletableFuture<PullResult> pulled = new CompletableFuture<>();
        c.pullBlockIfNotFound(stage.queue(topic, 0), "*", 1, 32, new PullCallback() {
            @Override
            public void onSuccess(PullResult r) {
                pulled.complete(r);
            }

            @Override
            public void onException(Throwable e) {
                pulled.completeExceptionally(e);
            }
        });
        Thread.sleep(500);
        Check.that("answered without a message", !pulled.isDone());
        stage.send(topic, 1, 1, 1);
        PullResult r = pulled.get(1, TimeUnit.SECONDS);
        Check.equal("status", r.getPullStatus(), PullStatus.FOUND);
        Check.equal("number", Seen.number(r.getMsgFoundList().get(0)), 1);
    }

    private static void tags(Stage stage) throws Exception {
        String topic = stage.topic(1);
        for (int i = 0; i < 40; i++) {
            var m = Stage.message(topic, i);
            m.setTags(i % 4 == 0 ? "rare" : "common");
            stage.send(m, 0);
        }
        DefaultMQPullConsumer c = stage.pull(stage.name);
        PullResult r = c.pull(stage.queue(topic, 0), "rare", 0, 32);
        Check.equal("status", r.getPullStatus(), PullStatus.FOUND);
        Check.that("another tag", r.getMsgFoundList().stream().allMatch(m -> m.getTags().equals("rare")));
        Check.equal("messages", r.getMsgFoundList().size(), 10);
        r = c.pull(stage.queue(topic, 0), "none", 0, 32);
        Check.equal("status without a match", r.getPullStatus(), PullStatus.NO_MATCHED_MSG);
        Check.equal("next offset without a match", r.getNextBeginOffset(), 40L);
    }

    private static void bounds(Stage stage) throws Exception {
        String topic = stage.topic(1);
        MessageQueue q = stage.queue(topic, 0);
        DefaultMQPullConsumer c = stage.pull(stage.name);
        Check.equal("first offset of an empty queue", c.minOffset(q), 0L);
        Check.equal("end of an empty queue", c.maxOffset(q), 0L);
        long before = System.currentTimeMillis();
        stage.send(topic, 1, 0, 5);
        Thread.sleep(20);
        long between = System.currentTimeMillis();
        Thread.sleep(20);
        stage.send(topic, 1, 5, 5);
        Check.equal("first offset", c.minOffset(q), 0L);
        Check.eventually("the end is 10", () -> c.maxOffset(q) == 10);
        Check.equal("offset of a time", c.searchOffset(q, between), 5L);
        Check.equal("offset of an early time", c.searchOffset(q, before - 100_000), 0L);
        Check.equal("offset of a late time", c.searchOffset(q, System.currentTimeMillis() + 100_000), 10L);
        long earliest = c.earliestMsgStoreTime(q);
        Check.that("earliest time " + earliest + ", sent after " + before, earliest >= before && earliest <= between);
    }

    private static void commits(Stage stage) throws Exception {
        String topic = stage.topic(1);
        MessageQueue q = stage.queue(topic, 0);
        stage.send(topic, 1, 0, 10);
        DefaultMQPullConsumer c = stage.pull(stage.name);
        Check.equal("offset of a new group in a queue that has lost nothing", c.fetchConsumeOffset(q, true), 0L);
        Check.eventually("the server knows the group", () -> {
            c.getDefaultMQPullConsumerImpl().updateConsumeOffsetToBroker(q, 7, false); // refused until the first heartbeat
            return true;
        });
        Check.equal("committed offset", stage.committed(stage.name, q), 7L);
        c.getDefaultMQPullConsumerImpl().updateConsumeOffsetToBroker(q, 2, false);
        Check.equal("offset taken back", stage.committed(stage.name, q), 2L);
    }
}
