// Redis Streams (and Valkey) as a Polylog backend.
import type { Adapter } from "@polylog/core/driver";
import { RedisStreamsDriver } from "./driver.ts";
import { readSettings } from "./options.ts";

export const adapter: Adapter = {
	name: "redis-streams",
	schemes: ["redis", "rediss", "redis+cluster", "rediss+cluster", "redis+sentinel", "rediss+sentinel"],
	create: (target, context) => new RedisStreamsDriver(readSettings(target), context),
};

export type { RedisStreamsNative } from "./driver.ts";
export type { RedisStreamsOptions } from "./options.ts";
