// All cases, in the order of their numbers.
import type { FaultCase } from "../fault-case.ts";
import { brokerOutageCases } from "./broker-outage.ts";
import { clusterFaultCases } from "./cluster-faults.ts";
import { clusterSplitCases } from "./cluster-splits.ts";
import { clockCases } from "./clocks.ts";
import { closingCases } from "./closing.ts";
import { credentialCases } from "./credentials.ts";
import { handlerCases } from "./handlers.ts";
import { hostileInputCases } from "./hostile-input.ts";
import { lostPlaceCases } from "./lost-places.ts";
import { memberCases } from "./members.ts";
import { networkCases } from "./network.ts";
import { operatingCases } from "./operating.ts";
import { positionCases } from "./positions.ts";
import { rebalancingCases } from "./rebalancing.ts";
import { samenessCases } from "./sameness.ts";
import { topicCases } from "./topics.ts";
import { versionCases } from "./versions.ts";

const THEMES = [
	memberCases,
	brokerOutageCases,
	networkCases,
	handlerCases,
	rebalancingCases,
	clockCases,
	lostPlaceCases,
	operatingCases,
	positionCases,
	topicCases,
	versionCases,
	closingCases,
	hostileInputCases,
	credentialCases,
	samenessCases,
];

export const CASES: readonly FaultCase[] = inOrder(THEMES.flat());

/** On clusters, and only by command. */
export const CLUSTER_CASES: readonly FaultCase[] = inOrder([...clusterFaultCases, ...clusterSplitCases]);

function inOrder(cases: readonly FaultCase[]): FaultCase[] {
	return cases.toSorted((a, b) => Number(a.id.slice(1)) - Number(b.id.slice(1)));
}
