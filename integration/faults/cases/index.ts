// All cases, in the order of their numbers.
import type { FaultCase } from "../fault-case.ts";
import { brokerOutageCases } from "./broker-outage.ts";
import { handlerCases } from "./handlers.ts";
import { memberCases } from "./members.ts";
import { networkCases } from "./network.ts";
import { rebalancingCases } from "./rebalancing.ts";

export const CASES: readonly FaultCase[] = [
	...memberCases,
	...brokerOutageCases,
	...networkCases,
	...handlerCases,
	...rebalancingCases,
].toSorted((a, b) => Number(a.id.slice(1)) - Number(b.id.slice(1)));
