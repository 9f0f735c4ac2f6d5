// RabbitMQ streams keep every promise of the contract, in one process and in several, on an older RabbitMQ of this machine.
import { providers } from "@polylog/integration";
import { describeConformance } from "@polylog/integration/conformance";
import { adapter } from "../src/index.ts";
import { SHORT_RETENTION } from "./harness.ts";

for (const server of (await providers("rabbitmq")).filter(({ via }) => via !== "container"))
	describeConformance(server, { adapter, retention: SHORT_RETENTION });
