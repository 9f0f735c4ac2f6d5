// What a check is: data, and a function that fails if the promise is not kept.
import type { Capabilities } from "@polylog/core";
import type { CheckContext } from "./context.ts";

export type Flag = { [K in keyof Capabilities]: Capabilities[K] extends boolean ? K : never }[keyof Capabilities];

export interface Check {
	/** Stable: reports, documentation and the tests of the kit refer to it. */
	readonly id: string;
	/** Which point of the contract it shows, in words. */
	readonly promise: string;
	/** Without these it is reported as unsupported, never as kept. */
	readonly needs?: readonly Flag[];
	/** Ends a check that hangs; no promise is a matter of it. Default 120 s. */
	readonly timeoutMs?: number;
	/** `alone`: measures time tightly, or needs much of the machine. `processes`: starts some, so few run at once. Default `together`. */
	readonly runs?: "together" | "alone" | "processes";
	run(ctx: CheckContext): Promise<void>;
}

export interface CheckResult {
	readonly id: string;
	readonly promise: string;
	readonly status: "kept" | "unsupported" | "broken";
	readonly ms: number;
	/** What was found, or which capabilities are declared absent. */
	readonly reason?: string;
	readonly error?: unknown;
}

export interface Report {
	readonly backend: string;
	/** Product and version of the server. */
	readonly server: string;
	readonly capabilities: Capabilities;
	readonly seed: string;
	readonly results: readonly CheckResult[];
}
