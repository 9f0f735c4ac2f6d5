"""kafka-python as a program. Bytes are base64 in lines of JSON: {"key", "value", "headers": [[name, value]], "partition"}.

    produce BOOTSTRAP TOPIC          sends the lines of its input, says the partition of each
    consume BOOTSTRAP TOPIC COUNT    gives that many records, from the beginning
"""
import json
import sys
from base64 import b64decode, b64encode

from kafka import KafkaConsumer, KafkaProducer


def decoded(text):
    return None if text is None else b64decode(text)


def encoded(data):
    return None if data is None else b64encode(data).decode()


def say(item):
    print(json.dumps(item))


def produce(bootstrap, topic):
    producer = KafkaProducer(bootstrap_servers=bootstrap)
    sent = []
    for line in sys.stdin:
        record = json.loads(line)
        headers = [(name, decoded(value)) for name, value in record["headers"]]
        sent.append(producer.send(topic, key=decoded(record["key"]), value=decoded(record["value"]), headers=headers))
    producer.flush()
    for future in sent:
        say(future.get(timeout=30).partition)
    producer.close()


def consume(bootstrap, topic, count):
    consumer = KafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False)
    left = int(count)
    for record in consumer:
        headers = [[name, encoded(value)] for name, value in record.headers]
        say({"key": encoded(record.key), "value": encoded(record.value), "headers": headers, "partition": record.partition})
        left -= 1
        if left == 0:
            break
    consumer.close()


{"produce": produce, "consume": consume}[sys.argv[1]](*sys.argv[2:])
