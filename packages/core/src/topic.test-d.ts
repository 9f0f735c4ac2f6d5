// What the compiler knows of a topic's values. Checked by `npm run types`; nothing here runs.
import { z } from "zod";
import type { Topics } from "./api/broker.ts";
import type { GroupOptions } from "./api/consumer-group.ts";
import type { Message } from "./api/message.ts";
import type { Producer, ProducerGroup, StoredReceipt } from "./api/producer.ts";
import type { Topic } from "./api/topic.ts";
import { bytes } from "./codec/bytes.ts";
import { text } from "./codec/text.ts";
import { topic } from "./topic.ts";

type Same<A, B> = (<X>() => X extends A ? 1 : 2) extends <X>() => X extends B ? 1 : 2 ? true : false;
declare function same<A, B>(theSame: Same<A, B>): void;

interface Order {
	id: string;
	total: number;
}
const schema = z.object({ id: z.string(), total: z.number() });

declare const topics: Topics;
declare const group: ProducerGroup;
declare function producer<T>(topic: Topic<T>): Producer<T>;
declare function consumerGroup<T>(options: GroupOptions<T>): Message<T>;

const inferred = topic("orders", { partitions: 8, value: schema, key: (order) => order.id });
same<typeof inferred, Topic<Order>>(true);
same<ReturnType<typeof topic>, Topic<unknown>>(true);
const plain = topic("plain");
same<typeof plain, Topic<unknown>>(true);
const told = topic<Order>("told", { key: (order) => order.id });
same<typeof told, Topic<Order>>(true);
const blobs = topic("blobs", { codec: bytes() });
same<typeof blobs, Topic<Uint8Array>>(true);
const lines = topic("lines", { codec: text(), key: (line) => line.slice(0, 3) });
same<typeof lines, Topic<string>>(true);
const dated = topic("dated", { value: z.object({ at: z.coerce.date(), size: z.number().default(1) }) });
same<typeof dated, Topic<{ at: Date; size: number }>>(true);

const orders = producer(inferred);
same<ReturnType<typeof orders.send>, Promise<StoredReceipt>>(true);
void orders.send({ id: "7", total: 12 }, { key: Uint8Array.of(1), headers: { trace: "x" }, timestamp: new Date() });
void orders.sendBatch([{ value: { id: "7", total: 12 }, partition: 3 }]);
void orders.sendBatch(new Set([{ value: { id: "7", total: 12 } }]), { signal: AbortSignal.abort() });
void group.producer(inferred).send({ id: "7", total: 1 });
// @ts-expect-error total is a number
void orders.send({ id: "7", total: "12" });
// @ts-expect-error total is missing
void orders.send({ id: "7" });
// @ts-expect-error a list is not one message
void orders.send([{ id: "7", total: 1 }]);
// @ts-expect-error one signal for the list
void orders.sendBatch([{ value: { id: "7", total: 1 }, signal: AbortSignal.abort() }]);
// @ts-expect-error no such option
void orders.send({ id: "7", total: 1 }, { keys: "x" });
// @ts-expect-error the schema's type is not the one told
topic<{ other: boolean }>("orders", { value: schema });
// @ts-expect-error an order has no name
topic("orders", { value: schema, key: (order) => order.name });

// A typed topic goes wherever any topic does, and a group knows the type of its messages.
void topics.ensure(inferred);
void topics.create(blobs);
const message = consumerGroup({ topics: [inferred], from: "earliest" });
same<typeof message, Message<Order>>(true);

// The headers of a message can be sent on.
void orders.send(message.value, { headers: message.headers });
void orders.send(message.value, {
	headers: [
		["a", "1"],
		["a", "2"],
	],
});
void orders.send(message.value, { headers: new Map([["a", "1"]]) });
// @ts-expect-error a header is text or bytes
void orders.send(message.value, { headers: { a: 5 } });
