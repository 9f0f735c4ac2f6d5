// Redis Streams keeps every promise of the contract on Redis Cluster: its keys lie with three nodes.
import { redisGroups } from "@polylog/integration";
import { describeConformance } from "@polylog/integration/conformance";
import { adapter } from "../src/index.ts";

describeConformance((await redisGroups()).cluster, { adapter });
