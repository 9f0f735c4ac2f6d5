// What a case of the fault suite is: data, and what happens in it.
import type { ViolationKey } from "@polylog/conformance";
import type { Backend } from "./servers.ts";
import type { Stage } from "./stage.ts";

export interface FaultCase {
	/** "F3": stable, as in the list that docs/faults.md shows. */
	readonly id: string;
	/** What is done. */
	readonly fault: string;
	/** What has to come of it. */
	readonly expected: string;
	readonly on: readonly Backend[];
	/** Whether it is among those that CI runs. */
	readonly smoke: boolean;
	/** Hurts the broker itself, so that no other case may use it meanwhile. Default: false. */
	readonly hurtsBroker?: boolean;
	/** The server's own wall clock jumps. Default: false. */
	readonly movesClock?: boolean;
	/** What the checker may report and is no failure here. */
	readonly allow?: readonly ViolationKey[];
	/** Connections of producers break: where the backend does not store once, messages may be in the log twice. Default: false. */
	readonly mayStoreTwice?: boolean;
	/** Where the backend may lose what it acknowledged (Redis at a failover, without minReplicas), that is counted and no failure. Default: false. */
	readonly mayLose?: boolean;
	/** On clusters: what a prototype of the group journal took for the same, where it was tried. */
	readonly prototype?: Readonly<Partial<Record<Backend, string>>>;
	/** Of members and producers, in MB. Default 300. */
	readonly rssLimitMb?: number;
	/** Fails if it does not come as expected; the judging of the histories follows. Says what was seen. */
	run(stage: Stage): Promise<string | void>;
}

export interface Outcome {
	readonly id: string;
	readonly backend: Backend;
	readonly version: string;
	readonly seed: string;
	readonly passed: boolean;
	readonly seconds: number;
	/** What was seen, or why it failed. */
	readonly said: string;
	readonly prototype?: string;
	/** Where the histories of a failure are. */
	readonly folder?: string;
}
