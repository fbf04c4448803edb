import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Scanner;
import java.util.Set;
import org.apache.rocketmq.client.QueryResult;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/**
 * What a Java client sees of a broker. It takes commands from standard input and answers in lines of tab-separated fields, each
 * answer ended by a line "ok", or "failed" and why:
 *
 * <pre>
 * read TOPIC TAGS    every message: M topic queue queueOffset logOffset uniqueKey tags keys reconsumeTimes sha256(body)
 * query TOPIC KEY    the messages that the index has under a key, likewise
 * send TOPIC COUNT   sends messages: S queue queueOffset offsetMsgId uniqueKey
 * </pre>
 */
public class Interop {
    private final DefaultMQPullConsumer consumer = new DefaultMQPullConsumer("interop-consumer");
    private final DefaultMQProducer producer = new DefaultMQProducer("interop-producer");

    public static void main(String[] args) throws Exception {
        Interop interop = new Interop();
        interop.consumer.setNamesrvAddr(args[0]);
        interop.producer.setNamesrvAddr(args[0]);
        interop.producer.setSendMsgTimeout(20_000); // the machine may be busy with the other processes of a test
        interop.consumer.start();
        interop.producer.start();
        Scanner commands = new Scanner(System.in, StandardCharsets.UTF_8);
        while (commands.hasNextLine()) {
            String[] words = commands.nextLine().split(" ");
            try {
                switch (words[0]) {
                    case "read" -> interop.read(words[1], words[2]);
                    case "query" -> interop.query(words[1], words[2]);
                    case "send" -> interop.send(words[1], Integer.parseInt(words[2]));
                    default -> throw new IllegalArgumentException(words[0]);
                }
                say("ok");
            } catch (Exception e) {
                say("failed", e.toString().replace('\n', ' '));
            }
        }
        interop.producer.shutdown();
        interop.consumer.shutdown();
    }

    private void read(String topic, String tags) throws Exception {
        for (MessageQueue queue : queuesOf(topic)) {
            long end = consumer.maxOffset(queue);
            for (long at = consumer.minOffset(queue); at < end; ) {
                PullResult pulled = consumer.pull(queue, tags, at, 32);
                if (pulled.getPullStatus() == PullStatus.FOUND) {
                    for (MessageExt m : pulled.getMsgFoundList()) {
                        show(m);
                    }
                } else if (pulled.getNextBeginOffset() <= at) {
                    throw new IllegalStateException(queue + " at " + at + " of " + end + ": " + pulled);
                }
                at = pulled.getNextBeginOffset();
            }
        }
    }

    /** A broker that has just started may not have registered yet. */
    private Set<MessageQueue> queuesOf(String topic) throws Exception {
        for (long deadline = System.currentTimeMillis() + 30_000; ; Thread.sleep(100)) {
            try {
                return consumer.fetchSubscribeMessageQueues(topic);
            } catch (MQClientException e) {
                if (System.currentTimeMillis() > deadline) {
                    throw e;
                }
            }
        }
    }

    private void query(String topic, String key) throws Exception {
        QueryResult result = consumer.queryMessage(topic, key, 32, 0, Long.MAX_VALUE);
        for (MessageExt m : result.getMessageList()) {
            show(m);
        }
    }

    private void send(String topic, int count) throws Exception {
        for (int i = 0; i < count; i++) {
            SendResult r = producer.send(new Message(topic, "java", "java-" + i, ("from Java " + i).getBytes(StandardCharsets.UTF_8)));
            say("S", r.getMessageQueue().getQueueId(), r.getQueueOffset(), r.getOffsetMsgId(), r.getMsgId());
        }
    }

    private static void show(MessageExt m) throws Exception {
        byte[] sum = MessageDigest.getInstance("SHA-256").digest(m.getBody());
        say("M", m.getTopic(), m.getQueueId(), m.getQueueOffset(), m.getCommitLogOffset(), m.getProperty("UNIQ_KEY"),
            m.getTags(), m.getKeys(), m.getReconsumeTimes(), HexFormat.of().formatHex(sum));
    }

    private static void say(Object... fields) {
        StringBuilder line = new StringBuilder();
        for (Object field : fields) {
            line.append(line.length() > 0 ? "\t" : "").append(field == null ? "" : field);
        }
        System.out.println(line);
        System.out.flush();
    }
}
