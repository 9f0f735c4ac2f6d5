// All checks of the kit, by theme.
import type { Check } from "../check.ts";
import { backPressureChecks } from "./back-pressure.ts";
import { badInputChecks } from "./bad-input.ts";
import { batchChecks } from "./batches.ts";
import { capabilityChecks } from "./capabilities.ts";
import { closedChecks } from "./closed.ts";
import { closingChecks } from "./closing.ts";
import { commitCallChecks } from "./commit-calls.ts";
import { commitChecks } from "./commits.ts";
import { driverChecks } from "./driver.ts";
import { failurePolicyChecks } from "./failure-policies.ts";
import { failureChecks } from "./failure.ts";
import { fencingChecks } from "./fencing.ts";
import { groupChecks } from "./groups.ts";
import { handlingChecks } from "./handling.ts";
import { iteratorChecks } from "./iterator.ts";
import { knownGroupChecks } from "./known-groups.ts";
import { lagChecks } from "./lag.ts";
import { partitioningChecks } from "./partitioning.ts";
import { processChecks } from "./processes.ts";
import { producerOrderChecks } from "./producer-order.ts";
import { publishChecks } from "./publish.ts";
import { rangeChecks } from "./range.ts";
import { readingChecks } from "./reading.ts";
import { rebalanceChecks } from "./rebalance.ts";
import { recordChecks } from "./records.ts";
import { resetChecks } from "./reset.ts";
import { seekChecks } from "./seek.ts";
import { staticMemberChecks } from "./static-members.ts";
import { stoppedProcessChecks } from "./stopped-processes.ts";
import { topicChecks } from "./topics.ts";

export const CHECKS: readonly Check[] = [
	...driverChecks,
	...publishChecks,
	...producerOrderChecks,
	...partitioningChecks,
	...recordChecks,
	...readingChecks,
	...topicChecks,
	...groupChecks,
	...knownGroupChecks,
	...staticMemberChecks,
	...commitChecks,
	...commitCallChecks,
	...rebalanceChecks,
	...fencingChecks,
	...seekChecks,
	...resetChecks,
	...rangeChecks,
	...lagChecks,
	...failureChecks,
	...failurePolicyChecks,
	...badInputChecks,
	...backPressureChecks,
	...handlingChecks,
	...closingChecks,
	...closedChecks,
	...capabilityChecks,
	...iteratorChecks,
	...batchChecks,
	...processChecks,
	...stoppedProcessChecks,
];
