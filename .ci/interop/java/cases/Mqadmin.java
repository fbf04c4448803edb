package cases;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.tools.command.MQAdminStartup;

/** RocketMQ's own command line. It prints to standard output, so its commands run one at a time. */
final class Mqadmin {
    private Mqadmin() {
    }

    static void cases(Suite suite) {
        if (!attributes()) {
            return; // the command line of 4.9 wants an installation with files of its own
        }
        suite.addAlone("MqadminTopics", Mqadmin::topics);
        suite.addAlone("MqadminGroups", Mqadmin::groups);
        suite.addAlone("MqadminBrokers", Mqadmin::brokers);
        suite.addAlone("MqadminMessages", Mqadmin::messages);
        suite.addAlone("MqadminConnections", Mqadmin::connections);
        suite.addAlone("MqadminProgressAndReset", Mqadmin::progress);
    }

    /** Runs a command and returns what it prints, which must have all of expected in it. */
    private static String run(Stage stage, String command, String... expected) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        PrintStream before = System.out;
        PrintStream here = new PrintStream(bytes, true, StandardCharsets.UTF_8);
        System.setOut(here);
        try {
            List<String> words = new ArrayList<>(Arrays.asList(command.split(" ")));
            words.addAll(List.of("-n", stage.place.namesrv()));
            MQAdminStartup.main0(words.toArray(new String[0]), null);
        } finally {
            System.setOut(before);
        }
        String said = bytes.toString(StandardCharsets.UTF_8);
        for (String e : expected) {
            Check.that("mqadmin " + command + " doesn't say " + e + ", but\n" + said, said.contains(e));
        }
        Check.that("mqadmin " + command + " fails:\n" + said, !said.contains("Exception"));
        return said;
    }

    /** Whether it is a version whose topics have attributes. */
    private static boolean attributes() {
        return Moved.has(TopicConfig.class, "getAttributes");
    }

    private static String b(Stage stage) {
        return " -b " + stage.place.broker();
    }

    private static void topics(Stage stage) throws Exception {
        String topic = stage.name;
        run(stage, "updateTopic -t " + topic + " -r 3 -w 3 -a +message.type=NORMAL" + b(stage), "success", topic);
        run(stage, "topicList", topic);
        run(stage, "topicRoute -t " + topic, "readQueueNums", stage.place.broker());
        run(stage, "topicClusterList -t " + topic, "DefaultCluster");
        stage.send(topic, 3, 0, 6);
        run(stage, "topicStatus -t " + topic, stage.place.brokerName());
        run(stage, "updateTopicPerm -t " + topic + " -p 4" + b(stage), "success");
        Check.fails("a send to a topic that may only be read", () -> stage.producer().send(Stage.message(topic, 1), stage.queue(topic, 0)));
        run(stage, "deleteTopic -c DefaultCluster -t " + topic, "success");
        Check.that("the topic is listed after its deletion", !run(stage, "topicList").lines().toList().contains(topic));
    }

    private static void groups(Stage stage) throws Exception {
        run(stage, "updateSubGroup -g " + stage.name + " -s false" + b(stage), "success", stage.name);
        String topic = stage.topic(1);
        stage.send(topic, 1, 0, 1);
        Check.fails("a pull of a group that may not consume", () -> stage.pull(stage.name).pull(stage.queue(topic, 0), "*", 0, 1));
        run(stage, "deleteSubGroup -g " + stage.name + b(stage), "success");
    }

    private static void brokers(Stage stage) throws Exception {
        run(stage, "clusterList", "DefaultCluster", stage.place.brokerName(), stage.place.broker());
        run(stage, "brokerStatus" + b(stage), "bootTimestamp", "commitLogMaxOffset");
        run(stage, "getBrokerConfig" + b(stage), "brokerName", stage.place.brokerName());
        run(stage, "updateBrokerConfig -k defaultQueryMaxNum -v 33" + b(stage), "success");
        Check.that("the changed key", run(stage, "getBrokerConfig" + b(stage)).matches("(?s).*defaultQueryMaxNum\\s*=\\s*33\\b.*"));
    }

    private static void messages(Stage stage) throws Exception {
        String topic = stage.topic(2);
        run(stage, "sendMessage -t " + topic + " -p hello -k one -c tag", "SEND_OK", stage.place.brokerName());
        var m = Stage.message(topic, 2);
        m.setKeys("two");
        SendResult r = stage.send(m, 0);
        run(stage, "queryMsgById -i " + r.getOffsetMsgId() + " -t " + topic, topic, "two");
        Check.eventually("the key in the index", () -> !stage.producer().queryMessage(topic, "two", 1, 0, Long.MAX_VALUE).getMessageList().isEmpty());
        run(stage, "queryMsgByKey -t " + topic + " -k two", r.getMsgId());
        run(stage, "queryMsgByUniqueKey -t " + topic + " -i " + r.getMsgId(), topic, "two");
        run(stage, "consumeMessage -t " + topic + "", "two", "hello");
    }

    private static void connections(Stage stage) throws Exception {
        String topic = stage.topic(2);
        stage.send(topic, 2, 0, 2);
        DefaultMQPushConsumer c = stage.push(stage.name);
        stage.start(c, topic, "*").await(2);
        Check.eventually("the producer's heartbeat", () -> stage.admin().examineProducerConnectionInfo(stage.name + "-producer", topic) != null);
        run(stage, "consumerConnection -g " + stage.name, c.getInstanceName(), topic, "CLUSTERING");
        run(stage, "producerConnection -g " + stage.name + "-producer -t " + topic, stage.producer().getInstanceName());
    }

    private static void progress(Stage stage) throws Exception {
        String topic = stage.topic(2);
        stage.send(topic, 2, 0, 10);
        DefaultMQPushConsumer c = stage.push(stage.name);
        Seen seen = stage.start(c, topic, "*");
        seen.awaitOnce(0, 10);
        stage.stop(c);
        stage.send(topic, 2, 10, 4);
        run(stage, "consumerProgress -g " + stage.name, topic, "Diff Total: 4");
        run(stage, "resetOffsetByTime -g " + stage.name + " -t " + topic + " -s 0", "offset");
        Check.equal("offset after the reset to the first message", stage.committed(stage.name, stage.queue(topic, 0)), 0L);
        run(stage, "consumerProgress -g " + stage.name, "Diff Total: 14");
    }
}
