import { expect, it } from "vitest";
import { Gate } from "./gate.ts";

it("lets no more than its limit run, in order, and goes on after failures", async () => {
	const gate = new Gate(2);
	let running = 0;
	let most = 0;
	const started: number[] = [];
	const results = await Promise.allSettled(
		Array.from({ length: 7 }, (_, at) =>
			gate.run(async () => {
				started.push(at);
				most = Math.max(most, (running += 1));
				await new Promise((resolve) => setImmediate(resolve));
				running -= 1;
				if (at % 2 === 1) throw new Error(`${at}`);
				return at;
			}),
		),
	);
	expect(most).toBe(2);
	expect(started).toEqual([0, 1, 2, 3, 4, 5, 6]);
	expect(results.map(({ status }) => status === "fulfilled")).toEqual([true, false, true, false, true, false, true]);
});
