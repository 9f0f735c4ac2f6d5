// The same on a newer Redis, in a container.
import { describeConformance } from "@polylog/integration/conformance";
import { adapter } from "../src/index.ts";
import { servers } from "./harness.ts";

for (const server of servers.filter(({ kind, via }) => kind === "redis" && via === "container")) describeConformance(server, { adapter });
