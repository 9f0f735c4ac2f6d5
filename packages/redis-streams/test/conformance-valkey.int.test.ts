// The same on Valkey.
import { describeConformance } from "@polylog/integration/conformance";
import { adapter } from "../src/index.ts";
import { servers } from "./harness.ts";

for (const server of servers.filter(({ kind }) => kind === "valkey")) describeConformance(server, { adapter });
