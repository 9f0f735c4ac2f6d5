// What a test on a real broker says about it (`task.meta`); `npm test` counts by it.
import "vitest";

declare module "vitest" {
	interface TaskMeta {
		/** "redis-streams" */
		backend?: string;
		/** "Redis 7.0.15" */
		version?: string;
	}
}
