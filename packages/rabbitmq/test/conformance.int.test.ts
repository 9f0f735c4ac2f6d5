// RabbitMQ streams keep every promise of the contract, in one process and in several, on a real RabbitMQ.
import { describeDriver } from "@polylog/conformance";
import { startRabbitmq } from "@polylog/integration";
import { describe, it } from "vitest";
import { adapter } from "../src/index.ts";

async function start() {
	const rabbitmq = await startRabbitmq();
	return { config: { url: rabbitmq.url }, stop: () => rabbitmq.dispose() };
}

// A stream cannot count its records: about 80 of the kit's fit.
describeDriver({ name: "rabbitmq", adapter, start, retention: { bytes: 20_000 } }, { describe, it });
