package cases;

import java.util.ArrayList;
import java.util.List;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/** Messages that come later or again: delay levels, retries, dead letters. The server's levels are expected to be "1s 2s 1s 1s …". */
final class Retrying {
    private Retrying() {
    }

    static void cases(Suite suite) {
        suite.add("DelayLevels", Retrying::delayLevels);
        suite.add("RetryComesLaterAndIsCounted", Retrying::retry);
        suite.add("RetryAtAChosenLevel", Retrying::chosenLevel);
        suite.add("DeadLetterAfterTheLastTry", Retrying::deadLetterAfterTheLastTry);
        suite.add("DeadLetterAtOnce", Retrying::deadLetterAtOnce);
        suite.add("SendBackOfAPullConsumer", Retrying::sendBack);
    }

    private static void delayLevels(Stage stage) throws Exception {
        String topic = stage.topic(4);
        Seen seen = stage.start(stage.push(stage.name), topic, "*");
        List<Long> sent = new ArrayList<>();
        for (int i = 0; i < 9; i++) {
            Message m = Stage.message(topic, i);
            m.setTags("t");
            m.setKeys("k" + i);
            m.setDelayTimeLevel(i % 3); // 0 is none
            sent.add(System.currentTimeMillis());
            stage.send(m, i % 4);
        }
        seen.awaitOnce(0, 9);
        for (MessageExt m : seen.all()) {
            int i = Seen.number(m);
            long took = m.getStoreTimestamp() - sent.get(i);
            long due = i % 3 * 1000L;
            Check.that("message of " + due + " ms came after " + took, took >= due - 1 && took < due + 10_000);
            Check.equal("queue", m.getQueueId(), i % 4);
            Check.equal("topic", m.getTopic(), topic);
            Check.equal("tag", m.getTags(), "t");
            Check.equal("keys", m.getKeys(), "k" + i);
            Check.equal("reconsume times", m.getReconsumeTimes(), 0);
        }
    }

