// Members of different versions in one group.
import type { FaultCase } from "../fault-case.ts";
import { SESSION_MS } from "../stage.ts";
import { delay, until } from "../waiting.ts";

/** What a later version tells of itself when it joins. */
const LATER = {
	file: "packages/core/src/group-journal/timing.ts",
	find: "PROTOCOL_VERSION = 1",
	replace: "PROTOCOL_VERSION = 2",
};

export const versionCases: readonly FaultCase[] = [
	{
		id: "F47",
		fault: "a member that says it knows a later version of the group's protocol joins members of this one, and outlives them",
		expected: "the group runs at the lowest version of its members: all work, before and after",
		on: ["redis", "rabbitmq"],
		smoke: false,
		async run(stage) {
			await stage.make();
			const a = await stage.member("a");
			await stage.producer();
			await stage.handled(100);
			const b = await stage.member("b", { mutation: LATER });
			await stage.shared([a, b]);
			await delay(2 * SESSION_MS);
			await a.close();
			await until(() => b.owned().length === 4, "the later one owns everything");
			const c = await stage.member("c");
			await stage.shared([b, c]);
			return "they share";
		},
	},
];
