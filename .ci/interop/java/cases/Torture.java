package cases;

import java.io.PrintStream;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.common.message.MessageExt;

/**
 * Eight consumers of one group come and go, while messages are sent to 64 queues: {@code cases.Torture NAMESRV BROKER BROKER_NAME MODE SECONDS SEED},
 * MODE being orderly or concurrently. Standard output is what came of it, as a JSON object.
 */
public final class Torture {
    private static final int QUEUES = 64;
    private static final int MEMBERS = 8;

    private final Stage stage;
    private final boolean orderly;
    private final String topic;

    // What the listeners of all members have seen, guarded by this.
    private final BitSet seen = new BitSet();
    private final long[] newest = new long[QUEUES]; // offsets
    private int duplicates;
    private int late; // messages that came before an earlier one of their queue

    private int sent;

    private Torture(Stage stage, boolean orderly) throws Exception {
        this.stage = stage;
        this.orderly = orderly;
        this.topic = stage.topic(QUEUES);
        Arrays.fill(newest, -1);
    }

    public static void main(String[] args) throws Exception {
        PrintStream result = System.out;
        System.setOut(System.err); // the client's log may think of standard output
        try (Stage stage = new Stage(new Place(args[0], args[1], args[2]), "torture-" + args[3])) {
            Torture t = new Torture(stage, args[3].equals("orderly"));
            result.println(t.run(Integer.parseInt(args[4]), Long.parseLong(args[5])));
        }
        System.exit(0); // the client leaves threads behind
    }

    private String run(int seconds, long seed) throws Exception {
        AtomicBoolean over = new AtomicBoolean();
        Thread sender = new Thread(() -> {
            try {
                while (!over.get()) {
                    stage.send(Stage.message(topic, sent), sent % QUEUES);
                    sent++;
                    Thread.sleep(1);
                }
            } catch (Exception e) {
                e.printStackTrace();
            }
        });
        sender.start();
        Random random = new Random(seed);
        DefaultMQPushConsumer[] members = new DefaultMQPushConsumer[MEMBERS];
        int changes = 0;
        for (long end = System.nanoTime() + seconds * 1_000_000_000L; System.nanoTime() < end; changes++) {
            int i = random.nextInt(MEMBERS);
            if (members[i] == null) {
                members[i] = member();
            } else {
                members[i].shutdown();
                members[i] = null;
            }
            Thread.sleep(random.nextInt(600));
        }
        over.set(true);
        sender.join();
        if (members[0] == null) {
            members[0] = member(); // whoever else is left
        }
        for (long end = System.nanoTime() + 60_000_000_000L; count() < sent && System.nanoTime() < end; ) {
            Thread.sleep(100);
        }
        // Nobody comes or goes now, so nothing comes twice, once what was on its way has arrived.
        Thread.sleep(5000);
        int before = duplicates();
        for (int i = 0; i < 1000; i++, sent++) {
            stage.send(Stage.message(topic, sent), sent % QUEUES);
        }
        for (long end = System.nanoTime() + 30_000_000_000L; count() < sent && System.nanoTime() < end; ) {
            Thread.sleep(100);
        }
        synchronized (this) {
            return "{\"sent\":" + sent + ",\"seen\":" + seen.cardinality() + ",\"changes\":" + changes + ",\"duplicates\":" + before
                + ",\"quietDuplicates\":" + (duplicates - before) + ",\"late\":" + late + "}";
        }
    }

    private DefaultMQPushConsumer member() throws Exception {
        DefaultMQPushConsumer c = stage.push(stage.name);
        c.subscribe(topic, "*");
        if (orderly) {
            c.registerMessageListener((MessageListenerOrderly) (batch, context) -> {
                batch.forEach(this::note);
                return ConsumeOrderlyStatus.SUCCESS;
            });
        } else {
            c.registerMessageListener((MessageListenerConcurrently) (batch, context) -> {
                batch.forEach(this::note);
                return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
            });
        }
        stage.start(c);
        return c;
    }

    private synchronized void note(MessageExt m) {
        int n = Seen.number(m);
        if (seen.get(n)) {
            duplicates++;
        }
        seen.set(n);
        int q = m.getQueueId();
        if (m.getQueueOffset() > newest[q] + 1) {
            late++;
        }
        newest[q] = Math.max(newest[q], m.getQueueOffset());
    }

    private synchronized int count() {
        return seen.cardinality();
    }

    private synchronized int duplicates() {
        return duplicates;
    }
}
