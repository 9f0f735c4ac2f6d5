// Makes a vitest run one run for its containers: whatever its workers left of them goes at its end.
import { endRun } from "./brokers/containers/engine.ts";
import { beginRun } from "./brokers/containers/run.ts";

export function setup(): (() => Promise<void>) | undefined {
	return beginRun() ? () => endRun() : undefined;
}
