package cases;

import java.util.HashSet;
import java.util.Set;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.exception.MQBrokerException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.MessageExt;

/** What an operator does, and what clients see of it. */
final class Operating {
    private Operating() {
    }

    static void cases(Suite suite) {
        suite.add("TopicCreatedByAClient", Operating::create);
        suite.add("TopicDeletedAndCreatedAgainIsEmpty", Operating::again);
        suite.add("TopicShrinksWithoutLoss", Operating::shrink);
        suite.add("TopicThatIsReadOnly", Operating::readOnly);
        suite.add("TopicThatIsWriteOnly", Operating::writeOnly);
        suite.add("GroupThatMayNotConsume", Operating::consumeDisabled);
        suite.add("GroupConnectionsAndUnregister", Operating::connections);
        suite.add("GroupRunningInfo", Operating::runningInfo);
        suite.add("GroupProgress", Operating::progress);
        suite.add("ProducerConnections", Operating::producers);
        suite.addAlone("WritePermissionOfABrokerWiped", Operating::wiped);
    }

    private static void create(Stage stage) throws Exception {
        if (Moved.has(DefaultMQProducer.class, "createTopic")) {
            DefaultMQProducer p = stage.producer();
            try {
                Moved.call(p, "createTopic", "TBW102", stage.name, 3); // 4.9
            } catch (NoSuchMethodException e) {
                Moved.call(p, "createTopic", "TBW102", stage.name, 3, java.util.Map.of());
            }
        }
        Check.eventually("three queues", () -> stage.producer().fetchPublishMessageQueues(stage.name).size() == 3);
        stage.send(stage.name, 3, 0, 9);
        stage.start(stage.push(stage.name), stage.name, "*").awaitOnce(0, 9);
    }

    private static void again(Stage stage) throws Exception {
        String topic = stage.topic(2);
        stage.send(topic, 2, 0, 20);
        DefaultMQPushConsumer c = stage.push(stage.name);
        stage.start(c, topic, "*").awaitOnce(0, 20);
        stage.stop(c);
        stage.admin().deleteTopicInBroker(Set.of(stage.place.broker()), topic);
        stage.admin().deleteTopicInNameServer(Set.of(stage.place.namesrv()), "DefaultCluster", topic);
        stage.topic(2);
        DefaultMQPullConsumer reader = stage.pull(stage.name + "-reader");
        for (int q = 0; q < 2; q++) {
            Check.equal("end of a queue in its next life", reader.maxOffset(stage.queue(topic, q)), 0L);
            Check.equal("committed offset in the topic's next life", stage.committed(stage.name, stage.queue(topic, q)), 0L);
        }
        stage.send(topic, 2, 20, 10);
        stage.start(stage.push(stage.name), topic, "*").awaitOnce(20, 10);
    }

    /** Producers leave the queues that go first; consumers drain them before they go. */
    private static void shrink(Stage stage) throws Exception {
        String topic = stage.topic(8);
        stage.send(topic, 8, 0, 80);
        stage.topic(topic, 8, 4, 6);
        DefaultMQProducer late = stage.set(new DefaultMQProducer(stage.name + "-late"));
        stage.start(late);
        Set<Integer> used = new HashSet<>();
        for (int i = 80; i < 120; i++) {
            used.add(late.send(Stage.message(topic, i)).getMessageQueue().getQueueId());
        }
        Check.equal("queues that are written", used, Set.of(0, 1, 2, 3));
        Check.equal("queues that are read", stage.pull(stage.name + "-reader").fetchSubscribeMessageQueues(topic).size(), 8);
        Seen seen = stage.start(stage.push(stage.name), topic, "*");
        seen.awaitOnce(0, 120);
        stage.topic(topic, 4, 4, 6);
        Check.eventually("four queues are read", () -> stage.pull(stage.name + "-reader").fetchSubscribeMessageQueues(topic).size() == 4);
        stage.send(topic, 4, 120, 20);
        seen.awaitOnce(0, 140);
    }

    private static void readOnly(Stage stage) throws Exception {
        String topic = stage.topic(2);
        stage.send(topic, 2, 0, 10);
        stage.topic(topic, 2, 2, 4);
        // A producer that has the old route is told by the broker, one that asks for the route by that.
        Exception e = Check.fails("a send", () -> stage.producer().send(Stage.message(topic, 10), stage.queue(topic, 0)));
        Check.that("it fails with " + e, e instanceof MQBrokerException b && b.getResponseCode() == 16);
        DefaultMQProducer late = stage.set(new DefaultMQProducer(stage.name + "-late"));
        stage.start(late);
        Check.fails("a send of a new producer", () -> late.send(Stage.message(topic, 10)));
        Seen seen = stage.start(stage.push(stage.name), topic, "*");
        seen.awaitOnce(0, 10);
        stage.topic(topic, 2, 2, 6);
        stage.send(topic, 2, 10, 10);
        seen.awaitOnce(0, 20);
    }

    private static void writeOnly(Stage stage) throws Exception {
        String topic = stage.topic(stage.name, 2, 2, 2);
        stage.send(topic, 2, 0, 10);
        DefaultMQPullConsumer c = stage.pull(stage.name + "-reader");
        Exception e = Check.fails("a pull", () -> c.pull(stage.queue(topic, 0), "*", 0, 32));
        Check.that("it fails with " + e, e instanceof MQBrokerException b && b.getResponseCode() == 16);
        stage.topic(topic, 2, 2, 6);
        stage.start(stage.push(stage.name), topic, "*").awaitOnce(0, 10);
    }

