// Request a text message: `node produce.js PHONE JSON`.
import { Kafka, Partitioners, logLevel } from 'kafkajs'

const [phone, value] = process.argv.slice(2)
const kafka = new Kafka({ brokers: process.env.KAFKA.split(','), logLevel: logLevel.ERROR })
const producer = kafka.producer({
  idempotent: true,
  createPartitioner: Partitioners.DefaultPartitioner // keys by murmur2, as Java places them
})
await producer.connect()
try {
  await producer.send({ topic: 'outbound-messages', acks: -1, messages: [{ key: phone, value }] })
} finally {
  await producer.disconnect()
}
