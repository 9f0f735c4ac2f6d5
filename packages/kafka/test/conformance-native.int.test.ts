// Kafka keeps every promise of the contract, in one process and in several, on an older Kafka of this machine.
import { providers } from "@polylog/integration";
import { describeConformance } from "@polylog/integration/conformance";
import { adapter } from "../src/index.ts";
import { SHORT_RETENTION } from "./harness.ts";

for (const server of (await providers("kafka")).filter(({ via }) => via !== "container"))
	describeConformance(server, { adapter, retention: SHORT_RETENTION });
