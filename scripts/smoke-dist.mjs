// Loads every published entry as built (dist, not source) and sends one message through the embedded backend.
// JavaScript, so that it runs on the lowest Node without type stripping.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";

const packages = new URL("../packages/", import.meta.url);

for (const folder of readdirSync(packages)) {
	const { name, exports } = JSON.parse(readFileSync(new URL(`${folder}/package.json`, packages), "utf8"));
	for (const [subpath, target] of Object.entries(exports)) {
		if (typeof target === "string") continue;
		const specifier = name + subpath.slice(1);
		const resolved = import.meta.resolve(specifier);
		assert(resolved.endsWith(target.default.slice(1)), `${specifier} resolves to ${resolved}, not to its build`);
		await import(specifier);
		console.log(`${process.version} loads ${specifier}`);
	}
}

const { connect, topic } = await import("@polylog/core");
const numbers = topic("numbers", { partitions: 2, key: (value) => String(value.n) });
const broker = await connect("memory:");
await broker.topics.ensure(numbers);
await broker.producer(numbers).send({ n: 7 });
const received = await Promise.race([
	(async () => {
		for await (const message of broker.read(numbers, { to: "latest" })) return message.value;
	})(),
	new Promise((_, fail) => setTimeout(() => fail(new Error("no message within 10 s")), 10_000).unref()),
]);
assert.deepEqual(received, { n: 7 });
await broker.close();
console.log(`${process.version} sends and receives on memory:`);
