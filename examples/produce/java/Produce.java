import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/** Request a text message: `java -cp kafka-clients.jar:… Produce.java PHONE JSON`. */
public class Produce {
    public static void main(String[] arguments) throws Exception {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", System.getenv("KAFKA"));
        settings.put("key.serializer", StringSerializer.class.getName());
        settings.put("value.serializer", StringSerializer.class.getName());
        settings.put("acks", "all"); // with enable.idempotence, which is on by default
        settings.put("delivery.timeout.ms", "20000");
        settings.put("request.timeout.ms", "10000");
        // No partitioner is set: keys are placed by murmur2.
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(settings)) {
            producer.send(new ProducerRecord<>("outbound-messages", arguments[0], arguments[1])).get();
        }
    }
}
