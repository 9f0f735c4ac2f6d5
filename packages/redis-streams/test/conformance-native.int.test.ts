// Redis Streams keeps every promise of the contract, in one process and in several, on the machine's own Redis.
import { describeConformance } from "@polylog/integration/conformance";
import { adapter } from "../src/index.ts";
import { servers } from "./harness.ts";

for (const server of servers.filter(({ kind, via }) => kind === "redis" && via !== "container")) describeConformance(server, { adapter });
