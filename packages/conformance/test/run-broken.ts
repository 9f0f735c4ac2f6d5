// The kit on a driver that is broken on purpose.
import { type CheckResult, type Harness, runChecks } from "@polylog/conformance";
import type { Adapter } from "@polylog/core/driver";

let logs = 0;

/** Under a scheme of its own, since `memory:` is core's. */
export function harness(name: string, adapter: Adapter): Harness {
	const url = `broken:kit-${++logs}`;
	const rescheme: Adapter = { ...adapter, schemes: ["broken"] };
	return { name, adapter: rescheme, start: async () => ({ config: { url, adapters: { broken: rescheme } } }) };
}

export async function run(name: string, adapter: Adapter, checks: readonly string[]): Promise<readonly CheckResult[]> {
	return (await runChecks(harness(name, adapter), { only: checks })).results;
}