    private static void consumeDisabled(Stage stage) throws Exception {
        String topic = stage.topic(1);
        stage.send(topic, 1, 0, 5);
        group(stage, false);
        DefaultMQPullConsumer c = stage.pull(stage.name);
        Exception e = Check.fails("a pull", () -> c.pull(stage.queue(topic, 0), "*", 0, 32));
        Check.that("it fails with " + e, e instanceof MQBrokerException b && b.getResponseCode() == 16);
        group(stage, true);
        Check.equal("messages", c.pull(stage.queue(topic, 0), "*", 0, 32).getMsgFoundList().size(), 5);
    }

    /** SubscriptionGroupConfig has another package in each version. */
    private static void group(Stage stage, boolean consume) throws Exception {
        for (var m : stage.admin().getClass().getMethods()) {
            if (m.getName().equals("createAndUpdateSubscriptionGroupConfig")) {
                Object config = m.getParameterTypes()[1].getConstructor().newInstance();
                Moved.call(config, "setGroupName", stage.name);
                Moved.call(config, "setConsumeEnable", consume);
                m.invoke(stage.admin(), stage.place.broker(), config);
            }
        }
    }

    private static void connections(Stage stage) throws Exception {
        String topic = stage.topic(2);
        DefaultMQPushConsumer one = stage.push(stage.name);
        DefaultMQPushConsumer two = stage.push(stage.name);
        stage.start(one, topic, "a || b");
        stage.start(two, topic, "a || b");
        Check.eventually("two members", () -> stage.admin().examineConsumerConnectionInfo(stage.name).getConnectionSet().size() == 2);
        var all = stage.admin().examineConsumerConnectionInfo(stage.name);
        Check.equal("kind", all.getConsumeType().name(), "CONSUME_PASSIVELY");
        Check.equal("model", all.getMessageModel().name(), "CLUSTERING");
        Check.equal("where", all.getConsumeFromWhere().name(), "CONSUME_FROM_FIRST_OFFSET");
        Check.equal("tags", all.getSubscriptionTable().get(topic).getTagsSet(), Set.of("a", "b"));
        Check.equal("language", all.getConnectionSet().iterator().next().getLanguage().name(), "JAVA");
        two.shutdown(); // unregisters
        Check.equal("members after one has left", stage.admin().examineConsumerConnectionInfo(stage.name).getConnectionSet().size(), 1);
        one.shutdown();
        Exception e = Check.fails("the list of no members", () -> stage.admin().examineConsumerConnectionInfo(stage.name));
        Check.that("it fails with " + e, e instanceof MQBrokerException b && b.getResponseCode() == 206);
    }

    private static void runningInfo(Stage stage) throws Exception {
        String topic = stage.topic(2);
        DefaultMQPushConsumer c = stage.push(stage.name);
        Seen seen = stage.start(c, topic, "*");
        stage.send(topic, 2, 0, 10);
        seen.awaitOnce(0, 10);
        var members = stage.admin().examineConsumerConnectionInfo(stage.name).getConnectionSet();
        String id = members.iterator().next().getClientId();
        var info = stage.admin().getConsumerRunningInfo(stage.name, id, true);
        Check.that("stack", info.getJstack() != null && info.getJstack().contains("ConsumeMessage"));
        Check.that("queues " + info.getMqTable().keySet(), info.getMqTable().containsKey(stage.queue(topic, 1)));
        Check.equal("subscriptions", info.getSubscriptionSet().stream().anyMatch(s -> s.getTopic().equals(topic)), true);
        Exception e = Check.fails("the info of nobody", () -> stage.admin().getConsumerRunningInfo(stage.name, "nobody", false));
        Check.that("it fails with " + e, e.toString().contains("nobody"));
        MessageExt m = seen.all().get(0);
        var again = stage.admin().consumeMessageDirectly(stage.name, id, topic, m.getMsgId());
        Check.equal("a message that is pushed by hand", again.getConsumeResult().name(), "CR_SUCCESS");
        seen.await(11);
    }

    private static void progress(Stage stage) throws Exception {
        String topic = stage.topic(2);
        DefaultMQPushConsumer c = stage.push(stage.name);
        Seen seen = stage.start(c, topic, "*");
        stage.send(topic, 2, 0, 10);
        seen.awaitOnce(0, 10);
        stage.stop(c);
        stage.send(topic, 2, 10, 6);
        var all = stage.admin().examineConsumeStats(stage.name, topic).getOffsetTable();
        for (int q = 0; q < 2; q++) {
            var of = all.get(stage.queue(topic, q));
            Check.equal("offsets of queue " + q, of.getConsumerOffset() + " of " + of.getBrokerOffset(), "5 of 8");
        }
    }

    private static void producers(Stage stage) throws Exception {
        String topic = stage.topic(2);
        stage.send(topic, 2, 0, 1);
        Check.eventually("a producer", () -> stage.admin().examineProducerConnectionInfo(stage.name + "-producer", topic).getConnectionSet().size() == 1);
    }

    private static void wiped(Stage stage) throws Exception {
        String topic = stage.topic(2);
        stage.send(topic, 2, 0, 10);
        Seen seen = stage.start(stage.push(stage.name), topic, "*");
        seen.awaitOnce(0, 10);
        Check.that("no topic was wiped", stage.admin().wipeWritePermOfBroker(stage.place.namesrv(), stage.place.brokerName()) > 0);
        DefaultMQProducer late = stage.set(new DefaultMQProducer(stage.name + "-late"));
        stage.start(late);
        Check.fails("a send of a new producer", () -> late.send(Stage.message(topic, 10)));
        Check.equal("queues that are read", stage.pull(stage.name + "-reader").fetchSubscribeMessageQueues(topic).size(), 2);
        Check.that("no topic was given back", stage.admin().addWritePermOfBroker(stage.place.namesrv(), stage.place.brokerName()) > 0);
        Check.eventually("a send", () -> late.send(Stage.message(topic, 10)) != null);
        seen.await(11);
    }
}
