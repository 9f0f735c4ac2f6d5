import { connect, topic } from "@polylog/core";
const broker = await connect("memory:");
const orders = topic<{ id: string; n: number }>("orders", { partitions: 8, key: (o) => o.id });
const t0 = performance.now();
const p = broker.producerGroup("shop").producer(orders);
await p.sendBatch(Array.from({ length: 10000 }, (_, i) => ({ value: { id: `k${i % 100}`, n: i } })));
console.log("sent", performance.now() - t0);
const group = broker.consumerGroup("billing", { topics: [orders], from: "earliest", sessionTimeoutMs: 2000 });
const member = await group.join({ onAssigned: (p) => console.log("assigned", p.length, performance.now() - t0) });
let n = 0;
const abort = new AbortController();
const run = member.run(
	(m) => {
		n++;
		if (n === 10000) {
			console.log("all", performance.now() - t0);
			abort.abort();
		}
	},
	{ signal: abort.signal },
);
await run;
console.log(await group.lag().then((l) => [l.total, l.maxAgeMs]), (await group.describe()).members);
await broker.close();
console.log("closed", n, performance.now() - t0);