    /** Starts a consumer that refuses message 1 at its first tries. */
    private static Seen refuse(Stage stage, DefaultMQPushConsumer c, String topic, int tries, int level) throws Exception {
        Seen seen = new Seen();
        c.registerMessageListener((MessageListenerConcurrently) (batch, context) -> {
            batch.forEach(seen::add);
            MessageExt m = batch.get(0);
            context.setDelayLevelWhenNextConsume(level);
            return Seen.number(m) == 1 && m.getReconsumeTimes() < tries ? ConsumeConcurrentlyStatus.RECONSUME_LATER : ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        c.subscribe(topic, "*");
        stage.start(c);
        return seen;
    }

    private static List<MessageExt> triesOf(Seen seen, int number) {
        List<MessageExt> tries = new ArrayList<>(seen.all());
        tries.removeIf(m -> Seen.number(m) != number);
        return tries;
    }

    private static void retry(Stage stage) throws Exception {
        String topic = stage.topic(2);
        Seen seen = refuse(stage, stage.push(stage.name), topic, 2, 0);
        stage.send(topic, 2, 0, 4);
        seen.await("third try", all -> triesOf(seen, 1).size() == 3);
        List<MessageExt> tries = triesOf(seen, 1);
        for (int i = 0; i < 3; i++) {
            MessageExt m = tries.get(i);
            Check.equal("reconsume times", m.getReconsumeTimes(), i);
            Check.equal("topic", m.getTopic(), topic);
            Check.equal("unique key", m.getMsgId(), tries.get(0).getMsgId());
            Check.equal("birth time", m.getBornTimestamp(), tries.get(0).getBornTimestamp());
            if (i > 0) {
                Check.equal("original offset id", m.getProperty("ORIGIN_MESSAGE_ID"), ((org.apache.rocketmq.common.message.MessageClientExt) tries.get(0)).getOffsetMsgId());
                long took = m.getStoreTimestamp() - tries.get(i - 1).getStoreTimestamp();
                Check.that("try " + i + " came after " + took + " ms", took >= 999);
            }
        }
        Check.equal("messages", seen.count(), 6);
    }

    private static void chosenLevel(Stage stage) throws Exception {
        String topic = stage.topic(1);
        Seen seen = refuse(stage, stage.push(stage.name), topic, 1, 2);
        stage.send(topic, 1, 0, 2);
        seen.await("second try", all -> triesOf(seen, 1).size() == 2);
        List<MessageExt> tries = triesOf(seen, 1);
        long took = tries.get(1).getStoreTimestamp() - tries.get(0).getStoreTimestamp();
        Check.that("the retry of level 2 came after " + took + " ms", took >= 1999 && took < 6000);
    }

    /** The only dead letter of a group. */
    static MessageExt deadLetter(Stage stage, String group) throws Exception {
        String topic = "%DLQ%" + group;
        DefaultMQPullConsumer reader = stage.pull(stage.name + "-reader");
        MessageExt[] letter = new MessageExt[1];
        Check.eventually("a dead letter", () -> {
            for (var q : reader.fetchSubscribeMessageQueues(topic)) {
                PullResult r = reader.pull(q, "*", 0, 32);
                if (r.getPullStatus() == PullStatus.FOUND) {
                    Check.equal("dead letters", r.getMsgFoundList().size(), 1);
                    letter[0] = r.getMsgFoundList().get(0);
                }
            }
            return letter[0] != null;
        });
        return letter[0];
    }

    private static void deadLetterAfterTheLastTry(Stage stage) throws Exception {
        String topic = stage.topic(1);
        DefaultMQPushConsumer c = stage.push(stage.name);
        c.setMaxReconsumeTimes(1);
        Seen seen = refuse(stage, c, topic, Integer.MAX_VALUE, 0);
        stage.send(topic, 1, 0, 3);
        MessageExt dead = deadLetter(stage, stage.name);
        Check.equal("dead letter", Seen.number(dead), 1);
        Check.equal("reconsume times", dead.getReconsumeTimes(), 2);
        Check.equal("tries", triesOf(seen, 1).size(), 2);
        Check.equal("its topic before", dead.getProperty("DLQ_ORIGIN_TOPIC"), topic);
        Check.equal("its id before", dead.getProperty("DLQ_ORIGIN_MESSAGE_ID"),
            ((org.apache.rocketmq.common.message.MessageClientExt) triesOf(seen, 1).get(0)).getOffsetMsgId());
    }

    private static void deadLetterAtOnce(Stage stage) throws Exception {
        String topic = stage.topic(1);
        Seen seen = refuse(stage, stage.push(stage.name), topic, Integer.MAX_VALUE, -1);
        stage.send(topic, 1, 0, 3);
        Check.equal("dead letter", Seen.number(deadLetter(stage, stage.name)), 1);
        Check.equal("tries", triesOf(seen, 1).size(), 1);
    }

    private static void sendBack(Stage stage) throws Exception {
        String topic = stage.topic(1);
        stage.send(topic, 1, 0, 1);
        DefaultMQPullConsumer c = stage.pull(stage.name);
        MessageExt m = c.pull(stage.queue(topic, 0), "*", 0, 1).getMsgFoundList().get(0);
        c.sendMessageBack(m, 1);
        MessageExt[] again = new MessageExt[1];
        Check.eventually("the message in the retry topic", () -> {
            PullResult r = c.pull(stage.queue("%RETRY%" + stage.name, 0), "*", 0, 1);
            if (r.getPullStatus() == PullStatus.FOUND) {
                again[0] = r.getMsgFoundList().get(0);
            }
            return again[0] != null;
        });
        Check.equal("reconsume times", again[0].getReconsumeTimes(), 1);
        Check.equal("its topic before", again[0].getProperty("RETRY_TOPIC"), topic);
        Check.equal("unique key", again[0].getMsgId(), m.getMsgId());
    }
}
