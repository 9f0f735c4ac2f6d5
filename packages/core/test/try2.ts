import { connect, topic, bytes } from "@polylog/core";
import { crash } from "@polylog/core/testing";
const orders = topic("orders", { partitions: 8, codec: bytes() });
const broker = await connect("memory:x");
const value = Buffer.alloc(200, 97);
const N = 300000;
{
	const p = broker.producer(orders);
	let t = performance.now();
	await p.sendBatch(
		(function* () {
			for (let i = 0; i < N; i++) yield { value, key: "k" + (i % 1000) };
		})(),
	);
	console.log("produce/s", Math.round((N / (performance.now() - t)) * 1000));
}
for (const mode of ["run", "async", "key", "batch", "iter"]) {
	const group = broker.consumerGroup("g" + mode, { topics: [orders], from: "earliest", sessionTimeoutMs: 2000 });
	const member = await group.join();
	await new Promise((r) => member.on("assigned", r));
	let n = 0;
	let t = performance.now();
	const abort = new AbortController();
	const signal = abort.signal;
	const one = () => {
		if (++n === N) abort.abort();
	};
	if (mode === "run") await member.run(one, { signal });
	if (mode === "async")
		await member.run(
			async () => {
				one();
			},
			{ signal },
		);
	if (mode === "key")
		await member.run(
			async () => {
				one();
			},
			{ signal, order: "key" },
		);
	if (mode === "batch")
		await member.runBatches(
			(b) => {
				n += b.messages.length - 1;
				one();
			},
			{ signal },
		);
	if (mode === "iter")
		for await (const m of member) {
			if (++n === N) break;
		}
	console.log(mode, "consume/s", Math.round((N / (performance.now() - t)) * 1000), n);
	await member.close();
}
// crash
const g = broker.consumerGroup("crash", { topics: [orders], from: "earliest", sessionTimeoutMs: 2000 });
const b2 = await connect("memory:x");
const g2 = b2.consumerGroup("crash", { topics: [orders], from: "earliest", sessionTimeoutMs: 2000 });
const m1 = await g.join();
const m2 = await g2.join();
m1.on("assigned", (p) => console.log("m1 assigned", p.length, Math.round(performance.now() - t0)));
m2.on("assigned", (p) => console.log("m2 assigned", p.length, Math.round(performance.now() - t0)));
const t0 = performance.now();
let a = 0,
	b = 0;
const r1 = m1.run(async () => {
	a++;
	await new Promise((r) => setTimeout(r, 1));
});
const r2 = m2.run(async () => {
	b++;
	await new Promise((r) => setTimeout(r, 1));
});
await new Promise((r) => setTimeout(r, 2000));
console.log("crash", a, b, Math.round(performance.now() - t0));
crash(b2);
await r2;
const at = a;
await new Promise((r) => setTimeout(r, 4000));
console.log("after", a, b, a - at, m1.assignment.length);
await broker.close();
await r1;
console.log("done");
