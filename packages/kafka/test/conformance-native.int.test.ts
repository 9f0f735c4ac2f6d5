import { providers } from "@polylog/integration";
import { describeConformance } from "./conformance.ts";

for (const server of await providers("kafka")) if (server.via !== "container") describeConformance(server);
