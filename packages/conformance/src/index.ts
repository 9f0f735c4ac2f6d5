// The conformance kit: what every backend must show, runnable by any adapter author.
export type { Check, CheckResult, Report } from "./check.ts";
export { CHECKS } from "./checks/index.ts";
export { checkHistory, type HistoryRules, type Verdict, type Violation, type ViolationKind } from "./check-history.ts";
export { describeDriver, type TestRunner } from "./describe-driver.ts";
export type { Harness, RunningBroker } from "./harness.ts";
export { eventLine, type HistoryEvent, parseEventLine } from "./history.ts";
export { type CheckOptions, runChecks } from "./run-checks.ts";
export { type AppendCall, delegate, type FetchCall, type Tap, tapped } from "./tap.ts";
