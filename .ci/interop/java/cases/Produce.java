package cases;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.client.producer.selector.SelectMessageQueueByHash;
import org.apache.rocketmq.common.message.Message;

/**
 * Producers that send numbered messages, one after the other, until they are told to stop:
 * {@code cases.Produce NAMESRV TOPIC PAUSE_MILLIS FIRST KEYS [FIRST KEYS]…}, with the first number of each producer and how many ordering
 * keys, which its messages get in turn, choose the queue; 0: none do. The program fails with the first message that the client can't send.
 */
public final class Produce {
    private static final int SIZE = 64;

    private final Reporter reporter;
    private final String topic;
    private final long pauseMillis;

    private Produce(Reporter reporter, String topic, long pauseMillis) {
        this.reporter = reporter;
        this.topic = topic;
        this.pauseMillis = pauseMillis;
    }

    public static void main(String[] args) throws Exception {
        Produce all = new Produce(new Reporter(), args[1], Long.parseLong(args[2]));
        List<Thread> threads = new ArrayList<>();
        for (int i = 3; i < args.length; i += 2) {
            long first = Long.parseLong(args[i]);
            int keys = Integer.parseInt(args[i + 1]);
            DefaultMQProducer producer = Reporter.set(new DefaultMQProducer("produce-" + first), args[0]);
            producer.setSendMsgTimeout(Reporter.PATIENCE_MILLIS);
            threads.add(new Thread(() -> all.run(producer, first, keys)));
        }
        for (Thread thread : threads) {
            thread.start();
        }
        for (Thread thread : threads) {
            thread.join();
        }
        System.exit(0); // the client leaves threads behind
    }

    private void run(DefaultMQProducer producer, long first, int keys) {
        try {
            producer.start();
            long n = first;
            do {
                Message m = new Message(topic, Body.of(n, SIZE));
                SendResult r = keys > 0 ? producer.send(m, new SelectMessageQueueByHash(), n % keys) : producer.send(m);
                Check.equal("status of message " + n, r.getSendStatus(), SendStatus.SEND_OK);
                reporter.sent(n, r.getMessageQueue(), r.getQueueOffset());
                n++;
            } while (!reporter.over.await(pauseMillis, TimeUnit.MILLISECONDS));
            producer.shutdown();
        } catch (Throwable e) {
            e.printStackTrace();
            System.exit(1);
        }
    }
}
