// The conformance kit: what every backend must show, runnable by any adapter author.
export { BrokerHistory } from "./broker-history.ts";
export type { Check, CheckResult, Flag, Report } from "./check.ts";
export { CHECKS } from "./checks/index.ts";
export { checkHistory, type Verdict, violationLine } from "./history/check-history.ts";
export { type CommandLine, parseCommandLine, UsageError } from "./cli/command-line.ts";
export { harnessOf, type UrlHarnessOptions } from "./cli/harness-of-url.ts";
export { type PrintOptions, runAndPrint } from "./cli/run-and-print.ts";
export { describeDriver, type TestRunner } from "./describe-driver.ts";
export type { Harness, RunningBroker } from "./harness.ts";
export { eventLine, type HistoryEvent, mergeHistories, parseEventLine, parseHistory } from "./history/event.ts";
export type { HistoryRules } from "./history/judge.ts";
export { BROKEN_PROMISES, type Violation, type ViolationKey } from "./history/violation.ts";
export { escapes, type Rejection } from "./rejection.ts";
export { reportJson, type StoredCheck, type StoredReport, storedReport } from "./report/report-json.ts";
export { reportTable } from "./report/report-table.ts";
export { byTheme, themeOf } from "./report/theme.ts";
export { type CheckOptions, runChecks, selectChecks } from "./run-checks.ts";
export { type AppendCall, delegate, type FetchCall, type Tap, tapped } from "./tap.ts";
