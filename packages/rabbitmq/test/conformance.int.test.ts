// RabbitMQ streams keep every promise of the contract, in one process and in several, on a real RabbitMQ.
import { describeDriver } from "@polylog/conformance";
import { startRabbitmq } from "@polylog/integration";
import { describe, it } from "vitest";
import { adapter } from "../src/index.ts";

async function start() {
	const rabbitmq = await startRabbitmq();
	return { config: { url: rabbitmq.url }, stop: () => rabbitmq.dispose() };
}

// A stream cannot count its records and removes whole segments, of a chunk of a thousand at least: some 2,000 of the kit's stay.
describeDriver({ name: "rabbitmq", adapter, start, retention: { bytes: 1_000_000 } }, { describe, it });
