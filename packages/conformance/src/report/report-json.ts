// A report as a file to keep: the same result gives the same text, so that a difference between two versions means something.
import type { Capabilities } from "@polylog/core";
import type { CheckResult, Report } from "../check.ts";

/** What a report file holds. Durations and times are left out: they differ from run to run and say nothing. */
export interface StoredReport {
	readonly backend: string;
	/** Product and version of the server, as whoever ran the kit knew it. */
	readonly server: string;
	/** `--seed` repeats the run. */
	readonly seed: string;
	readonly capabilities: Capabilities;
	readonly kept: number;
	readonly unsupported: number;
	readonly broken: number;
	/** In the order of the kit. */
	readonly checks: Readonly<Record<string, StoredCheck>>;
}

/** `kept`, or what it is instead and why. */
export type StoredCheck = "kept" | `unsupported: ${string}` | `broken: ${string}`;

export function storedReport({ backend, server, seed, capabilities, results }: Report): StoredReport {
	const count = (status: CheckResult["status"]) => results.filter((result) => result.status === status).length;
	return {
		backend,
		server,
		seed,
		capabilities: byName(capabilities),
		kept: count("kept"),
		unsupported: count("unsupported"),
		broken: count("broken"),
		checks: Object.fromEntries(results.map((result) => [result.id, storedCheck(result)])),
	};
}

export const reportJson = (report: Report): string => `${JSON.stringify(storedReport(report), null, "\t")}\n`;

function storedCheck({ status, reason = "" }: CheckResult): StoredCheck {
	return status === "kept" ? status : `${status}: ${reason}`;
}

function byName<T extends object>(object: T): T {
	return Object.fromEntries(Object.entries(object).toSorted(([a], [b]) => a.localeCompare(b))) as T;
}
