package cases;

import java.util.concurrent.atomic.AtomicLong;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.message.Message;

/**
 * Sends numbered messages with checksums, each until it is acknowledged: {@code cases.Stream NAMESRV TOPIC COUNT SIZE}. It tells from time to
 * time how far it is, in the lines of the Go client's program.
 */
public final class Stream {
    private static final int THREADS = 16;

    public static void main(String[] args) throws Exception {
        String topic = args[1];
        long count = Long.parseLong(args[2]);
        int size = Integer.parseInt(args[3]);
        DefaultMQProducer producer = new DefaultMQProducer("stream");
        producer.setNamesrvAddr(args[0]);
        producer.setRetryTimesWhenSendFailed(0);
        producer.start();
        AtomicLong next = new AtomicLong();
        AtomicLong sent = new AtomicLong();
        AtomicLong failed = new AtomicLong();
        Thread[] senders = new Thread[THREADS];
        for (int t = 0; t < THREADS; t++) {
            senders[t] = new Thread(() -> {
                for (long n = next.getAndIncrement(); n < count; n = next.getAndIncrement()) {
                    while (!send(producer, new Message(topic, Body.of(n, size)))) {
                        failed.incrementAndGet();
                    }
                    sent.incrementAndGet();
                }
            });
            senders[t].start();
        }
        while (sent.get() < count) {
            Thread.sleep(100);
            tell("progress", sent, failed);
        }
        for (Thread sender : senders) {
            sender.join();
        }
        producer.shutdown();
        tell("done", sent, failed);
        System.exit(0); // the client leaves threads behind
    }

    private static boolean send(DefaultMQProducer producer, Message m) {
        try {
            return producer.send(m).getSendStatus() == SendStatus.SEND_OK;
        } catch (Exception e) {
            try {
                Thread.sleep(100); // the server may be on its way back
            } catch (InterruptedException again) {
                throw new IllegalStateException(again);
            }
            return false;
        }
    }

    private static void tell(String event, AtomicLong sent, AtomicLong failed) {
        System.out.println("{\"event\":\"" + event + "\",\"sent\":" + sent + ",\"failed\":" + failed + "}");
    }
}
