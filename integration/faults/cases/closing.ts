// Closing in the middle of it all.
import assert from "node:assert/strict";
import { fair } from "@polylog/conformance";
import type { FaultCase } from "../fault-case.ts";
import { until } from "../waiting.ts";

const DEADLINE_MS = 3000;

export const closingCases: readonly FaultCase[] = [
	{
		id: "F46",
		fault: "a producer is closed in a burst of sends (deadline 3 s)",
		expected: "close resolves in time; every send is settled; what was acknowledged is in the log",
		on: ["memory", "redis", "rabbitmq", "kafka"],
		smoke: true,
		async run(stage) {
			await stage.make();
			await stage.member("a");
			const p = await stage.producer("p", { rate: 8000, padBytes: 200 });
			await until(() => p.receipts().ok > 500, "the burst is on");
			const before = p.body.waited();
			await p.close(DEADLINE_MS);
			const took = Number(p.notes("closed")[0]?.detail);
			// Without a deadline it waits for all that is left of the burst, a minute at the most.
			assert.ok(fair(took, p.body.waited() - before) <= DEADLINE_MS + 2000, `close took ${took} ms`);
			const { ok, failed, unknown } = p.receipts();
			const sent = Number(p.notes("stopped")[0]?.detail);
			assert.equal(ok + failed + unknown, sent, "sends without a receipt");
			return `closed in ${took} ms; of ${sent} sends ${ok} ok, ${failed} failed, ${unknown} unknown`;
		},
	},
];
