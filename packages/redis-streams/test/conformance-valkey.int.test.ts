import { describeConformance } from "./conformance.ts";
import { servers } from "./harness.ts";

for (const server of servers.filter(({ kind }) => kind === "valkey")) describeConformance(server);
