// What a test on a real broker says about it (`task.meta`); `npm test` counts by it.
import "vitest";

declare module "vitest" {
	interface TaskMeta {
		/** "redis-streams" */
		backend?: string;
		/** "Redis 7.0.15" */
		version?: string;
		/** How the broker was provided: "native (/usr/bin/redis-server)" */
		how?: string;
		/** Why a skipped test did not run: "unsupported: …" is the backend's doing, anything else the machine's. */
		reason?: string;
		/** What the history of a test may break, which means to: `ViolationKey`s. */
		historyMayBreak?: readonly string[];
	}
}
