import { connect, deadLetter, topic } from "@polylog/core";

interface Order {
	readonly id: string;
	readonly customer: string;
	readonly total: number;
}

const orders = topic<Order>("orders", { partitions: 8, key: (order) => order.customer });
const broker = await connect(); // POLYLOG_URL=memory: | redis://localhost | …
broker.closeOnSignal();

const producer = broker.producerGroup("shop").producer(orders);
for (let i = 1; i <= 20; i++) await producer.send({ id: `${i}`, customer: `c${i % 5}`, total: i * 3 });

let left = 20;
const done = new AbortController();
const billing = broker.consumerGroup("billing", { topics: [orders], from: "earliest" });
await billing.run(
	({ value, partition, offset }) => {
		console.log(`partition ${partition.index} offset ${offset}: customer ${value.customer} pays ${value.total}`);
		if (--left === 0) done.abort();
	},
	{ order: "key", onFailure: deadLetter("orders.failed"), signal: done.signal },
);
console.log("lag", (await billing.lag()).total);
await broker.close();
