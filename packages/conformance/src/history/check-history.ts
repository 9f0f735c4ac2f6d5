// Judges a history against the contract. Pure: the same events give the same verdict.
import { CommitJudge } from "./commit-judge.ts";
import { DeliveryJudge } from "./delivery-judge.ts";
import { Endings } from "./endings.ts";
import type { HistoryEvent } from "./event.ts";
import type { HistoryRules } from "./judge.ts";
import { LogJudge } from "./log-judge.ts";
import { ObservationJudge } from "./observation-judge.ts";
import { OwnershipJudge } from "./ownership-judge.ts";
import { ProgressJudge } from "./progress-judge.ts";
import { type Accuse, BROKEN_PROMISES, type Violation } from "./violation.ts";

export interface Verdict {
	/** In the order they were found. Empty: the history keeps the contract. */
	readonly violations: readonly Violation[];
	readonly delivered: number;
	readonly distinct: number;
	/** Deliveries of a record that was delivered before under another fence: allowed only after an unclean end. */
	readonly duplicates: number;
	readonly ownerChanges: number;
}

/**
 * Judges sends, deliveries, commits, assignments and what onlookers were told. The order of the events counts: put those of
 * several processes together with `mergeHistories`. Each violation names the record and the promise it breaks.
 */
export function checkHistory(events: readonly HistoryEvent[], rules: HistoryRules = {}): Verdict {
	const violations: Violation[] = [];
	const accuse: Accuse = (key, record, detail) => void violations.push({ key, promise: BROKEN_PROMISES[key], record, detail });
	const endings = new Endings();
	const ownership = new OwnershipJudge(accuse, rules, endings);
	const delivery = new DeliveryJudge(accuse, rules, endings);
	const judges = [
		new LogJudge(accuse, rules),
		ownership,
		delivery,
		new CommitJudge(accuse, rules, endings),
		new ObservationJudge(accuse, rules),
		new ProgressJudge(accuse, rules),
	];
	for (const event of events) {
		endings.take(event);
		for (const judge of judges) judge.take(event);
	}
	for (const judge of judges) judge.end();
	return { violations, ...delivery.counts, ownerChanges: ownership.ownerChanges };
}

/** A violation in one line. */
export const violationLine = ({ key, record, detail, promise }: Violation): string => `${key} at ${record}: ${detail} (breaks ${promise})`;
