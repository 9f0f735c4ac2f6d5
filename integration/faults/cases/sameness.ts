// One program, another backend: nothing but the configuration changes.
import assert from "node:assert/strict";
import type { FaultCase } from "../fault-case.ts";
import { playScenario } from "../../src/same-history/scenario.ts";

let runs = 0;

export const samenessCases: readonly FaultCase[] = [
	{
		id: "F48",
		fault: "the backend is swapped in the configuration, and nothing else",
		expected: "each partition goes through the same as on the embedded backend, but for offsets, fences and times",
		on: ["redis", "rabbitmq", "kafka"],
		smoke: true,
		// Its topics have fixed names.
		hurtsBroker: true,
		async run(stage) {
			const reference = await playScenario(`memory:sameness-${runs++}-${stage.random.name()}`);
			const there = await playScenario(stage.server.url);
			for (const part of ["history", "stored", "deadLetters"] as const) assert.deepEqual(there[part], reference[part], part);
			const broker = await stage.make(1);
			await broker.topics.delete("scenario");
			await broker.topics.delete("scenario.failed");
			await stage.groupOf(broker, "scenario").delete();
			const differing = Object.entries(there.capabilities).filter(
				([name, value]) => reference.capabilities[name as keyof typeof reference.capabilities] !== value,
			);
			return `the same; differs in ${differing.map(([name, value]) => `${name}=${String(value)}`).join(", ")}`;
		},
	},
];
