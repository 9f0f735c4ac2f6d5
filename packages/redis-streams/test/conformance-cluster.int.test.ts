import { redisGroups } from "@polylog/integration";
import { describeConformance } from "./conformance.ts";

describeConformance((await redisGroups()).cluster);
