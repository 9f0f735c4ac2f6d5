import { describeConformance } from "./conformance.ts";
import { servers } from "./harness.ts";

for (const server of servers.filter(({ kind, via }) => kind === "redis" && via === "container")) describeConformance(server);
