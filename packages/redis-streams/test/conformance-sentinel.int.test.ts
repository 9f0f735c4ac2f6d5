// Redis Streams keeps every promise of the contract on a Redis that sentinels name.
import { redisGroups } from "@polylog/integration";
import { describeConformance } from "@polylog/integration/conformance";
import { adapter } from "../src/index.ts";

describeConformance((await redisGroups()).sentinel, { adapter });
