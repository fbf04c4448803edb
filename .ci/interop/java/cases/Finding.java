package cases;

import java.util.List;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.MessageExt;

/** Messages that are looked for: by id, by key, by unique key. */
final class Finding {
    private Finding() {
    }

    static void cases(Suite suite) {
        suite.add("FindByOffsetID", Finding::byOffsetID);
        suite.add("FindByUniqueKey", Finding::byUniqueKey);
        suite.add("FindByKey", Finding::byKey);
    }

    private static SendResult send(Stage stage, String topic, int number, String keys) throws Exception {
        var m = Stage.message(topic, number);
        m.setKeys(keys);
        return stage.send(m, number % 2);
    }

    private static void byOffsetID(Stage stage) throws Exception {
        String topic = stage.topic(2);
        for (int i = 0; i < 3; i++) {
            SendResult r = send(stage, topic, i, "k" + i);
            MessageExt m = stage.producer().viewMessage(topic, r.getOffsetMsgId());
            Check.equal("number", Seen.number(m), i);
            Check.equal("topic", m.getTopic(), topic);
            Check.equal("queue offset", m.getQueueOffset(), r.getQueueOffset());
            Check.equal("keys", m.getKeys(), "k" + i);
        }
    }

    private static void byUniqueKey(Stage stage) throws Exception {
        String topic = stage.topic(2);
        for (int i = 0; i < 3; i++) {
            SendResult r = send(stage, topic, i, "k");
            int number = i;
            Check.eventually("message " + i + " under its unique key", () -> Seen.number(stage.producer().viewMessage(topic, r.getMsgId())) == number);
        }
    }

    private static void byKey(Stage stage) throws Exception {
        String topic = stage.topic(2);
        long began = System.currentTimeMillis();
        for (int i = 0; i < 10; i++) {
            send(stage, topic, i, "number-" + i + " parity-" + i % 2);
        }
        Check.eventually("ten keys", () -> found(stage, topic, "parity-0", began, Long.MAX_VALUE).size() + found(stage, topic, "parity-1", began, Long.MAX_VALUE).size() == 10);
        List<MessageExt> seven = found(stage, topic, "number-7", began - 1000, System.currentTimeMillis() + 1000);
        Check.equal("messages of a key", seven.size(), 1);
        Check.equal("number", Seen.number(seven.get(0)), 7);
        Check.equal("most that are asked for", stage.producer().queryMessage(topic, "parity-0", 2, began, Long.MAX_VALUE).getMessageList().size(), 2);
        Exception e = Check.fails("a key of another time", () -> found(stage, topic, "number-7", 0, began - 60_000));
        Check.that("it fails with " + e, e.toString().contains("no message"));
    }

    private static List<MessageExt> found(Stage stage, String topic, String key, long from, long to) throws Exception {
        return stage.producer().queryMessage(topic, key, 32, from, to).getMessageList();
    }
}
