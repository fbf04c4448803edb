package cases;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;

/** What has another place in each version of the client. */
final class Moved {
    private Moved() {
    }

    /** Whether the client is of a version that has the method. */
    static boolean has(Class<?> type, String method) {
        return find(type, method, -1) != null;
    }

    /** Calls a method that not every version has. */
    static Object call(Object target, String method, Object... args) throws Exception {
        Method m = find(target.getClass(), method, args.length);
        if (m == null) {
            throw new NoSuchMethodException(target.getClass() + "." + method);
        }
        try {
            return m.invoke(target, args);
        } catch (InvocationTargetException e) {
            throw e.getCause() instanceof Exception cause ? cause : e;
        }
    }

    /** Makes a consumer one that gets every message, whoever else is in its group. */
    @SuppressWarnings({"unchecked", "rawtypes"})
    static void broadcast(DefaultMQPushConsumer consumer) throws Exception {
        Class<?> model = find(DefaultMQPushConsumer.class, "setMessageModel", 1).getParameterTypes()[0];
        call(consumer, "setMessageModel", Enum.valueOf((Class<Enum>) model, "BROADCASTING"));
    }

    private static Method find(Class<?> type, String method, int args) {
        for (Method m : type.getMethods()) {
            if (m.getName().equals(method) && (args < 0 || m.getParameterCount() == args)) {
                return m;
            }
        }
        return null;
    }
}
