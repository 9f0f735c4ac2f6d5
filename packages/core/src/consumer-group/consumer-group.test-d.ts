// What the compiler knows of a group's messages. Checked by `npm run types`; nothing here runs.
import { type Broker, connect, deadLetter, type Member, topic } from "../index.ts";

type Same<A, B> = (<X>() => X extends A ? 1 : 2) extends <X>() => X extends B ? 1 : 2 ? true : false;
declare function same<A, B>(theSame: Same<A, B>): void;

interface Order {
	id: string;
	total: number;
}
interface Payment {
	order: string;
	cents: number;
}
declare const broker: Broker;
const orders = topic<Order>("orders", { partitions: 8 });
const payments = topic<Payment>("payments");

void broker.consumerGroup("one", { topics: [orders], from: "earliest" }).run((message) => {
	same<typeof message.value, Order>(true);
	same<typeof message.fence, bigint>(true);
});
void broker.consumerGroup("two", { topics: [orders, payments], from: { timestamp: new Date() } }).run(({ value }) => {
	same<typeof value, Order | Payment>(true);
});
void broker
	.consumerGroup("iterated", { topics: [orders], from: { offset: 5n } })
	.join({ onAssigned: (partitions, member) => member.seek("latest", partitions) });
void broker
	.consumerGroup("batched", { topics: [orders], from: "latest" })
	.join()
	.then((member) =>
		member.runBatches(({ messages }) => messages.reduce((sum, { value }) => sum + value.total, 0), {
			onFailure: deadLetter("failed"),
			maxMessages: 10,
		}),
	);
void connect({ url: "memory:", require: ["idempotentAppend", "durability:quorum"] });
// @ts-expect-error where a group starts is said on purpose
broker.consumerGroup("nowhere", { topics: [orders] });
// @ts-expect-error no such capability
void connect({ url: "memory:", require: ["exactlyOnce"] });
declare const member: Member<Order>;
// @ts-expect-error a batch has no order option: it is one partition's, in order
void member.runBatches(() => {}, { order: "key" });
// @ts-expect-error offsets are bigints
broker.consumerGroup("n", { topics: [orders], from: { offset: 5 } });
