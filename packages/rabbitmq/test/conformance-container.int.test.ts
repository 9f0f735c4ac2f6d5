// The same on a newer RabbitMQ, in a container.
import { providers } from "@polylog/integration";
import { describeConformance } from "@polylog/integration/conformance";
import { adapter } from "../src/index.ts";
import { SHORT_RETENTION } from "./harness.ts";

for (const server of (await providers("rabbitmq")).filter(({ via }) => via === "container"))
	describeConformance(server, { adapter, retention: SHORT_RETENTION });
