"""pika as a program. Lines of JSON: {"body", "headers": {name: value}, "routingKey"}; bytes are {"base64": text}.

    declare URL EXCHANGE PARTITIONS   a super stream, as its documentation says
    publish URL EXCHANGE              sends the lines of its input, each confirmed
    consume URL QUEUE COUNT           gives that many messages of a stream, from the beginning
"""
import json
import sys
from base64 import b64decode, b64encode

import pika


def decoded(value):
    return b64decode(value["base64"]) if isinstance(value, dict) else value


def encoded(value):
    return {"base64": b64encode(value).decode()} if isinstance(value, bytes) else value


def declare(channel, exchange, partitions):
    channel.exchange_declare(exchange, "direct", durable=True, arguments={"x-super-stream": True})
    for index in range(int(partitions)):
        queue = f"{exchange}-{index}"
        channel.queue_declare(queue, durable=True, arguments={"x-queue-type": "stream"})
        channel.queue_bind(queue, exchange, str(index), arguments={"x-stream-partition-order": index})


def publish(channel, exchange):
    channel.confirm_delivery()
    for line in sys.stdin:
        message = json.loads(line)
        headers = {name: decoded(value) for name, value in message["headers"].items()}
        channel.basic_publish(
            exchange, message["routingKey"], decoded(message["body"]), pika.BasicProperties(headers=headers), mandatory=True
        )


def consume(channel, queue, count):
    channel.basic_qos(prefetch_count=100)
    left = int(count)
    for method, properties, body in channel.consume(queue, arguments={"x-stream-offset": "first"}, inactivity_timeout=30):
        if method is None:
            sys.exit(f"nothing came for 30 s; {left} messages are missing")
        headers = {name: encoded(value) for name, value in (properties.headers or {}).items()}
        print(json.dumps({"body": encoded(body), "headers": headers}))
        channel.basic_ack(method.delivery_tag)
        left -= 1
        if left == 0:
            break


connection = pika.BlockingConnection(pika.URLParameters(sys.argv[2]))
{"declare": declare, "publish": publish, "consume": consume}[sys.argv[1]](connection.channel(), *sys.argv[3:])
connection.close()
