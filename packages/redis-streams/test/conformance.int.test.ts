// Redis Streams keeps every promise of the contract, in one process and in several, on a real Redis.
import { describeDriver } from "@polylog/conformance";
import { startRedis } from "@polylog/integration";
import { describe, it } from "vitest";
import { adapter } from "../src/index.ts";

async function start() {
	const redis = await startRedis();
	return { config: { url: redis.url }, stop: () => redis.dispose() };
}

describeDriver({ name: "redis-streams", adapter, start }, { describe, it });
