// A setup file of vitest: whatever a test's brokers are told, the history of it is judged when the test is over.
import { BrokerHistory, violationLine } from "@polylog/conformance";
import { afterEach, vi } from "vitest";

/** By server: the same names on another one are other topics and groups. */
const histories = new Map<string, { readonly history: BrokerHistory; judged: number; readonly told: Set<string> }>();
let unnamed = 0;

vi.mock("@polylog/core", async (original) => {
	const core = await original<typeof import("@polylog/core")>();
	return {
		...core,
		connect: async (...call: Parameters<typeof core.connect>) => {
			const broker = await core.connect(...call);
			return historyOf(call[0]).keep(broker);
		},
	};
});

function historyOf(config: unknown): BrokerHistory {
	const url = typeof config === "string" ? config : (config as { readonly url?: unknown } | undefined)?.url;
	const key = typeof url === "string" && url !== "memory:" ? url : `unnamed ${++unnamed}`;
	const kept = histories.get(key) ?? { history: new BrokerHistory(), judged: 0, told: new Set() };
	histories.set(key, kept);
	return kept.history;
}

afterEach(({ task }) => {
	const broken: string[] = [];
	for (const kept of histories.values()) {
		if (kept.history.events.length === kept.judged) continue;
		kept.judged = kept.history.events.length;
		for (const violation of kept.history.violations()) {
			const line = violationLine(violation);
			if (!kept.told.has(line) && !task.meta.historyMayBreak?.includes(violation.key)) broken.push(line);
			kept.told.add(line);
		}
	}
	if (broken.length === 0) return;
	throw new Error(`the history of the test breaks the contract in ${broken.length} places: ${broken.slice(0, 5).join("; ")}`);
});
